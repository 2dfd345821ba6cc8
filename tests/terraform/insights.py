"""An interpreter for the part of CloudWatch Logs Insights' query language that the runbook uses.

A log line becomes an event: @message and @timestamp, and the top-level fields of its JSON, as Insights discovers them
(nested ones as parent.child). Known commands: fields, filter, parse with a regular expression, stats, sort, limit.
Anything else raises, so that a query cannot pass by being misunderstood.
"""

import json
import math
import re
from collections.abc import Callable, Iterable

Event = dict[str, object]


class UnknownSyntax(Exception):
    """A query uses something that this interpreter, and perhaps Insights too, does not know."""


def events_of(lines: Iterable[str]) -> list[Event]:
    events = []
    for line in lines:
        fields = json.loads(line)
        event: Event = {"@message": line, "@timestamp": fields["time"]}
        for name, value in fields.items():
            if isinstance(value, dict):
                event.update({f"{name}.{inner}": item for inner, item in value.items()})
            else:
                event[name] = value
        events.append(event)
    return events


def regular_expressions(query: str) -> list[str]:
    """Every /.../ of a query. A slash inside is written as \\/ there."""
    return [found.replace(r"\/", "/") for found in re.findall(r"/((?:\\.|[^/\\])+)/", query)]


def compiled(expression: str) -> re.Pattern:
    # Insights names groups as Java and JavaScript do.
    return re.compile(expression.replace("(?<", "(?P<"))


def commands_of(query: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?:^|\n)\s*\|\s*", query.strip())]


def run(query: str, events: list[Event]) -> list[Event]:
    rows = [dict(event) for event in events]
    for command in commands_of(query):
        word, _, rest = command.partition(" ")
        if word not in COMMANDS:
            raise UnknownSyntax(f"command {word!r} of {command!r}")
        rows = COMMANDS[word](" ".join(rest.split("\n")).strip(), rows)
    return rows


# ---- commands --------------------------------------------------------------------------------------------------------


def _fields(rest: str, rows: list[Event]) -> list[Event]:
    names = [name.strip() for name in rest.split(",")]
    for name in names:
        if not re.fullmatch(r"@?[\w.]+", name):
            raise UnknownSyntax(f"field {name!r}")
    return rows  # It chooses what is shown; later commands still see every field.


def _filter(rest: str, rows: list[Event]) -> list[Event]:
    condition = _condition(rest)
    return [row for row in rows if condition(row)]


def _condition(text: str) -> Callable[[Event], bool]:
    if found := re.fullmatch(r"(@?[\w.]+) (not )?like /(.+)/", text):
        name, negated, pattern = found[1], bool(found[2]), compiled(found[3].replace(r"\/", "/"))
        return lambda row: (pattern.search(str(row.get(name, ""))) is None) == negated
    if found := re.fullmatch(r"ispresent\((@?[\w.]+)\)", text):
        return lambda row: row.get(found[1]) is not None
    if found := re.fullmatch(r'(@?[\w.]+) = (?:"([^"]*)"|(-?\d+))', text):
        wanted = int(found[3]) if found[3] is not None else found[2]
        return lambda row: row.get(found[1]) == wanted
    raise UnknownSyntax(f"filter {text!r}")


def _parse(rest: str, rows: list[Event]) -> list[Event]:
    found = re.fullmatch(r"(@?[\w.]+) /(.+)/", rest)
    if not found:
        raise UnknownSyntax(f"parse {rest!r}")
    pattern = compiled(found[2].replace(r"\/", "/"))
    if not pattern.groupindex:
        raise UnknownSyntax(f"parse without a named group: {rest!r}")
    for row in rows:
        if match := pattern.search(str(row.get(found[1], ""))):
            clashes = [name for name in match.groupdict() if name in row]
            if clashes:
                raise UnknownSyntax(f"{clashes} are fields of the log line already; Insights refuses to parse into them")
            row.update({name: _number_or_text(value) for name, value in match.groupdict().items()})
    return rows


def _number_or_text(value: str) -> object:
    return float(value) if re.fullmatch(r"\d+\.\d+", value) else value


def _stats(rest: str, rows: list[Event]) -> list[Event]:
    calls_text, _, keys_text = rest.partition(" by ")
    keys = [key.strip() for key in keys_text.split(",") if key.strip()]
    calls = [_aggregate(text.strip()) for text in re.split(r",\s*(?![^(]*\))", calls_text)]
    groups: dict[tuple, list[Event]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return [dict(zip(keys, key)) | {name: call(members) for name, call in calls} for key, members in groups.items()]


def _aggregate(text: str) -> tuple[str, Callable[[list[Event]], object]]:
    found = re.fullmatch(r"(\w+)\(([^)]*)\)(?: as (\w+))?", text)
    if not found or found[1] not in AGGREGATES:
        raise UnknownSyntax(f"stats {text!r}")
    arguments = [argument.strip() for argument in found[2].split(",")]
    call = AGGREGATES[found[1]]
    return found[3] or text, lambda rows: call(rows, *arguments)


def _present(rows: list[Event], name: str) -> list:
    return [row[name] for row in rows if row.get(name) is not None]


def _average(rows: list[Event], name: str) -> float | None:
    values = _present(rows, name)
    return sum(values) / len(values) if values else None


def _percentile(rows: list[Event], name: str, percent: str) -> float | None:
    values = sorted(_present(rows, name))
    return values[max(0, math.ceil(len(values) * float(percent) / 100) - 1)] if values else None


def _at_time(rows: list[Event], name: str, choose: Callable) -> object:
    present = [row for row in rows if row.get(name) is not None]
    return choose(present, key=lambda row: row["@timestamp"])[name] if present else None


AGGREGATES = {
    "count": lambda rows, name: len(rows) if name == "*" else len(_present(rows, name)),
    "avg": _average,
    "pct": _percentile,
    "latest": lambda rows, name: _at_time(list(reversed(rows)), name, max),
    "earliest": lambda rows, name: _at_time(rows, name, min),
}


def _sort(rest: str, rows: list[Event]) -> list[Event]:
    name, _, direction = rest.partition(" ")
    if direction not in ("asc", "desc"):
        raise UnknownSyntax(f"sort {rest!r}")
    if rows and all(name not in row for row in rows):
        raise UnknownSyntax(f"sort by {name}, which no row has any more")
    return sorted(rows, key=lambda row: (row.get(name) is not None, row.get(name)), reverse=direction == "desc")


COMMANDS = {
    "fields": _fields,
    "filter": _filter,
    "parse": _parse,
    "stats": _stats,
    "sort": _sort,
    "limit": lambda rest, rows: rows[:int(rest)],
}
