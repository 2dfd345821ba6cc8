#!/usr/bin/env python3
"""Makes budgets.auto.tfvars.json from the balancer's effective configuration.

    sidekick-lb check --config sidekick.toml --json | terraform/scripts/budgets.py > terraform/budgets.auto.tfvars.json
    sidekick-lb check --config sidekick.toml --json | terraform/scripts/budgets.py --compare terraform/budgets.auto.tfvars.json

Read are the routes in their order: "route": [{"host", "path", "budget": {"p50_ms", "p99_ms", "deadline_ms"}}]. A budget with
a p99 becomes an entry keyed by the route's path, which the log shows as routePattern. As the first matching route
wins, `excludes` names the earlier routes whose requests a wildcard would count too.

The log does not tell hosts apart. Where two hosts have a budget for one path, the looser one is taken, and said on
stderr: an alarm must not go off for a route that keeps its promise.
"""

import argparse
import json
import sys

BUDGET_FIELDS = ("p50_ms", "p99_ms", "deadline_ms")


class BadConfiguration(Exception):
    """What is wrong with the input, in words for its author."""


def routes_of(configuration) -> list[dict]:
    routes = configuration.get("route") if isinstance(configuration, dict) else None
    if not isinstance(routes, list):
        raise BadConfiguration('expected the output of `sidekick-lb check --json`, an object with a list "route"')
    for number, route in enumerate(routes, 1):
        path = route.get("path") if isinstance(route, dict) else None
        if not isinstance(path, str) or not path.startswith("/"):
            raise BadConfiguration(f'route {number}: "path" must be a string that begins with /, got {path!r}')
    return routes


def budget_of(route: dict) -> dict | None:
    """The stated limits of a route, or None where there is no p99 to watch."""
    stated = route.get("budget") or {}
    for field in BUDGET_FIELDS:
        value = stated.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
            raise BadConfiguration(f'route {route["path"]}: budget.{field} must be a number above 0, got {value!r}')
    if stated.get("p99_ms") is None:
        return None
    return {field: stated[field] for field in BUDGET_FIELDS if stated.get(field) is not None}


def covers(pattern: str, path: str) -> bool:
    """Whether requests that `path` matches are a part of those that `pattern` does."""
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return path == pattern


def earlier_within(routes: list[dict], index: int) -> list[str]:
    """Paths of earlier routes that take requests which the path of this one matches too."""
    route = routes[index]
    taken = []
    for earlier in routes[:index]:
        same_hosts = earlier.get("host", "") in ("", route.get("host", ""))
        if same_hosts and earlier["path"] != route["path"] and covers(route["path"], earlier["path"]):
            taken.append(earlier["path"])
    return sorted(set(taken))


def looser(path: str, one: dict, other: dict) -> dict:
    print(f"budgets: {path} has budgets for several hosts; the log does not tell hosts apart, the looser one is taken",
          file=sys.stderr)
    return max(one, other, key=lambda entry: entry["p99_ms"])


def latency_budgets(configuration) -> dict:
    routes = routes_of(configuration)
    budgets: dict[str, dict] = {}
    for index, route in enumerate(routes):
        budget = budget_of(route)
        if budget is None:
            continue
        entry = {**budget, "excludes": earlier_within(routes, index)}
        path = route["path"]
        budgets[path] = looser(path, budgets[path], entry) if path in budgets else entry
    return {"latency_budgets": budgets}


def main() -> int:
    parser = argparse.ArgumentParser(description="Latency budgets for Terraform from `sidekick-lb check --json` on stdin.")
    parser.add_argument("--compare", metavar="FILE", help="only tell whether FILE holds what stdin says")
    arguments = parser.parse_args()
    try:
        made = latency_budgets(json.load(sys.stdin))
    except (BadConfiguration, json.JSONDecodeError) as error:
        print(f"budgets: {error}", file=sys.stderr)
        return 2
    text = json.dumps(made, indent=2) + "\n"
    if arguments.compare is None:
        sys.stdout.write(text)
        return 0
    with open(arguments.compare, encoding="utf-8") as file:
        if file.read() == text:
            return 0
    print(f"budgets: {arguments.compare} differs from the configuration; make it anew with terraform/scripts/budgets.py",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
