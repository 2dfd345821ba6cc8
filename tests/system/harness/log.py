"""The request log as its readers see it: JSON documents, and the operators' patterns over the raw lines."""

import dataclasses
import json
import re

from .programs import REPOSITORY

CONTRACT = json.loads((REPOSITORY / "tests/cases/log-patterns.json").read_text())
PATTERNS = [{**entry, "expression": re.compile(entry["pattern"].replace("(?<", "(?P<"))} for entry in CONTRACT["patterns"]]


@dataclasses.dataclass
class Line:
    raw: str
    document: dict

    @property
    def kind(self) -> str:
        """incoming, completed, completed_error, aborted; other for every other line."""
        message = self.document.get("msg", "")
        if message.startswith("incoming request "):
            return "incoming"
        if message.startswith("request aborted "):
            return "aborted"
        if message.startswith("request completed "):
            return "completed_error" if self.document["statusCode"] >= 400 else "completed"
        return "other"

    @property
    def url(self) -> str:
        return (self.document.get("req") or self.document)["url"]


def parse(text: str) -> list[Line]:
    """Every whole line; one that is no JSON object is an assertion failure."""
    lines = []
    for raw in text[:text.rfind("\n") + 1].splitlines():
        try:
            document = json.loads(raw)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error}): {raw[:500]!r}") from None
        assert isinstance(document, dict), raw
        lines.append(Line(raw, document))
    return lines


def requests_of(lines: list[Line]) -> dict[str, list[Line]]:
    """The lines of requests by their id."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.kind != "other":
            found.setdefault(line.document["reqId"], []).append(line)
    return found


def check_contract(line: Line) -> None:
    """Asserts that the operators' patterns see in this line what they must, and nothing else."""
    forbidden = set(CONTRACT["top_level_keys_forbidden"]) & set(line.document)
    assert not forbidden, f"{forbidden} at top level: {line.raw}"
    if line.kind == "other":
        assert "statusCode" not in line.document and "url" not in line.document, line.raw
        assert not re.search(r'statusCode\\?": [45]\d{2}', line.raw), line.raw
        return
    for entry in PATTERNS:
        match = entry["expression"].search(line.raw)
        assert (match is not None) == entry[line.kind], f"{entry['name']} in {line.kind}: {line.raw}"
        if match:
            check_captures(line, entry, match)
    if line.kind.startswith("completed"):
        missing = set(CONTRACT["top_level_keys_required"]["completed"]) - set(line.document)
        assert not missing, f"{missing} missing: {line.raw}"


def check_captures(line: Line, entry: dict, match: re.Match) -> None:
    captured = match.groupdict()
    if "route" in captured:
        assert json.loads(f'"{captured["route"]}"') == line.url, line.raw
    if "rt" in captured:
        assert float(captured["rt"]) == line.document["responseTime"], line.raw
    if "id" in captured:
        assert line.document["reqId"] == f"req-{captured['id']}", line.raw
