"""The listener behind an ALB: what makes such a load balancer answer 502 does not happen.

Connections end with FIN and never with RST, idle ones stay longer than the ALB keeps them, the time for a head counts from
its first byte, the last answer of a connection says that it is, and what is refused is answered and logged.
"""

import select
import signal
import time

import pytest

from harness.waiting import eventually

IDLE_SECONDS = 1.5
HEADER_SECONDS = 0.5


@pytest.fixture
def listener(balancer, app_upstream, free_port):
    """Scaled down: the profile insists on more than an ALB's 60 s, so its limits stand here one by one."""
    def start(program="load_app", **limits):
        port = free_port()
        limits = {"request_line": "16KiB", "header_field": "16KiB", "header_total": "64KiB", **limits}
        return balancer({"listener": [{"address": f"127.0.0.1:{port}", "limits": limits}],
                         "upstream": [app_upstream(program=program)], "route": [{"path": "/*", "upstream": "app"}]},
                        port=port)
    return start


def ends_with_fin(connection, within: float) -> float:
    """Seconds until the peer closes; fails on a reset, which recv() raises."""
    since = time.monotonic()
    ready, _, _ = select.select([connection.socket], [], [], within)
    assert ready, f"still open after {within} s"
    assert connection.socket.recv(1) == b""
    return time.monotonic() - since


def test_an_idle_connection_outlives_the_header_timeout_and_ends_with_fin(listener):
    server = listener(idle_timeout=f"{int(IDLE_SECONDS * 1000)}ms", header_timeout=f"{int(HEADER_SECONDS * 1000)}ms")
    with server.connect() as connection:
        assert connection.request("GET", "/who/1").status == 200
        # Nothing for longer than a head may take: only its first byte starts that time.
        assert not select.select([connection.socket], [], [], HEADER_SECONDS * 1.5)[0]
        assert connection.request("GET", "/who/2").status == 200
        assert ends_with_fin(connection, (IDLE_SECONDS + 4) * server.build.patience) >= IDLE_SECONDS * 0.9


def test_a_head_that_does_not_end_is_answered_and_ends_with_fin(listener):
    server = listener(header_timeout=f"{int(HEADER_SECONDS * 1000)}ms")
    with server.connect() as connection:
        connection.send(b"GET /who/1 HTTP/1.1\r\nHo")
        answer = connection.read_response()
        assert (answer.status, answer.header("connection").lower()) == (408, "close")
        ends_with_fin(connection, 4 * server.build.patience)


def test_the_last_answer_of_a_connection_says_so(listener):
    server = listener(requests_per_connection=3)
    with server.connect() as connection:
        closing = [connection.request("GET", f"/who/{number}").header("connection") == "close" for number in range(3)]
        assert closing == [False, False, True]
        ends_with_fin(connection, 4 * server.build.patience)


@pytest.mark.parametrize("head, status", [
    (b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 17_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"X: " + b"x" * 15_000 + b"\r\n") * 5 + b"\r\n", 431),
], ids=["line", "field", "all"])
def test_a_head_beyond_an_albs_limits_is_answered_logged_and_ends_with_fin(listener, head, status):
    server = listener()
    with server.connect() as connection:
        connection.send(head)
        answer = connection.read_response()
        assert (answer.status, answer.header("connection").lower()) == (status, "close")
        ends_with_fin(connection, 4 * server.build.patience)
    eventually(lambda: [line for line in server.log_lines("request rejected") if f'"answered": {status}' in line])


def test_a_head_at_an_albs_limits_is_served(listener):
    server = listener()
    big = {f"X-{number}": "x" * 12_000 for number in range(4)}
    assert server.request("GET", "/who/1", big).status == 200


def test_a_second_sigterm_ends_it_at_once(listener):
    server = listener(program="fault_app")
    with server.connect() as stuck:
        stuck.send(b"GET /slow?ms=600000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: '"/slow"' in server.output())
        server.send_signal(signal.SIGTERM)
        eventually(lambda: server.get("/healthz").status == 503)
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(10 * server.build.patience) == 0
        assert server.log_lines("stopping at once: a second signal came")
        assert time.monotonic() - since < 2 * server.build.patience  # of the 2.75 s that the first one grants
