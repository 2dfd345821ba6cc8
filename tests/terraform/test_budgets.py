"""scripts/budgets.py, and that the committed budgets are those of the configuration."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from terraform_runner import CONFIGURATION

SCRIPT = CONFIGURATION / "scripts/budgets.py"
COMMITTED = CONFIGURATION / "budgets.auto.tfvars.json"
REFERENCE = pathlib.Path(__file__).parent / "cases/check.json"


def run(configuration, *arguments: str) -> subprocess.CompletedProcess:
    text = configuration if isinstance(configuration, str) else json.dumps(configuration)
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], input=text, text=True, capture_output=True,
                          timeout=30, check=False)


def budgets(*routes: dict) -> dict:
    done = run({"route": list(routes)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["latency_budgets"]


def route(path: str, p99: float | None = None, **more) -> dict:
    return {"path": path, "upstream": "app", **({"budget": {"p99_ms": p99}} if p99 else {}), **more}


def check_output() -> str:
    """What `sidekick-lb check --json` prints: of the real one where SIDEKICK_CHECK names a command, else as recorded."""
    command = os.environ.get("SIDEKICK_CHECK")
    if command:
        return subprocess.run(command, shell=True, text=True, capture_output=True, timeout=30, check=True).stdout
    return REFERENCE.read_text()


def test_the_committed_budgets_are_those_of_the_configuration():
    done = run(check_output(), "--compare", str(COMMITTED))
    assert done.returncode == 0, done.stderr


def test_a_drift_is_told(tmp_path):
    changed = json.loads(REFERENCE.read_text())
    changed["route"][0]["budget"]["p99_ms"] = 11
    done = run(changed, "--compare", str(COMMITTED))
    assert done.returncode == 1 and "differs from the configuration" in done.stderr


def test_routes_without_a_p99_are_left_out():
    assert list(budgets(route("/a", 10), route("/b"), {"path": "/c", "budget": {"p50_ms": 1}})) == ["/a"]


def test_all_limits_are_taken_over():
    made = budgets({"path": "/a", "budget": {"p50_ms": 0.5, "p99_ms": 10, "p999_ms": 20, "deadline_ms": 250, "rate": 100}})
    assert made == {"/a": {"p50_ms": 0.5, "p99_ms": 10, "deadline_ms": 250, "excludes": []}}


def test_a_wildcard_leaves_out_earlier_routes_within_it_and_no_others():
    made = budgets(route("/v1/items/*", 25), route("/v1/slow"), route("/v2/x", 5), route("/v1/*", 60), route("/v1/late", 5))
    assert made["/v1/*"]["excludes"] == ["/v1/items/*", "/v1/slow"]
    assert made["/v1/items/*"]["excludes"] == []


def test_an_earlier_route_of_one_host_takes_nothing_from_a_route_of_all_hosts():
    assert budgets(route("/v1/items", 5, host="a.example.com"), route("/v1/*", 60))["/v1/*"]["excludes"] == []
    assert budgets(route("/v1/items", 5), route("/v1/*", 60, host="a.example.com"))["/v1/*"]["excludes"] == ["/v1/items"]


def test_two_hosts_with_one_path_get_the_looser_budget_and_a_word():
    done = run({"route": [route("/v1/*", 60, host="a.example.com"), route("/v1/*", 40, host="b.example.com")]})
    assert json.loads(done.stdout)["latency_budgets"]["/v1/*"]["p99_ms"] == 60
    assert "/v1/* has budgets for several hosts" in done.stderr


@pytest.mark.parametrize("configuration, complaint", [
    ("{", "Expecting property name"),
    ({}, 'an object with a list "route"'),
    ([], 'an object with a list "route"'),
    ({"route": [{"path": "v1"}]}, 'route 1: "path" must be a string that begins with /, got \'v1\''),
    ({"route": [{"path": "/", "budget": {"p99_ms": "40ms"}}]}, "budget.p99_ms must be a number above 0, got '40ms'"),
    ({"route": [{"path": "/", "budget": {"p99_ms": 0}}]}, "budget.p99_ms must be a number above 0, got 0"),
])
def test_bad_input_is_told_and_makes_nothing(configuration, complaint):
    done = run(configuration)
    assert done.returncode == 2 and complaint in done.stderr and done.stdout == ""
