"""Latency budgets: the deadline ends requests, and the time is booked to the stage that took it."""

import json
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest

from harness import http, log
from harness.programs import REPOSITORY
from harness.waiting import eventually

SECRET = "0123456789abcdef0123456789abcdef"
BUDGET = {"p50": "20ms", "p99": "60ms", "p999": "30s", "deadline": "40s"}
SLOW_MS = 150  # beyond p99, far from p999
STAGES = {"read", "route", "connect", "worker_wait", "handler", "pg_pool", "pg", "redis", "upstream", "write"}


@pytest.fixture
def timed(balancer, app_upstream, dependencies, work_dir):
    """load-app behind a route with a budget; `budget` and parts of the configuration may be replaced. Its own timeouts
    are long, so that they end nothing before the budget does."""
    own = work_dir / "load-app.toml"
    own.write_text('[redis]\ncommand_timeout = "30s"\n[database]\nstatement_timeout = "30s"\n')

    def start(budget=None, env=None, name="balancer", port=None, **config):
        return balancer({"upstream": [app_upstream(program="load_app", arguments=["--config", str(own)])],
                         "route": [{"path": "/*", "upstream": "app", "budget": budget or BUDGET}], **config},
                        env={**dependencies, **(env or {})}, name=name, port=port)
    return start


def budget_of(server, url: str) -> dict:
    """The budget of the completed (or aborted) line of the last request for that path."""
    def find():
        lines = [line for line in log.parse(server.output()) if line.kind not in ("other", "incoming") and line.url == url]
        return lines[-1] if lines else None
    line = eventually(find, 10 * server.build.patience)
    log.check_contract(line)
    return line.document["budget"]


def check_ledger(budget: dict) -> None:
    """Stages have known names and add up to what was spent, but for what rounding takes off."""
    assert set(budget["stages"]) <= STAGES, budget
    assert abs(sum(budget["stages"].values()) - budget["spentMs"]) <= 0.001 * (len(STAGES) + 1), budget
    assert max(budget["stages"], key=budget["stages"].get) == budget["topStage"], budget


def check_top(server, url: str, stage: str, over: str = "p99") -> dict:
    budget = budget_of(server, url)
    check_ledger(budget)
    assert (budget["topStage"], budget["over"]) == (stage, over), budget
    assert budget["stages"][stage] >= SLOW_MS * 0.8, budget
    return budget


def timings(response: http.Response) -> dict[str, float]:
    """The balancer's Server-Timing, which is the last one."""
    fields = response.all("server-timing")
    assert fields, response.headers
    entries = dict(re.fullmatch(r"(\w+);dur=(\d+\.\d{3})", entry).groups() for entry in fields[-1].split(", "))
    return {name: float(value) for name, value in entries.items()}


# --- which stage took the time ---

def slow_handler(server):
    assert server.get(f"/pause?ms={SLOW_MS}").status == 200
    budget = check_top(server, "/pause", "handler")
    assert budget["deadlineMs"] == 40000


def computing_handler(server):
    """It asks the database only afterwards."""
    assert server.get(f"/busy?ms={SLOW_MS}").status == 200
    check_top(server, "/busy", "handler")


def slow_statement(server):
    assert server.get(f"/sql?ms={SLOW_MS}").status == 200
    check_top(server, "/sql", "pg")


def two_slow_statements_at_once(server):
    assert server.get(f"/sql-twice?ms={SLOW_MS}").status == 200
    budget = check_top(server, "/sql-twice", "pg")
    assert budget["stages"]["pg"] <= budget["spentMs"], "counted twice"


def slow_request_body(server):
    with server.connect() as connection:
        connection.send(b"POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(SLOW_MS / 1000)  # the slowness itself
        connection.send(b"cd")
        assert connection.read_response().json == {"bytes": 4}
    check_top(server, "/hold", "read")


def slow_client(server):
    size = 16 << 20
    with server.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
        connection.send(http.request_bytes("GET", f"/sized?bytes={size}&sent={size}"))
        time.sleep(SLOW_MS / 1000)  # the slowness itself
        assert len(connection.read_response().body) == size
    check_top(server, "/sized", "write")


def trickling_stream(server):
    assert server.get(f"/trickle?ms={SLOW_MS}").body == b"drop" * 3
    check_top(server, "/trickle", "handler")


def worker_busy_with_others(server):
    """One worker, one loop: the second request comes while the first one computes."""
    with server.connect() as first, server.connect() as second:
        assert second.request("GET", "/who/warm").status == 200
        incoming = len(server.log_lines("incoming request"))
        first.send(http.request_bytes("GET", f"/busy?ms={SLOW_MS * 4}"))
        eventually(lambda: len(server.log_lines("incoming request")) > incoming)
        second.send(http.request_bytes("GET", "/who/second"))
        assert second.read_response().status == 200
        assert first.read_response().status == 200
    check_top(server, "/who/second", "worker_wait")


def test_each_delay_is_booked_to_the_stage_that_took_it(timed):
    server = timed()
    for delay in (slow_handler, computing_handler, slow_statement, two_slow_statements_at_once, slow_request_body,
                  slow_client, trickling_stream, worker_busy_with_others):
        delay(server)


def test_a_slow_redis_is_the_top_stage(timed, redis, tcp_proxy):
    """The proxy keeps back every reply for a while once the connection stands."""
    holding = {"since": None}

    def hold(_connection):
        return holding["since"] is not None and time.monotonic() < holding["since"] + SLOW_MS / 1000
    proxy = tcp_proxy(("127.0.0.1", redis.port), hold)
    server = timed(env={"REDIS_URL": f"redis://127.0.0.1:{proxy.port}"})
    assert server.get("/cached/warm").status == 200
    holding["since"] = time.monotonic()

    def release_in_time():
        while hold(None):
            time.sleep(0.01)
        proxy.release_all()
    with server.connect() as connection:
        connection.send(http.request_bytes("GET", "/cached/slow"))
        release_in_time()
        assert connection.read_response().status == 200
    check_top(server, "/cached/slow", "redis")


def test_a_plain_endpoint_is_upstream(balancer, origin):
    def slow(connection, _):
        time.sleep(SLOW_MS / 1000)  # the slowness itself
        connection.respond(200, b"late")
    server = balancer({"upstream": [{"name": "o", "endpoints": [origin(slow).endpoint]}],
                       "route": [{"upstream": "o", "budget": BUDGET}]})
    assert server.get("/x").status == 200
    check_top(server, "/x", "upstream")


def test_a_request_within_its_budget_is_over_nothing(timed):
    server = timed({"p50": "10s", "p99": "20s"})
    assert server.get("/who/me").all("server-timing") == [], "nobody sees stages by default"
    budget = budget_of(server, "/who/me")
    check_ledger(budget)
    assert budget["over"] == "none" and "deadlineMs" not in budget
    assert server.request("GET", "/who/me", {"Sidekick-Timing": SECRET}).all("server-timing") == []


# --- the deadline ---

def expired(response: http.Response, route: str, deadline_ms: float, stage: str) -> None:
    document = response.json
    assert response.status == 504 and response.header("content-type") == "application/problem+json", response
    assert (document["route"], document["deadline_ms"], document["stage"]) == (route, deadline_ms, stage), document
    assert document["status"] == 504 and document["title"] and document["detail"]
    assert document["spent_ms"] >= deadline_ms


def test_the_deadline_bounds_the_worker_and_names_its_stage(timed, redis, tcp_proxy):
    held = {"on": False}
    proxy = tcp_proxy(("127.0.0.1", redis.port), lambda _: held["on"])
    server = timed({"p99": "100ms", "deadline": "300ms"}, env={"REDIS_URL": f"redis://127.0.0.1:{proxy.port}"})
    assert server.get("/cached/warm").status == 200
    held["on"] = True
    for target, stage in (("/sql?ms=20000", "pg"), ("/pause?ms=20000", "handler"), ("/cached/held", "redis")):
        begun = time.monotonic()
        expired(server.get(target), "/*", 300, stage)
        assert time.monotonic() - begun < 10, "the statement would have taken 20 s"
        budget = budget_of(server, target.partition("?")[0])
        check_ledger(budget)
        assert (budget["over"], budget["topStage"], budget["deadlineMs"]) == ("deadline", stage, 300)
    held["on"] = False
    proxy.release_all()
    with server.connect() as connection:
        connection.send(b"POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
        expired(connection.read_response(), "/*", 300, "read")
    assert server.get("/who/after").status == 200
    samples = server.metrics()
    assert samples['sidekick_budget_over_total{route="/*",limit="deadline"}'] == 4
    for stage in ("pg", "handler", "redis", "read"):
        assert samples[f'sidekick_budget_top_stage_total{{route="/*",limit="deadline",stage="{stage}"}}'] == 1


def test_a_worker_whose_loop_is_stuck_does_not_hold_up_the_504(timed):
    server = timed({"deadline": "200ms"})
    begun = time.monotonic()
    expired(server.get("/busy?ms=3000"), "/*", 200, "handler")
    assert time.monotonic() - begun < 2.8, "it waited for the worker"


def test_a_plain_endpoint_that_never_answers_is_504_with_the_same_members(balancer, origin):
    server = balancer({"upstream": [{"name": "o", "endpoints": [origin(lambda connection, _: connection.wait_closed()).endpoint]}],
                       "route": [{"host": "localhost", "path": "/never/*", "upstream": "o",
                                  "budget": {"deadline": "300ms"}}]})
    expired(server.get("/never/x"), "localhost/never/*", 300, "upstream")


def test_a_handler_that_shortens_its_deadline_answers_with_the_same_members(timed):
    server = timed({"deadline": "30s"})
    document = server.get("/sql?ms=20000&deadline=300").json
    assert (document["route"], document["stage"]) == ("/sql", "pg"), document
    assert document["spent_ms"] >= document["deadline_ms"] >= 300


def test_a_worker_alone_gives_the_same_answer(app, dependencies, work_dir):
    config = work_dir / "app.toml"
    config.write_text('request_deadline = "300ms"\n')
    alone = app(program="load_app", env=dependencies, arguments=("--config", str(config)))
    expired(alone.get("/sql?ms=20000"), "/sql", 300, "pg")


# --- metrics ---

def test_requests_are_counted_by_limit_and_by_the_stage_that_took_most(timed):
    server = timed({"p50": "20ms", "p99": "60ms", "p999": "30s", "deadline": "30s"})
    for _ in range(3):
        assert server.get(f"/pause?ms={SLOW_MS}").status == 200
    for _ in range(2):
        assert server.get(f"/sql?ms={SLOW_MS}").status == 200
    for _ in range(5):
        assert server.get("/who/me").status == 200

    samples = server.metrics()

    def sample(name: str, **labels) -> float:
        text = ",".join(f'{key}="{value}"' for key, value in {"route": "/*", **labels}.items())
        return samples[f"sidekick_budget_{name}{{{text}}}"]
    assert sample("requests_total") == 10
    assert sample("over_total", limit="p99") >= 5
    assert sample("over_total", limit="p50") >= sample("over_total", limit="p99")
    assert sample("over_total", limit="p999") == sample("over_total", limit="deadline") == 0
    assert sample("top_stage_total", limit="p99", stage="handler") >= 3
    assert sample("top_stage_total", limit="p99", stage="pg") >= 2
    for limit in ("p50", "p99"):
        by_stage = sum(sample("top_stage_total", limit=limit, stage=stage) for stage in STAGES)
        assert by_stage == sample("over_total", limit=limit)
    assert sample("stage_seconds_total", stage="handler") >= 3 * SLOW_MS / 1000 * 0.8
    assert sample("stage_seconds_total", stage="pg") >= 2 * SLOW_MS / 1000 * 0.8
    assert sample("limit_seconds", limit="p99") == 0.06


def test_a_request_whose_client_left_counts_nowhere(timed):
    server = timed({"p99": "20s", "deadline": "20s"})
    with server.connect() as connection:
        connection.send(http.request_bytes("GET", "/pause?ms=60000"))
        eventually(lambda: server.log_lines("incoming request"))
        connection.reset()
    assert budget_of(server, "/pause")["over"] == "none"
    assert server.metrics()['sidekick_budget_requests_total{route="/*"}'] == 0


def test_routes_without_a_budget_have_neither_metrics_nor_log_parts(balancer, origin):
    server = balancer({"upstream": [{"name": "o", "endpoints": [origin().endpoint]}], "route": [{"upstream": "o"}]})
    assert server.get("/x").status == 200
    assert not [name for name in server.metrics() if name.startswith("sidekick_budget_")]
    (line,) = [line for line in log.parse(eventually(lambda: server.log_lines("completed"))[0] + "\n")]
    assert "budget" not in line.document


# --- Server-Timing ---

def test_the_secret_opens_the_stages_and_goes_no_further(timed):
    server = timed(server={"timing_secret": SECRET})
    response = server.request("GET", f"/pause?ms={SLOW_MS}", {"Sidekick-Timing": SECRET})
    stages = timings(response)
    assert set(stages) <= STAGES | {"total"}
    assert stages["handler"] >= SLOW_MS * 0.8
    assert abs(sum(stages.values()) - 2 * stages["total"]) <= 0.001 * (len(STAGES) + 1)
    assert server.request("GET", "/who/me", {"Sidekick-Timing": SECRET[:-1] + "x"}).all("server-timing") == []
    for value in (SECRET, "wrong"):
        assert "timing" not in server.request("GET", "/headers", {"Sidekick-Timing": value}).text.lower()
    assert SECRET not in server.output()


def test_a_secret_from_the_environment_stays_with_the_balancer(balancer, app_upstream):
    server = balancer({"upstream": [app_upstream(program="load_app")], "route": [{"upstream": "app"}]},
                      env={"SIDEKICK_TIMING_SECRET": SECRET})
    assert "total" in timings(server.request("GET", "/who/me", {"Sidekick-Timing": SECRET}))
    (worker,) = server.workers()
    assert SECRET.encode() not in pathlib.Path(f"/proc/{worker}/environ").read_bytes()


def test_the_secret_works_on_routes_without_a_budget_and_on_our_own_answers(balancer, app_upstream):
    server = balancer({"server": {"timing_secret": SECRET}, "upstream": [app_upstream(program="load_app")],
                       "route": [{"path": "/pause", "upstream": "app", "total_timeout": "300ms",
                                  "response_header_timeout": "300ms"},
                                 {"path": "/*", "upstream": "app"}]})
    timing = {"Sidekick-Timing": SECRET}
    assert "handler" in timings(server.request("GET", f"/pause?ms={SLOW_MS}", timing))
    late = server.request("GET", "/pause?ms=60000", timing)
    assert late.status == 504 and timings(late)["total"] >= 250
    streamed = timings(server.request("GET", f"/trickle?ms={SLOW_MS}", timing))
    assert streamed["total"] < SLOW_MS, "the head left before the handler was over"


def test_loopback_is_admitted_where_the_listener_says_so_unless_a_proxy_left_marks(timed, free_port):
    port, off = free_port(), free_port()
    server = timed(port=port, server={"timing_secret": SECRET},
                   listener=[{"address": f"127.0.0.1:{port}", "server_timing": "loopback"},
                             {"address": f"127.0.0.1:{off}", "server_timing": "off"}])
    assert "total" in timings(server.get("/who/me"))
    assert server.request("GET", "/who/me", {"X-Forwarded-For": "203.0.113.9"}).all("server-timing") == []
    server.port = off
    assert server.request("GET", "/who/me", {"Sidekick-Timing": SECRET}).all("server-timing") == []


def test_an_endpoints_own_server_timing_is_kept_beside_ours(balancer, origin):
    def timing(connection, _):
        connection.respond(200, b"x", {"Server-Timing": "db;dur=5"})
    server = balancer({"server": {"timing_secret": SECRET}, "upstream": [{"name": "o", "endpoints": [origin(timing).endpoint]}],
                       "route": [{"upstream": "o"}]})
    response = server.request("GET", "/", {"Sidekick-Timing": SECRET})
    assert response.all("server-timing")[0] == "db;dur=5"
    assert "upstream" in timings(response)
    assert server.get("/").all("server-timing") == ["db;dur=5"]


# --- the configuration ---

@pytest.mark.once
def test_budgets_are_exported_for_terraform(run_program, work_dir):
    config = work_dir / "sidekick.toml"
    config.write_text("""
[[listener]]
address = "127.0.0.1:7500"
[[upstream]]
name = "app"
endpoints = ["127.0.0.1:3000"]
[[route]]
path = "/v1/items/*"
upstream = "app"
budget = { p50 = "500us", p99 = "25ms", p999 = "90ms", deadline = "0.5s", rate = 400 }
[[route]]
path = "/v1/*"
upstream = "app"
budget = { p99 = "60ms" }
[[route]]
upstream = "app"
""")
    checked = run_program("sidekick-lb", "check", "--config", config, "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["route"][0]["budget"] == {
        "p50_ms": 0.5, "p99_ms": 25, "p999_ms": 90, "deadline_ms": 500, "rate": 400}
    made = subprocess.run([sys.executable, str(REPOSITORY / "terraform/scripts/budgets.py")], input=checked.stdout,
                          text=True, capture_output=True, timeout=30, check=True)
    assert json.loads(made.stdout)["latency_budgets"] == {
        "/v1/items/*": {"p50_ms": 0.5, "p99_ms": 25, "deadline_ms": 500, "excludes": []},
        "/v1/*": {"p99_ms": 60, "excludes": ["/v1/items/*"]}}


@pytest.mark.once
@pytest.mark.parametrize("line, words", [
    ('budget = { p50 = "40ms", p99 = "8ms" }', "route.budget.p99: 8ms is less than p50, 40ms"),
    ('budget = { p99 = "40ms", deadline = "39ms" }', "route.budget.deadline: 39ms is less than p99, 40ms"),
    ('budget = { p99 = "40 parsecs" }', "route.budget.p99: expected a duration"),
    ('[[budget]]\np99 = "40ms"', "a budget belongs to a route"),
])
def test_a_wrong_budget_is_one_line_with_its_place(run_program, work_dir, line, words):
    config = work_dir / "sidekick.toml"
    config.write_text('[[listener]]\naddress = "127.0.0.1:7500"\n[[upstream]]\nname = "a"\nendpoints = ["127.0.0.1:1"]\n'
                      f'[[route]]\nupstream = "a"\n{line}\n')
    checked = run_program("sidekick-lb", "check", "--config", config)
    assert checked.returncode != 0
    (error,) = [text for text in checked.stderr.splitlines() if ": error: " in text]
    assert re.search(r"sidekick\.toml:8:\d+: error: ", error) and words in error, error
