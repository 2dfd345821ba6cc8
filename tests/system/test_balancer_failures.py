"""Endpoints that fail: what the client gets, what the log says, and what is tried elsewhere."""

import os
import sys
import time

import pytest

from harness import http
from harness.balancer import completed, lines_of, one_upstream
from harness.origin import send_raw


@pytest.fixture
def dead_endpoint(free_port):
    return f"127.0.0.1:{free_port()}"


def close_at_once(connection, _):
    connection.close()


def test_refused_connection_is_502_and_named_in_the_log(balancer, dead_endpoint):
    server = balancer(one_upstream(dead_endpoint))
    response = server.get("/x")
    assert (response.status, response.json["reason"]) == (502, "refused")
    assert response.header("proxy-status") == "sidekick; error=connection_refused"
    assert completed(server, "/x")["endpoint"] == dead_endpoint


def test_any_method_goes_to_another_endpoint_when_one_refuses_connections(balancer, origin, dead_endpoint):
    live = origin()
    server = balancer(one_upstream(dead_endpoint, live))
    for number in range(12):
        assert server.request("POST", f"/p{number}", body=b"x" * 1000).status == 200
    assert len(live.requests) == 12
    assert all(request.body == b"x" * 1000 for request in live.requests)
    # Three failures in a row take the dead one out: not every request pays for it.
    completed(server, "/p11")
    retried = [line for line in lines_of(server) if line.get("attempts", 1) == 2]
    assert 1 <= len(retried) <= 5, retried


def test_get_is_tried_elsewhere_when_an_endpoint_breaks_off_but_post_is_not(balancer, origin):
    broken, good = origin(close_at_once), origin()
    server = balancer(one_upstream(broken, good))
    for number in range(6):
        assert server.get(f"/g{number}").status == 200
    assert len(good.requests) == 6
    before = len(broken.requests)
    assert before >= 1
    only_broken = balancer(one_upstream(broken), name="only-broken")
    response = only_broken.request("POST", "/p", body=b"once")
    assert (response.status, response.json["reason"]) == (502, "connection_lost")
    assert len(broken.requests) == before + 1, "a POST that may have run was sent twice"


def test_stale_pooled_connection_is_replaced_by_a_fresh_one(balancer, origin):
    def answer_and_close_quietly(connection, _):
        connection.respond(200, b"once")  # keep-alive as far as anybody can tell
        connection.close()
    endpoint = origin(answer_and_close_quietly)
    server = balancer(one_upstream(endpoint))
    assert all(server.get(f"/{number}").status == 200 for number in range(10))


def test_endpoint_that_never_answers_is_504_and_asked_once(balancer, origin):
    silent = origin(lambda connection, _: connection.wait_closed())
    other = origin()
    server = balancer(one_upstream(silent, route={"response_header_timeout": "300ms"}))
    response = server.get("/slow")
    assert (response.status, response.json["reason"]) == (504, "response_timeout")
    assert len(silent.requests) == 1 and not other.requests
    assert completed(server, "/slow")["responseTime"] >= 300


def test_deadline_of_the_route_is_kept(balancer, origin):
    silent = origin(lambda connection, _: connection.wait_closed())
    server = balancer(one_upstream(silent, route={"budget": {"p99": "100ms", "deadline": "250ms"}}))
    begin = time.monotonic()
    response = server.get("/slow")
    assert time.monotonic() - begin < 5
    assert (response.status, response.json["reason"]) == (504, "deadline")
    assert "/*" in response.json["detail"] and "250ms" in response.json["detail"], response.json


@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
    b"SSH-2.0-OpenSSH\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
])
def test_broken_answer_is_502_and_never_passed_on(balancer, origin, raw):
    server = balancer(one_upstream(origin(send_raw(raw, close=True))))
    response = server.request("POST", "/broken", body=b"x")
    assert response.status == 502, response
    assert response.json["reason"] in ("bad_response", "connection_lost")


@pytest.mark.parametrize("head", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
def test_truncated_answer_never_looks_complete(balancer, origin, head):
    raw = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + (b"14\r\n" if "chunked" in head else b"") + b"only twenty bytes..."
    server = balancer(one_upstream(origin(send_raw(raw, close=True))))
    with server.connect() as client:
        client.send(http.request_bytes("GET", "/cut"))
        try:
            assert not client.read_response().complete
        except http.Closed:
            pass
    assert completed(server, "/cut")["reason"] in ("closed", "reset")


def test_nothing_behind_the_route_is_503_with_retry_after(balancer):
    server = balancer({
        "upstream": [{"name": "w", "workers": {"command": [sys.executable, "-c", "import time; time.sleep(60)"],
                                               "protocol": "http1", "count": 1}}],
        "route": [{"upstream": "w"}]}, ready=False)
    server.wait_until_ready("/livez")
    response = server.get("/")
    assert (response.status, response.json["reason"]) == (503, "no_worker")
    assert response.header("retry-after") == "1"
    assert server.get("/healthz").status == 503
    assert server.get("/readyz").status == 503


@pytest.mark.parametrize("size", [60_000, 200_000])
def test_put_body_is_sent_again_only_while_it_is_held(balancer, origin, size):
    body = os.urandom(size)

    def read_then_close(connection, _):
        connection.close()
    broken, good = origin(read_then_close), origin()
    server = balancer(one_upstream(broken, good))
    answers = [server.request("PUT", f"/{number}", body=body).status for number in range(4)]
    assert len(broken.requests) >= 1
    if size <= 65536:
        assert answers == [200] * 4
    else:
        assert 502 in answers and 200 in answers
    assert all(request.body == body for request in good.requests)
