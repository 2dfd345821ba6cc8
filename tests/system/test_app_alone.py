"""A worker alone on TCP: streaming, stopping, bad starts, its own request log. fault-app misbehaves on demand."""

import concurrent.futures
import json
import re
import signal
import socket
import time

import pytest

from harness import http, programs


@pytest.fixture
def fault_app(app):
    """tests/programs/fault_app.cpp on TCP."""
    def start(env=None, arguments=()):
        return app(program="fault_app", env=env, arguments=arguments)
    return start


def logged(server, text, count=1):
    """The lines with this text, once there are `count`: the log leaves up to a tenth of a second later."""
    deadline = time.monotonic() + 10
    while len(server.log_lines(text)) < count:
        assert time.monotonic() < deadline, f"{text!r} is not in the log"
        time.sleep(0.02)
    return server.log_lines(text)


def test_streams_of_any_size_arrive_whole(fault_app):
    server = fault_app()
    for size in (0, 1, 8192, 100_000, 10_000_000):
        response = server.get(f"/stream?bytes={size}")
        assert (response.status, len(response.body), response.complete) == (200, size, True)


@pytest.mark.parametrize("failure", ["error", "throw"])
def test_a_stream_that_fails_looks_truncated(fault_app, failure):
    server = fault_app()
    with server.connect() as connection:
        connection.send(http.request_bytes("GET", f"/stream?bytes=200000&fail={failure}"))
        try:
            response = connection.read_response("GET")
            assert not response.complete, "a failed stream looked complete"
        except http.Closed:
            pass
    assert server.get("/hello").text == "hello"
    assert len(logged(server, "response truncated")) == 1


def test_a_stream_that_fails_before_its_head_is_a_problem(fault_app):
    response = fault_app().get("/stream?bytes=10&fail=head")
    assert response.status == 500
    assert response.header("content-type") == "application/problem+json"


def test_exceptions_are_answered_logged_and_survived(fault_app):
    server = fault_app()
    response = server.get("/throw")
    assert response.status == 500
    assert "nobody meant this" not in response.text
    detail = [json.loads(line) for line in logged(server, "nobody meant this")]
    assert len(detail) == 1
    assert detail[0]["level"] == 50
    assert not {"statusCode", "url"} & set(detail[0])
    assert server.get("/hello").status == 200


def test_bodies_are_streamed_to_handlers_that_want_them_so(fault_app):
    server = fault_app()
    size = 20_000_000
    with server.connect() as connection:
        connection.send(f"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        piece = b"x" * 100_000
        for _ in range(size // len(piece)):
            connection.send(piece)
        assert connection.read_response("POST").json == {"bytes": size}


def test_a_client_that_leaves_interrupts_its_handler(fault_app):
    server = fault_app()
    connection = server.connect()
    connection.send(http.request_bytes("GET", "/slow?ms=60000"))
    logged(server, "/slow")
    connection.reset()
    deadline = time.monotonic() + 10
    while server.get("/cancelled").text != "1":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    aborted = [json.loads(line) for line in logged(server, "request aborted")]
    assert len(aborted) == 1
    assert "statusCode" not in aborted[0]


def test_a_request_without_end_gets_504_at_its_deadline(fault_app, work_dir):
    config = work_dir / "short.toml"
    config.write_text('request_deadline = "200ms"\n')
    response = fault_app(arguments=("--config", str(config))).get("/slow?ms=60000")
    assert response.status == 504


def test_requests_of_one_connection_are_answered_in_order(fault_app):
    server = fault_app()
    with server.connect() as connection:
        connection.send(b"".join(http.request_bytes("GET", path) for path in ("/slow?ms=50", "/hello", "/nothing", "/hello")))
        answers = [connection.read_response("GET") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 404, 200]


def test_sigterm_answers_what_was_read_and_exits_with_0(fault_app):
    server = fault_app()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(server.get, "/slow?ms=1000") for _ in range(8)]
        logged(server, "/slow", 8)
        code = server.terminate()
        assert [answer.result().text for answer in slow] == ["slow"] * 8
    assert code == 0


def test_healthz_turns_503_while_stopping(fault_app):
    server = fault_app()
    with concurrent.futures.ThreadPoolExecutor(1) as pool, server.connect() as connection:
        assert connection.request("GET", "/healthz").status == 200
        slow = pool.submit(server.get, "/slow?ms=800")
        logged(server, "/slow")
        deadline = time.monotonic() + 10
        server.send_signal(signal.SIGTERM)
        while connection.request("GET", "/healthz").status != 503:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert slow.result().status == 200


def test_the_request_log_matches_the_operators_patterns(fault_app):
    server = fault_app()
    server.get("/hello?secret=1")
    server.get('/a%22b"c')
    server.get("/throw")
    server.terminate()
    lines = server.log_lines()
    documents = [json.loads(line) for line in lines]
    text = "\n".join(lines)
    assert "secret" not in text
    patterns = json.loads((programs.REPOSITORY / "tests/cases/log-patterns.json").read_text())
    assert patterns
    completed = [line for line in lines if "completed" in line]
    assert all(re.search(r'responseTime": (?P<rt>\d+\.\d+).*"url": "(?P<route>[^"]+)', line) for line in completed)
    assert any(re.search(r'statusCode": [45]\d{2}', line) for line in completed)
    incoming = [re.search(r"incoming request req-(?P<id>\w+)", line) for line in lines if "incoming request" in line]
    assert all(incoming)
    assert len({match["id"] for match in incoming}) == len(incoming)
    assert all(isinstance(document["statusCode"], int) for document in documents if "statusCode" in document)
    assert not any({"route", "rt", "id", "p99"} & set(document) for document in documents)


def test_request_log_can_be_turned_down(fault_app):
    server = fault_app(env={"SIDEKICK_LOG_REQUESTS": "errors"})
    server.get("/hello")
    server.get("/throw")
    server.terminate()
    assert not server.log_lines("incoming request")
    assert len(server.log_lines("request completed")) == 1


# --- bad starts: one line that names the thing and the fix ---


def only_line(done):
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.once
def test_a_taken_port_is_one_line(run_program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_program("sidekick-app", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in only_line(done)
    assert "in use" in only_line(done)


@pytest.mark.once
def test_a_missing_configuration_is_one_line(run_program):
    done = run_program("sidekick-app", "--config", "/nonexistent/app.toml")
    assert done.returncode == 2
    assert "/nonexistent/app.toml" in only_line(done)


@pytest.mark.once
def test_a_wrong_database_url_is_one_line(run_program):
    done = run_program("sidekick-app", env={"DATABASE_URL": "mysql://user:secret@db/x"})
    assert done.returncode == 2
    assert "DATABASE_URL" in only_line(done)
    assert "secret" not in done.stderr


@pytest.mark.once
def test_version_is_the_one_of_the_file(run_program):
    done = run_program("sidekick-app", "--version")
    assert done.returncode == 0
    assert (programs.REPOSITORY / "VERSION").read_text().strip() in done.stdout
