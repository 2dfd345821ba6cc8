"""WebSocket: after a 101 both directions are a tunnel, over the link and to HTTP/1.1 endpoints, in clear and over TLS."""

import os
import signal
import threading

import pytest

from harness import http, log
from harness.origin import answer
from harness.waiting import eventually

ASKS = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13"}
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def tunnel_origin(connection, request):
    """Agrees to the upgrade, then sends every byte back until its peer ends."""
    assert request.header("upgrade").lower() == "websocket"
    assert request.header("connection").lower() == "upgrade"
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n" + connection.buffer)
    connection.buffer = b""
    connection.socket.settimeout(0.05)
    while connection.fill():
        connection.send(connection.buffer)
        connection.buffer = b""


@pytest.fixture(params=["link", "http1"])
def front(request, balancer, app_upstream, origin):
    upstream = (app_upstream(program="load_app") if request.param == "link" else
                {"name": "app", "endpoints": [origin(tunnel_origin).endpoint]})
    return balancer({"upstream": [upstream], "route": [{"upstream": "app"}]}, tls=True)


def upgrade(server, tls: bool = False, rest: bytes = b"") -> http.Connection:
    connection = server.connect(tls=tls)
    connection.send(http.request_bytes("GET", "/tunnel", ASKS) + rest)
    reply = connection.read_response(informational=True)
    assert reply.status == 101, reply
    assert reply.header("upgrade").lower() == "websocket" and reply.header("connection").lower() == "upgrade"
    assert reply.header("sec-websocket-accept") == ACCEPT
    assert reply.header("content-length") is None and reply.header("transfer-encoding") is None
    return connection


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_bytes_flow_both_ways_until_one_side_ends(front, tls):
    connection = upgrade(front, tls)
    for size in (1, 100, 70_000):
        message = bytes(number % 256 for number in range(size))
        connection.send(message)
        assert connection.read_exactly(size) == message
    connection.close()
    eventually(lambda: sum(value for name, value in front.metrics().items()
                           if name.startswith("sidekick_endpoint_in_flight")) == 0)


def test_bytes_that_follow_the_request_at_once_are_part_of_the_tunnel(front):
    connection = upgrade(front, rest=b"early bytes")
    assert connection.read_exactly(11) == b"early bytes"
    connection.close()


def test_large_amounts_in_both_directions_at_once(front):
    connection = upgrade(front)
    size = 4 << 20

    def send():
        connection.send(bytes(size))
    sender = threading.Thread(target=send)
    sender.start()
    assert connection.read_exactly(size) == bytes(size)
    sender.join(20)
    assert not sender.is_alive()
    connection.close()


def test_tunnels_leave_other_requests_alone(front):
    tunnels = [upgrade(front) for _ in range(5)]
    for number, connection in enumerate(tunnels):
        connection.send(b"tunnel %d" % number)
    for number, connection in enumerate(tunnels):
        assert connection.read_exactly(8) == b"tunnel %d" % number
        connection.close()
    eventually(lambda: sum(line.kind.startswith(("completed", "aborted")) for line in log.parse(front.output())) == 5)
    for line in log.parse(front.output()):
        log.check_contract(line)


def test_an_upgrade_that_is_refused_stays_http(balancer, origin):
    lb = balancer({"upstream": [{"name": "o", "endpoints": [origin(answer(403, b"no")).endpoint]}],
                   "route": [{"upstream": "o"}]})
    with lb.connect() as connection:
        reply = connection.request("GET", "/", ASKS)
        assert (reply.status, reply.body) == (403, b"no")
        assert reply.header("upgrade") is None


def test_other_upgrades_are_not_passed_on(balancer, origin):
    server = origin()
    lb = balancer({"upstream": [{"name": "o", "endpoints": [server.endpoint]}], "route": [{"upstream": "o"}]})
    reply = lb.request("GET", "/", {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"})
    assert reply.status in (200, 400)
    for request in server.requests:
        assert request.header("upgrade") is None and request.header("http2-settings") is None


def test_a_worker_that_dies_ends_its_tunnels(balancer, app_upstream):
    lb = balancer({"upstream": [app_upstream(program="load_app")], "route": [{"upstream": "app"}]})
    connection = upgrade(lb)
    (worker,) = lb.workers()
    os.kill(worker, signal.SIGKILL)
    assert connection.at_end()
    eventually(lambda: lb.get("/who/after").status == 200)
