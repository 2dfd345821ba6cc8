"""What tests of the balancer share: a configuration with one upstream, and its log as JSON documents."""

import json

from .waiting import eventually


def lines_of(server) -> list[dict]:
    """Every whole line of its log, strictly parsed."""
    return [json.loads(line) for line in server.output().splitlines(keepends=True) if line.endswith("\n")]


def completed(server, url: str) -> dict:
    """The completed line of that url; there must be exactly one."""
    def found():
        lines = [line for line in lines_of(server)
                 if line.get("url") == url and line["msg"].startswith("request completed")]
        return lines or None
    lines = eventually(found)
    assert len(lines) == 1, lines
    return lines[0]


def one_upstream(*origins, route=None, upstream=None) -> dict:
    return {"upstream": [{"name": "o", "endpoints": [o if isinstance(o, str) else o.endpoint for o in origins],
                          **(upstream or {})}],
            "route": [{"upstream": "o", **(route or {})}]}
