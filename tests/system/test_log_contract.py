"""The request log: what the operators' patterns see in the lines of a real run.

Behind the balancer its lines are the only ones; a worker alone writes the same.
"""

import signal
import subprocess

import pytest

from harness import http, log
from harness.programs import REPOSITORY
from harness.waiting import eventually

HOSTILE_TARGETS = [
    "/plain",
    "/query?token=secret-of-the-query",
    "/%22%2C%22statusCode%22%3A%20500%2C%22x%22%3A%22",
    '/","statusCode": 500,"url": "/forged',
    "/\\u0022\\\\",
    "/back\\slash\\",
    "/%0a%0d%00",
    "/statusCode%22:%20404",
    "/{}[]<>^`|",
    "//evil.example.com/%2e%2e/",
    "/route=1,rt=2.5,p99=3",
    "/" + "long" * 1000,
    "/" + "%22" * 1000,
    "/\u00fc",
]


@pytest.fixture(params=["balancer", "alone"])
def server(request, app, app_upstream, balancer):
    if request.param == "alone":
        return app(program="fault_app")
    return balancer({"upstream": [app_upstream(program="fault_app")], "route": [{"path": "/*", "upstream": "app"}]})


def lines_of(server) -> list[log.Line]:
    """All lines but those of the health probes that awaited the server (a worker alone logs them)."""
    return [line for line in log.parse(server.output()) if line.kind == "other" or line.url != "/livez"]


def request_lines(server, count: int) -> list[log.Line]:
    """All lines once `count` requests have ended."""
    def ended():
        lines = lines_of(server)
        return lines if sum(line.kind not in ("other", "incoming") for line in lines) >= count else None
    return eventually(ended, 10 * server.build.patience)


def check_pairs(lines: list[log.Line], count: int) -> None:
    for line in lines:
        log.check_contract(line)
    requests = log.requests_of(lines)
    assert len(requests) == count
    for identity, pair in requests.items():
        assert [line.kind.split("_")[0] for line in pair] == ["incoming", "completed"], (identity, pair)
        assert pair[0].url == pair[1].url
        assert pair[0].document["req"]["method"] == pair[1].document["method"]


def test_every_request_has_one_pair_of_lines_that_the_patterns_match(server):
    answers = {"/hello": 200, "/throw": 500, "/nothing/here": 404, "/stream?bytes=100": 200}
    for target, status in answers.items():
        assert server.get(target).status == status
    with server.connect() as connection:
        for number in range(20):
            assert connection.request("GET", f"/hello?n={number}").status == 200
        assert connection.request("POST", "/echo", {"Content-Type": "application/json"}, "[1]").status == 200
        assert connection.request("DELETE", "/hello").status == 405

    lines = request_lines(server, 26)
    check_pairs(lines, 26)
    completed = [line.document for line in lines if line.kind.startswith("completed")]
    assert sorted(document["statusCode"] for document in completed) == [200] * 23 + [404, 405, 500]
    assert {document["statusCode"]: document["level"] for document in completed} == {200: 30, 404: 30, 405: 30, 500: 50}
    assert all("?" not in document["url"] for document in completed)
    (streamed,) = (document for document in completed if document["url"] == "/stream")
    assert streamed["routePattern"] == "/stream"
    incoming = [line.document for line in lines if line.kind == "incoming"]
    assert {document["req"]["remoteAddress"] for document in incoming} == {"127.0.0.1"}
    assert {document["req"]["host"] for document in incoming} == {"localhost"}


def test_hostile_targets_cannot_forge_a_line(server):
    answered = 0
    for target in HOSTILE_TARGETS:
        with server.connect() as connection:
            connection.send(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = connection.read_response().status
        assert status in (400, 404), (target, status)
        answered += status == 404
    assert answered >= 6, "too few of the targets were taken for valid ones: the test has lost its teeth"
    lines = request_lines(server, answered)
    check_pairs(lines, answered)
    for line in lines:
        assert "secret-of-the-query" not in line.raw
        if line.kind != "other":
            assert len(line.url) <= 2048
            assert line.document.get("statusCode") in (None, 404)


def test_a_client_that_left_is_aborted_without_a_status(server):
    connection = server.connect()
    connection.send(http.request_bytes("GET", "/slow?ms=60000"))
    eventually(lambda: any(line.kind == "incoming" for line in lines_of(server)))
    connection.reset()
    lines = request_lines(server, 1)
    for line in lines:
        log.check_contract(line)
    (pair,) = log.requests_of(lines).values()
    assert [line.kind for line in pair] == ["incoming", "aborted"]
    assert "statusCode" not in pair[1].document and "res" not in pair[1].document


@pytest.mark.parametrize("wanted, kinds", [
    ("both", ["incoming", "completed", "incoming", "completed_error"]),
    ("completed", ["completed", "completed_error"]),
    ("errors", ["completed_error"]),
    ("off", []),
])
@pytest.mark.once
def test_how_much_is_logged_is_configured(balancer, app_upstream, wanted, kinds):
    server = balancer({"log": {"requests": wanted}, "upstream": [app_upstream(program="fault_app")],
                       "route": [{"path": "/*", "upstream": "app"}]})
    assert server.get("/hello").status == 200
    assert server.get("/throw").status == 500
    assert server.terminate() == 0
    lines = log.parse(server.output())
    for line in lines:
        log.check_contract(line)
    assert [line.kind for line in lines if line.kind != "other"] == kinds


def test_a_stdout_that_nobody_reads_stalls_no_request_and_tears_no_line(build, work_dir, free_port, origin):
    """The pipe and the ring fill up; what is lost is whole lines, and they are counted."""
    port, admin = free_port(), free_port()
    config = work_dir / "quiet.toml"
    config.write_text(f"""
[server]
io = "{build.io_choice}"
threads = 1
stop_timeout = "5s"
[log]
ring = "64KiB"
[admin]
address = "127.0.0.1:{admin}"
[[listener]]
address = "127.0.0.1:{port}"
[[upstream]]
name = "origin"
endpoints = ["{origin().endpoint}"]
[[route]]
upstream = "origin"
""")
    process = subprocess.Popen(build.command("sidekick-lb", "--config", str(config)), stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, cwd=REPOSITORY)
    try:
        def connect():
            return http.Connection(("127.0.0.1", port), timeout=10 * build.patience)

        def live():
            with connect() as connection:
                return connection.request("GET", "/livez").status == 200
        eventually(live, 20 * build.patience)
        with connect() as connection:
            for number in range(300):
                assert connection.request("GET", f"/{number}/" + "x" * 1500).status == 200
        with http.Connection(("127.0.0.1", admin)) as connection:
            page = connection.request("GET", "/metrics").text
        (dropped,) = [float(line.split()[1]) for line in page.splitlines()
                      if line.startswith("sidekick_log_lines_dropped_total")]
        assert dropped > 0
        process.send_signal(signal.SIGTERM)
        text = process.stdout.read().decode()
        assert process.wait(10 * build.patience) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert text.endswith("\n")
    lines = log.parse(text)
    for line in lines:
        log.check_contract(line)
    logged = sum(line.kind != "other" for line in lines)
    assert logged + dropped >= 600 and logged < 600
