"""The harness itself: tests cannot be trusted more than their tools."""

import pytest

from harness import http
from harness.origin import answer, in_turn, send_raw
from harness.toml import to_toml

pytestmark = pytest.mark.once


def test_origin_records_and_answers_in_turn(origin):
    server = origin(in_turn(answer(body=b"one"), send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", close=True)))
    with http.Connection(("127.0.0.1", server.port)) as connection:
        first = connection.request("POST", "/a?b=1", {"X-Test": "yes"}, b"hello")
        second = connection.request("GET", "/c")
    assert (first.status, first.body, first.complete) == (200, b"one", True)
    assert (second.body, second.complete) == (b"short", False)
    requests = server.wait_for_requests(2)
    assert (requests[0].method, requests[0].target, requests[0].header("x-test"), requests[0].body) == (
        "POST", "/a?b=1", "yes", b"hello")
    assert requests[1].connection == requests[0].connection


def test_origin_on_a_unix_socket_decodes_chunks_and_trailers(origin):
    server = origin(unix=True)
    with http.Connection(server.unix) as connection:
        connection.send(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n")
        assert connection.read_response().status == 200
    (request,) = server.wait_for_requests(1)
    assert (request.body, request.trailers) == (b"abc", [("T", "v")])


def test_client_reads_chunks_and_sees_truncation(origin):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = origin(in_turn(send_raw(head + b"2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n"), send_raw(head + b"5\r\nhe", close=True)))
    with http.Connection(("127.0.0.1", server.port)) as connection:
        whole = connection.request("GET", "/")
        cut = connection.request("GET", "/")
    assert (whole.body, whole.trailers, whole.complete) == (b"hi", [("X-T", "1")], True)
    assert not cut.complete


def test_tcp_proxy_withholds_replies_until_enough_commands_came(redis, tcp_proxy):
    proxy = tcp_proxy(("127.0.0.1", redis.port), lambda connection: connection.sent.count(b"PING") < 3)
    with http.Connection(("127.0.0.1", proxy.port), timeout=0.2) as connection:
        connection.send(b"PING\r\nPING\r\n")
        with pytest.raises(TimeoutError):
            connection.read_exactly(1)
        connection.send(b"PING\r\n")
        assert connection.read_exactly(21) == b"+PONG\r\n" * 3


def test_a_private_postgres_keeps_its_data_over_a_restart(private_postgres):
    private_postgres.create_database("kept")
    private_postgres.kill()
    private_postgres.start()
    assert private_postgres.sql("SELECT 6 * 7", "kept") == "42"


def test_configurations_are_written_as_toml():
    import tomllib
    config = {"server": {"threads": 2, "io": "auto"}, "listener": [{"address": "[::]:80", "redirect_https": False}],
              "upstream": [{"name": "a", "workers": {"command": ["x", "a\"b"], "count": 0}}]}
    assert tomllib.loads(to_toml(config)) == config
