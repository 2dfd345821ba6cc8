"""Metric filter patterns of CloudWatch Logs, as far as the configuration uses them: comparisons of JSON fields joined
by &&. Strings compare with * as a wildcard at any place; `= *` means that the field is there."""

import json
import re

TERM = re.compile(r'\(?\$\.(\w+) (=|!=|>=) (?:"([^"]*)"|(\*)|(\d+))\)?')


class UnknownPattern(Exception):
    """A pattern uses something that this evaluator does not know."""


def matches(pattern: str, line: str) -> bool:
    found = re.fullmatch(r"\{ (.+) \}", pattern)
    if not found:
        raise UnknownPattern(pattern)
    fields = json.loads(line)
    return all(_term(text.strip(), fields) for text in found[1].split(" && "))


def _term(text: str, fields: dict) -> bool:
    found = TERM.fullmatch(text)
    if not found:
        raise UnknownPattern(text)
    name, operator, string, anything, number = found.groups()
    value = fields.get(name)
    if value is None:
        return False
    if anything:
        return operator == "="
    if number:
        return isinstance(value, (int, float)) and operator == ">=" and value >= int(number)
    wildcard = ".*".join(re.escape(part) for part in string.split("*"))
    equal = re.fullmatch(wildcard, str(value)) is not None
    return equal if operator == "=" else not equal
