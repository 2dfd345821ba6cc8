"""HTTP/1.1 endpoints over TCP and Unix sockets: what reaches them, what comes back, which connections are used, what
is tried again. (test_balancer_requests.py has routing, limits and identity.)"""

import threading

import pytest

from harness import http
from harness.origin import answer, send_raw
from harness.waiting import eventually


@pytest.fixture
def front(balancer):
    """The balancer in front of origins: upstream options as keywords."""
    def start(*origins, route=None, listener=None, **upstream):
        config = {"upstream": [{"name": "legacy", "endpoints": [server.endpoint for server in origins], **upstream}],
                  "route": [{"upstream": "legacy", **(route or {})}]}
        return balancer(config)
    return start


@pytest.fixture(params=["tcp", "unix"])
def endpoint(request, origin):
    return lambda *arguments, **options: origin(*arguments, unix=request.param == "unix", **options)


# --- what reaches the endpoint, what comes back ---


def test_a_request_arrives_as_it_was_sent(front, endpoint):
    server = endpoint(answer(201, b"made", {"Location": "/things/1", "X-Reply": "yes"}))
    lb = front(server)
    reply = lb.request("POST", "/things?a=1&b=%2F", {"X-Ask": "value", "Content-Type": "text/plain", "User-Agent": "test"},
                       b"the body", host="shop.example.com")
    assert (reply.status, reply.body, reply.header("location"), reply.header("x-reply")) == (201, b"made", "/things/1", "yes")
    (request,) = server.wait_for_requests(1)
    assert (request.method, request.target, request.body) == ("POST", "/things?a=1&b=%2F", b"the body")
    assert request.header("host") == "shop.example.com"
    assert request.header("x-ask") == "value"
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.header("x-forwarded-proto") == "http"
    assert request.header("x-forwarded-host") in (None, "shop.example.com")


def test_identity_headers_of_strangers_are_replaced_and_connection_headers_dropped(front, origin):
    server = origin()
    lb = front(server)
    assert lb.get("/", ).status == 200
    reply = lb.request("GET", "/", {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "Connection": "x-hop, close",
                                    "X-Hop": "1", "Keep-Alive": "300", "TE": "gzip", "Proxy-Connection": "keep-alive"})
    assert reply.status == 200
    request = server.wait_for_requests(2)[1]
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.header("x-forwarded-proto") == "http"
    for name in ("x-hop", "keep-alive", "te", "proxy-connection"):
        assert request.header(name) is None, name


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 3_000_000])
def test_bodies_of_any_size_pass_in_both_directions(front, endpoint, size):
    body = bytes(number * 7 % 251 for number in range(min(size, 1000))) * (size // 1000 + 1)
    body = body[:size]

    def echo(connection, request):
        connection.respond(200, request.body)
    server = endpoint(echo)
    lb = front(server)
    reply = lb.request("POST", "/", None, body, timeout=30)
    assert reply.complete and reply.body == body
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in
                       (body[at:at + 5000] for at in range(0, size, 5000)))
    with lb.connect(timeout=30) as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n")
        reply = connection.read_response("POST")
    assert reply.complete and reply.body == body


def test_trailers_pass_in_both_directions(front, endpoint):
    server = endpoint(send_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                               b"2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n"))
    lb = front(server)
    with lb.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
                        b"3\r\nabc\r\n0\r\nX-Check: 7\r\n\r\n")
        reply = connection.read_response("POST")
    assert (reply.body, reply.trailers) == (b"ok", [("X-Sum", "42")]) or (
        reply.body, [(name.lower(), value) for name, value in reply.trailers]) == (b"ok", [("x-sum", "42")])
    (request,) = server.wait_for_requests(1)
    assert request.body == b"abc"
    assert [(name.lower(), value) for name, value in request.trailers] == [("x-check", "7")]


def test_head_has_the_length_and_no_body(front, endpoint):
    lb = front(endpoint(answer(body=b"12345")))
    with lb.connect() as connection:
        for _ in range(2):
            reply = connection.request("HEAD", "/")
            assert (reply.status, reply.header("content-length"), reply.body) == (200, "5", b"")
        assert connection.request("GET", "/").body == b"12345"


def test_pipelined_requests_are_answered_in_order(front, origin):
    def behave(connection, request):
        connection.respond(200, request.target.encode())
    lb = front(origin(behave))
    with lb.connect() as connection:
        connection.send(b"".join(http.request_bytes("GET", f"/{number}") for number in range(20)))
        assert [connection.read_response().body for _ in range(20)] == [b"/%d" % number for number in range(20)]


def test_a_half_closed_client_is_answered(front, origin):
    lb = front(origin())
    with lb.connect() as connection:
        connection.send(http.request_bytes("POST", "/", body=b"abc"))
        connection.half_close()
        assert connection.read_response("POST").body == b"origin"
        assert connection.at_end()


def test_100_continue_is_sent_when_the_body_is_wanted(front, origin):
    server = origin()
    lb = front(server)
    with lb.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        interim = connection.read_response("POST", informational=True)
        assert interim.status == 100
        connection.send(b"abc")
        assert connection.read_response("POST").status == 200
    assert server.wait_for_requests(1)[0].body == b"abc"


def test_an_answer_may_come_before_the_body_is_there(front, origin):
    def early(connection, request):
        connection.respond(413, b"too much", {"Connection": "close"}, "Content Too Large")
    server = origin(early, read_body=False)
    lb = front(server)
    with lb.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000))
        reply = connection.read_response("POST")
    assert (reply.status, reply.body) == (413, b"too much")
    assert lb.get("/").status == 413


# --- connections ---


def test_connections_are_kept_and_closed_by_us_first(front, endpoint):
    server = endpoint()
    lb = front(server, idle_timeout="300ms")
    for number in range(5):
        assert lb.get(f"/{number}").status == 200
    requests = server.wait_for_requests(5)
    assert {request.connection for request in requests} == {0}
    # Without another request the balancer closes it: the origin's read ends.
    eventually(lambda: server.connections[0].socket.fileno() < 0)
    assert lb.get("/later").status == 200
    assert server.wait_for_requests(6)[5].connection == 1


def test_a_stale_connection_costs_no_request(front, origin):
    """The endpoint closes behind our back, also for methods that may not be repeated once they have run."""
    server = origin()
    lb = front(server, retries=1)
    for method in ("GET", "PUT", "DELETE"):
        assert lb.request(method, "/").status == 200
        server.connections[-1].close()
        assert lb.request(method, "/").status == 200


def test_endpoints_share_the_load(front, origin):
    release = threading.Event()

    def held(connection, request):
        connection.wait(release)
        connection.respond(200, b"ok")
    servers = [origin(held) for _ in range(3)]
    lb = front(*servers)
    connections = [lb.connect() for _ in range(9)]
    for connection in connections:
        connection.send(http.request_bytes("GET", "/"))
    for server in servers:
        assert len(server.wait_for_requests(3)) == 3
    release.set()
    for connection in connections:
        assert connection.read_response().status == 200
        connection.close()


# --- what goes wrong, and what is tried again ---


def problem(reply, status: int) -> dict:
    assert reply.status == status, reply
    assert reply.header("content-type") == "application/problem+json"
    assert reply.header("proxy-status").startswith("sidekick")
    assert reply.json["status"] == status
    return reply.json


def test_an_endpoint_that_is_not_there_is_502(balancer, free_port, short_dir):
    for endpoint in (f"127.0.0.1:{free_port()}", f"unix:{short_dir}/absent.sock"):
        lb = balancer({"upstream": [{"name": "gone", "endpoints": [endpoint]}], "route": [{"upstream": "gone"}]},
                      name=f"balancer-{endpoint[:4]}")
        for method in ("GET", "POST"):
            problem(lb.request(method, "/", body=b"x"), 502)


def test_a_name_that_is_not_known_is_502(balancer):
    lb = balancer({"upstream": [{"name": "gone", "endpoints": ["dns://nowhere.invalid:80"], "connect_timeout": "2s"}],
                   "route": [{"upstream": "gone"}]})
    reply = lb.get("/", timeout=20)
    assert reply.status in (502, 504) and reply.header("content-type") == "application/problem+json"


def break_off(connection, request):
    connection.close()


@pytest.mark.parametrize("method, status", [("GET", 200), ("PUT", 200), ("DELETE", 200), ("HEAD", 200), ("POST", 502),
                                            ("PATCH", 502)])
def test_only_idempotent_requests_are_repeated_when_an_endpoint_breaks_off(front, origin, method, status):
    servers = [origin(break_off), origin()]
    lb = front(*servers)
    replies = [lb.request(method, "/", body=b"x" if method in ("PUT", "POST", "PATCH") else None) for _ in range(4)]
    seen = [len(server.requests) for server in servers]
    if status == 200:
        assert [reply.status for reply in replies] == [200] * 4
        assert seen[1] == 4
    else:
        assert {reply.status for reply in replies} <= {200, 502}
        assert sum(seen) == 4, "a request that may have run was sent again"
        failed = [reply for reply in replies if reply.status == 502]
        assert len(failed) == seen[0]
        for reply in failed:
            problem(reply, 502)


def test_nothing_is_repeated_once_an_answer_has_begun(front, origin):
    torn = send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", close=True)
    servers = [origin(torn), origin(torn)]
    lb = front(*servers)
    try:
        reply = lb.get("/")
        assert (reply.status, reply.complete, reply.body) == (200, False, b"part")
    except http.Closed:
        pass  # the reset overtook what had come
    assert sum(len(server.requests) for server in servers) == 1


def test_a_body_too_large_to_be_held_is_not_repeated(front, origin):
    servers = [origin(break_off), origin(break_off)]
    lb = front(*servers)
    problem(lb.request("PUT", "/", body=bytes(200_000)), 502)
    assert sum(len(server.requests) for server in servers) == 1


def test_the_routes_deadline_is_504_and_says_so(front, origin):
    def never(connection, request):
        connection.wait_closed()
    lb = front(origin(never), route={"budget": {"deadline": "300ms"}})
    document = problem(lb.get("/"), 504)
    assert "300ms" in document.get("detail", ""), document


def test_a_body_that_stops_in_the_middle_is_torn(front, origin):
    def stall(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        connection.wait_closed()
    lb = front(origin(stall), route={"between_bytes_timeout": "300ms"})
    reply = lb.get("/")
    assert (reply.status, reply.complete, reply.body) == (200, False, b"part")


# --- supervised HTTP/1.1 workers ---


NODE = """
const http = require('http');
http.createServer((request, response) => {
  let body = '';
  request.on('data', piece => body += piece);
  request.on('end', () => {
    if (request.url === '/exit') { process.exit(7); }
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({pid: process.pid, url: request.url, body, port: process.env.PORT, extra: process.env.EXTRA}));
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
"""


def test_a_node_server_is_supervised_like_a_worker(balancer, short_dir):
    script = short_dir / "server.js"
    script.write_text(NODE)
    short_dir.chmod(0o755)
    lb = balancer({"upstream": [{"name": "node", "workers": {
        "command": ["node", str(script)], "protocol": "http1", "count": 2, "env": {"EXTRA": "given"}, "backoff_min": "10ms"}}],
        "route": [{"upstream": "node"}]})

    def pids() -> set[int]:
        with_two = {lb.get("/").json["pid"] for _ in range(8)}
        return with_two if len(with_two) == 2 else set()
    first = eventually(pids, 30)
    assert first == set(lb.workers())
    reply = lb.request("POST", "/echo?x=1", body=b"hello").json
    assert (reply["url"], reply["body"], reply["extra"]) == ("/echo?x=1", "hello", "given")
    problem(lb.request("POST", "/exit", body=b""), 502)
    for number in range(10):
        assert lb.get(f"/{number}").status == 200
    eventually(lambda: len(lb.workers()) == 2 and set(lb.workers()) != first, 30)
    eventually(lambda: pids() == set(lb.workers()), 30)
    assert lb.terminate() == 0
