"""The runbook's queries over log lines: the patterns operators know, from terraform/README.md, and the saved ones.

The lines are tests/cases/log-lines.jsonl: the log contract, with a failed, an aborted and an unfinished request. With
SIDEKICK_LOG_LINES=FILE the same checks run over what a real binary wrote; such a file must hold requests of each of
these kinds. What a query should find is computed from the lines' JSON, so it need not be known beforehand.
"""

import json
import os
import re

import pytest

import insights
import metric_filter
from terraform_runner import CONFIGURATION, REPOSITORY

QUERIES = CONFIGURATION / "modules/observability/queries"
SAVED = sorted(file.stem for file in QUERIES.glob("*.cwlq"))
FILES = [REPOSITORY / "tests/cases/log-lines.jsonl"]
if os.environ.get("SIDEKICK_LOG_LINES"):
    FILES.append(os.environ["SIDEKICK_LOG_LINES"])


@pytest.fixture(params=FILES, ids=lambda file: os.path.basename(file))
def lines(request):
    with open(request.param, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip()]


def readme_queries() -> dict[str, str]:
    """Title -> query, of the runbook's fenced blocks."""
    text = (CONFIGURATION / "README.md").read_text()
    return {title: body for title, body in re.findall(r"^\*\*([ABC]\d) [^\n]*\n\n```sql\n(.*?)```", text, re.S | re.M)}


def saved(name: str) -> str:
    return (QUERIES / f"{name}.cwlq").read_text()


def completed(lines: list[str]) -> list[dict]:
    return [fields for fields in map(json.loads, lines) if "statusCode" in fields]


# ---- the patterns ----------------------------------------------------------------------------------------------------


def test_the_runbook_has_five_queries():
    assert sorted(readme_queries()) == ["A1", "A2", "B1", "B2", "C1"]
    assert len(SAVED) == 5


@pytest.mark.parametrize("title", ["A1", "A2", "B1", "B2", "C1"])
def test_the_known_patterns_match_lines(title, lines):
    expressions = insights.regular_expressions(readme_queries()[title])
    assert expressions
    for expression in expressions:
        if expression == "completed":  # "not like": there must be lines of both kinds
            assert 0 < sum("completed" in line for line in lines) < len(lines)
            continue
        matched = [line for line in lines if insights.compiled(expression).search(line)]
        assert matched, f"no line matches /{expression}/"


@pytest.mark.parametrize("name", SAVED)
def test_the_saved_patterns_match_lines(name, lines):
    expressions = insights.regular_expressions(saved(name))
    assert expressions
    for expression in expressions:
        assert any(insights.compiled(expression).search(line) for line in lines), f"no line matches /{expression}/"


def test_the_saved_queries_keep_the_known_patterns():
    known = readme_queries()
    for title, name in (("A1", "a1-recent-errors"), ("A2", "a2-errors-by-path"), ("B1", "b1-slow-routes"), ("B2", "b2-slow-routes-p99")):
        assert insights.regular_expressions(known[title]) == insights.regular_expressions(saved(name))


# ---- what the saved queries find -------------------------------------------------------------------------------------


def test_a1_finds_the_failed_requests_newest_first(lines):
    wanted = [fields["reqId"] for fields in sorted(completed(lines), key=lambda fields: -fields["time"]) if fields["statusCode"] >= 400]
    assert wanted, "the lines hold no failed request"
    assert [row["reqId"] for row in insights.run(saved("a1-recent-errors"), insights.events_of(lines))] == wanted[:20]


def test_a2_counts_failed_requests_by_path_and_status(lines):
    wanted: dict = {}
    for fields in completed(lines):
        if fields["statusCode"] >= 400:
            key = (fields["url"], fields["statusCode"])
            wanted[key] = wanted.get(key, 0) + 1
    rows = insights.run(saved("a2-errors-by-path"), insights.events_of(lines))
    assert {(row["route"], row["statusCode"]): row["responses"] for row in rows} == wanted
    assert [row["responses"] for row in rows] == sorted((row["responses"] for row in rows), reverse=True)


@pytest.mark.parametrize("name, column", [("b1-slow-routes", "avg_ms"), ("b2-slow-routes-p99", "p99_ms")])
def test_b_sorts_routes_by_their_time(name, column, lines):
    times: dict = {}
    for fields in completed(lines):
        times.setdefault(fields["url"], []).append(fields["responseTime"])
    rows = insights.run(saved(name), insights.events_of(lines))
    assert {row["route"]: row["responses"] for row in rows} == {url: len(values) for url, values in times.items()}
    assert all(row["avg_ms"] == pytest.approx(sum(times[row["route"]]) / len(times[row["route"]])) for row in rows)
    assert all(min(times[row["route"]]) <= row[column] <= max(times[row["route"]]) for row in rows)
    assert [row[column] for row in rows] == sorted((row[column] for row in rows), reverse=True)


def test_c1_finds_the_unfinished_requests_only(lines):
    def ids(word: str) -> set[str]:
        return {found for line in lines for found in re.findall(rf"{word} req-(\w+)", json.loads(line)["msg"])}
    wanted = ids("incoming request") - ids("request completed") - ids("request aborted")
    assert wanted, "the lines hold no unfinished request"
    rows = insights.run(saved("c1-incomplete-requests"), insights.events_of(lines))
    assert {row["id"] for row in rows} == wanted


def test_the_known_c1_lists_every_request_which_is_why_it_was_corrected(lines):
    rows = insights.run(readme_queries()["C1"], insights.events_of(lines))
    incoming = sum("incoming request" in line for line in lines)
    finished = sum("completed" in line for line in lines)
    assert len(rows) == len(lines) - finished >= incoming


# ---- metric filters --------------------------------------------------------------------------------------------------


def test_metric_filters_count_each_request_once(lines, default_plan):
    patterns = {change["address"].split(".")[-1]: change["change"]["after"]["pattern"] for change in default_plan["resource_changes"]
                if change["type"] == "aws_cloudwatch_log_metric_filter"}
    def count(pattern: str) -> int:
        return sum(metric_filter.matches(pattern, line) for line in lines)
    assert count(patterns["all_routes"]) == len([fields for fields in completed(lines) if "routePattern" in fields])
    assert count(patterns["server_errors"]) == len([fields for fields in completed(lines) if fields["statusCode"] >= 500])
    routes = {address: pattern for address, pattern in patterns.items() if address.startswith("route[")}
    assert len(routes) == 4
    for line in lines:  # An earlier route's requests are not counted again by a wider one.
        assert sum(metric_filter.matches(pattern, line) for pattern in routes.values()) <= 1
    assert count(routes['route["/v1/items/*"]']) == len([f for f in completed(lines) if f.get("routePattern", "").startswith("/v1/items/")])
    assert count(routes['route["/"]']) == len([f for f in completed(lines) if f.get("routePattern") == "/"])


def test_a_filter_pattern_fits_cloudwatchs_limit(default_plan):
    for change in default_plan["resource_changes"]:
        if change["type"] == "aws_cloudwatch_log_metric_filter":
            assert len(change["change"]["after"]["pattern"]) <= 1024


# ---- the interpreter is strict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [
    "stats percentile(responseTime, 99) by url",
    "stats count(*) as n by url\n| sort @timestamp desc",
    "parse @message /(?<reqId>\\w+)/",
    "dedup url",
    "filter url contains \"x\"",
    "sort url",
])
def test_what_insights_refuses_is_refused_here(query):
    lines = (REPOSITORY / "tests/cases/log-lines.jsonl").read_text().splitlines()
    with pytest.raises(insights.UnknownSyntax):
        insights.run(query, insights.events_of(lines))
