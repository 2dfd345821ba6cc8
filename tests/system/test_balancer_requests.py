"""Requests through the balancer between real sockets: routing, bodies, limits, identity, what is counted and logged."""

import os
import threading

import pytest

from harness import http
from harness.balancer import completed, lines_of, one_upstream
from harness.origin import answer, in_turn, send_raw
from harness.waiting import eventually


# --- listeners and routes ---


def test_no_route_is_404_with_its_reason(balancer, origin):
    server = balancer(one_upstream(origin(), route={"path": "/there"}))
    response = server.get("/elsewhere")
    assert response.status == 404
    assert response.header("content-type") == "application/problem+json"
    assert response.json["reason"] == "no_route"
    line = completed(server, "/elsewhere")
    assert line["reason"] == "no_route" and line["reqId"] == response.json["requestId"]


def test_redirect_keeps_host_and_query_and_health_is_answered_there(balancer, origin, free_port):
    port, admin = free_port(), free_port()
    server = balancer({**one_upstream(origin()), "admin": {"address": f"127.0.0.1:{admin}"},
                       "listener": [{"address": f"127.0.0.1:{port}", "redirect_https": 8443}]}, port=port)
    response = server.get("/a?b=1", host="127.0.0.1:8080")
    assert (response.status, response.header("location")) == (308, "https://127.0.0.1:8443/a?b=1")
    assert server.get("/livez").status == 200
    assert server.request("POST", "/p", body=b"x", host="[::1]").header("location") == "https://[::1]:8443/p"


def test_routes_by_host_and_path_in_file_order(balancer, origin):
    first, second = origin(answer(body=b"first")), origin(answer(body=b"second"))
    server = balancer({
        "upstream": [{"name": "a", "endpoints": [first.endpoint]}, {"name": "b", "endpoints": [second.endpoint]}],
        "route": [{"host": "api.example.com", "path": "/v1/*", "upstream": "a"},
                  {"host": "*.example.com", "upstream": "b"}, {"path": "/open", "upstream": "a"}]})

    def who(target, host):
        response = server.get(target, host=host)
        return response.text if response.status == 200 else response.status
    assert who("/v1/x", "api.example.com") == "first"
    assert who("/v1/x", "API.example.com:80") == "first"
    assert who("/v1", "api.example.com") == "second"
    assert who("/open", "other") == "first"
    assert who("/open/", "other") == 404
    assert who("/v1/../open", "other") == "first"


# --- connections to endpoints ---


def test_connections_to_endpoints_are_reused(balancer, origin):
    endpoint = origin()
    server = balancer(one_upstream(endpoint))
    with server.connect() as client:
        for number in range(20):
            assert client.request("GET", f"/{number}").status == 200
    assert len(endpoint.connections) == 1
    metrics = server.metrics()
    assert metrics['sidekick_upstream_connections_total{kind="opened"}'] == 1
    assert metrics['sidekick_upstream_connections_total{kind="reused"}'] == 19


def test_idle_endpoint_connection_is_closed_by_us(balancer, origin):
    closed = threading.Event()

    def behave(connection, _):
        connection.respond(200, b"x")
        if connection.wait_closed(10):
            closed.set()
    server = balancer(one_upstream(origin(behave), upstream={"idle_timeout": "300ms"}))
    assert server.get("/").status == 200
    assert closed.wait(10)


def test_in_flight_limit_answers_503(balancer, origin):
    release = threading.Event()

    def slow(connection, request):
        connection.wait(release)
        answer()(connection, request)
    endpoint = origin(slow)
    server = balancer(one_upstream(endpoint, upstream={"in_flight_max": 2}))
    with server.connect() as first, server.connect() as second:
        first.send(http.request_bytes("GET", "/1"))
        second.send(http.request_bytes("GET", "/2"))
        endpoint.wait_for_requests(2)
        response = server.get("/3")
        assert (response.status, response.json["reason"]) == (503, "overloaded")
        release.set()
        assert first.read_response().status == 200 and second.read_response().status == 200
    assert server.get("/4").status == 200


# --- bodies ---


def test_body_beyond_the_limit_is_413_before_and_while_it_comes(balancer, origin):
    endpoint = origin()
    server = balancer(one_upstream(endpoint, route={"body_limit": "1KiB"}))
    assert server.request("POST", "/sized", {"Content-Length": "1025"}).status == 413
    assert not endpoint.requests
    with server.connect() as client:
        client.send(b"POST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"400\r\n" + b"x" * 0x400 + b"\r\n1\r\ny\r\n0\r\n\r\n")
        assert client.read_response().status == 413
    assert server.request("POST", "/fits", body=b"x" * 1024).status == 200
    assert [request.target for request in endpoint.requests] == ["/fits"]


@pytest.mark.parametrize("size", [0, 1, 16384, 65536, 65537, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_arrive_whole_both_ways(balancer, origin, size, chunked):
    body = os.urandom(size)

    def echo(connection, request):
        connection.respond(200, request.body)
    endpoint = origin(echo)
    server = balancer(one_upstream(endpoint))
    if chunked:
        with server.connect() as client:
            client.send(b"POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, size, 70_000):
                piece = body[at:at + 70_000]
                client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            client.send(b"0\r\n\r\n")
            response = client.read_response()
    else:
        response = server.request("POST", "/b", body=body)
    assert response.body == body
    assert endpoint.requests[0].body == body


def test_early_answer_reaches_the_client_while_it_still_sends(balancer, origin):
    def refuse_early(connection, _):
        connection.respond(403, b"no", {"Connection": "close"})
        connection.wait_closed(5)
    server = balancer(one_upstream(origin(refuse_early, read_body=False)))
    with server.connect() as client:
        client.send(b"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        assert client.read_response().status == 403


def test_head_204_and_304_have_no_body(balancer, origin):
    endpoint = origin(in_turn(answer(200, b"12345"), answer(204, b"", {}),
                              send_raw(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"), answer(200, b"end")))
    server = balancer(one_upstream(endpoint))
    with server.connect() as client:
        client.send(http.request_bytes("HEAD", "/"))
        response = client.read_response("HEAD")
        assert response.status == 200 and response.header("content-length") == "5"
        assert client.request("GET", "/204").status == 204
        not_modified = client.request("GET", "/304")
        assert not_modified.status == 304 and not_modified.header("etag") == '"a"'
        assert client.request("GET", "/last").body == b"end"


def test_early_hints_pass(balancer, origin):
    raw = (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
           b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    server = balancer(one_upstream(origin(send_raw(raw))))
    with server.connect() as client:
        client.send(http.request_bytes("GET", "/"))
        assert client.read_response(informational=True).status == 103
        assert client.read_response().body == b"ok"


def test_websocket_becomes_a_tunnel_both_ways(balancer, origin):
    def echo(connection, _):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello from the endpoint")
        while connection.buffer or connection.fill():
            data, connection.buffer = connection.buffer, b""
            connection.send(b"<" + data + b">")
    server = balancer(one_upstream(origin(echo)))
    with server.connect() as client:
        client.send(b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert client.read_head()[1] == 101
        assert client.read_exactly(23) == b"hello from the endpoint"
        for number in range(5):
            client.send(b"ping %d" % number)
            assert client.read_until(b">") == b"<ping %d>" % number


# --- clients ---


def test_client_that_leaves_is_an_aborted_line_and_frees_its_endpoint(balancer, origin):
    left = threading.Event()

    def wait(connection, _):
        if connection.wait_closed(10):
            left.set()
    endpoint = origin(wait)
    server = balancer(one_upstream(endpoint))
    client = server.connect()
    client.send(http.request_bytes("GET", "/gone"))
    endpoint.wait_for_requests(1)
    client.reset()
    assert left.wait(10), "the endpoint was not told"
    lines = eventually(lambda: [line for line in lines_of(server) if line["msg"].startswith("request aborted")] or None)
    assert lines[0]["url"] == "/gone" and lines[0]["level"] == 40 and "statusCode" not in lines[0]
    assert server.metrics()['sidekick_requests_total{route="/*",class="aborted"}'] == 1


def test_forwarding_fields_of_strangers_are_replaced_and_of_trusted_proxies_extended(balancer, origin):
    endpoint = origin()
    config = one_upstream(endpoint)
    server = balancer(config)
    spoof = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Real-IP": "6.6.6.6",
             "Forwarded": "for=6.6.6.6"}
    server.get("/stranger", headers=spoof)
    head = endpoint.requests[0]
    assert head.header("x-forwarded-for") == "127.0.0.1" and head.header("x-forwarded-proto") == "http"
    assert head.header("x-real-ip") is None and head.header("forwarded") is None
    port = server.port
    server.terminate()
    trusting = balancer({**config, "listener": [{"address": f"127.0.0.1:{port}", "trusted_proxies": ["127.0.0.0/8"]}]},
                        name="trusting", port=port)
    trusting.get("/trusted", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 127.0.0.7"})
    assert endpoint.requests[1].header("x-forwarded-for") == "6.6.6.6, 203.0.113.9, 127.0.0.7, 127.0.0.1"
    incoming = eventually(lambda: [line for line in lines_of(trusting) if line["msg"].startswith("incoming")])
    assert incoming[-1]["req"]["remoteAddress"] == "203.0.113.9"


def test_connections_beyond_the_limit_wait_and_are_served_later(balancer, origin):
    server = balancer({**one_upstream(origin()), "server": {"connections_max": 3}})
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        assert client.request("GET", "/in").status == 200
    late = server.connect()
    late.send(http.request_bytes("GET", "/late"))
    # The others go on being served meanwhile; the late one is not even accepted.
    for _ in range(20):
        assert clients[0].request("GET", "/in").status == 200
    assert "/late" not in server.output(), "served beyond the limit"
    clients[0].close()
    assert late.read_response().status == 200
    for client in clients[1:] + [late]:
        client.close()


# --- metrics and log ---


def test_metrics_count_by_route_and_class(balancer, origin):
    server = balancer(one_upstream(origin(in_turn(answer(200), answer(404), answer(503)))))
    for _ in range(3):
        server.get("/x")
    server.request("GET", "/bad path")
    metrics = eventually(lambda: (m := server.metrics())['sidekick_requests_total{route="/*",class="5xx"}'] and m)
    assert metrics['sidekick_requests_total{route="/*",class="2xx"}'] == 1
    assert metrics['sidekick_requests_total{route="/*",class="4xx"}'] == 1
    assert metrics['sidekick_request_duration_seconds_count{route="/*"}'] == 3
    assert metrics['sidekick_request_duration_seconds_bucket{route="/*",le="+Inf"}'] == 3
    assert metrics['sidekick_rejected_total{status="400"}'] == 1
    assert metrics["sidekick_log_lines_dropped_total"] == 0
    assert [value for name, value in metrics.items() if name.startswith("sidekick_build_info")] == [1]


def test_log_requests_modes(balancer, origin):
    endpoint = origin(in_turn(answer(200), answer(500)))
    for mode, expected in (("completed", {"request completed": 2}), ("errors", {"request completed": 1}), ("off", {})):
        endpoint.behaviour = in_turn(answer(200), answer(500))
        server = balancer({**one_upstream(endpoint), "log": {"requests": mode}}, name=f"log-{mode}")
        server.get("/1")
        server.get("/2")
        server.terminate()
        kinds = [line["msg"].split(" req-")[0] for line in lines_of(server) if "reqId" in line]
        assert {kind: kinds.count(kind) for kind in kinds} == expected, mode
