"""The balancer between real sockets: which endpoint answers, what becomes of failures, how it starts and ends."""

import json
import os
import re
import signal
import socket
import sys
import threading
import time

import pytest

from harness import http
from harness.origin import answer, in_turn, send_raw
from harness.waiting import eventually


def lines_of(server) -> list[dict]:
    """Every whole line of its log, strictly parsed."""
    return [json.loads(line) for line in server.output().splitlines(keepends=True) if line.endswith("\n")]


def completed(server, url: str) -> dict:
    """The completed line of that url; there must be exactly one."""
    def found():
        lines = [line for line in lines_of(server)
                 if line.get("url") == url and line["msg"].startswith("request completed")]
        return lines or None
    lines = eventually(found)
    assert len(lines) == 1, lines
    return lines[0]


def one_upstream(*origins, route=None, upstream=None) -> dict:
    return {"upstream": [{"name": "o", "endpoints": [o if isinstance(o, str) else o.endpoint for o in origins],
                          **(upstream or {})}],
            "route": [{"upstream": "o", **(route or {})}]}


@pytest.fixture
def dead_endpoint(free_port):
    return f"127.0.0.1:{free_port()}"


def close_at_once(connection, _):
    connection.close()


# --- failures of endpoints ---


def test_no_route_is_404_with_its_reason(balancer, origin):
    server = balancer(one_upstream(origin(), route={"path": "/there"}))
    response = server.get("/elsewhere")
    assert response.status == 404
    assert response.header("content-type") == "application/problem+json"
    assert response.json["reason"] == "no_route"
    line = completed(server, "/elsewhere")
    assert line["reason"] == "no_route" and line["reqId"] == response.json["requestId"]


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


# --- listeners and health ---


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


# --- workers ---

HTTP_WORKER = """
import http.server, json, os, sys
print("plain words from", os.environ["PORT"], flush=True)
print(json.dumps({"level": 30, "msg": "a line of its own", "n": 1}), flush=True)
print('{"level": 30, "broken', file=sys.stderr, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/exit":
            os._exit(3)
        body = json.dumps({"pid": os.getpid(), "uid": os.getuid(), "fds": sorted(os.listdir("/proc/self/fd")),
                           "extra": os.environ.get("EXTRA")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def http_workers(count=1, program=HTTP_WORKER, **workers) -> dict:
    return {"upstream": [{"name": "py", "workers": {"command": [sys.executable, "-c", program], "protocol": "http1",
                                                    "count": count, **workers}}],
            "route": [{"upstream": "py"}]}


def test_any_http_server_can_be_a_supervised_worker(balancer):
    server = balancer(http_workers(count=2, env={"EXTRA": "given"}, user=os.environ.get("USER", "root")
                                   if os.getuid() else "root"))
    pids = {server.get("/").json["pid"] for _ in range(8)}
    assert pids == set(server.workers())
    about = server.get("/").json
    assert about["extra"] == "given"
    # 0, 1, 2, the listening socket, connections, and the listing itself: nothing of the balancer's.
    assert len(about["fds"]) <= 8, about
    lines = lines_of(server)  # strictly parsed
    assert any(line["msg"].startswith("plain words") and line["worker"].startswith("py worker") for line in lines)
    assert any(line.get("n") == 1 and "worker" not in line for line in lines)
    assert any(line["msg"] == '{"level": 30, "broken' and line["stream"] == "stderr" for line in lines)


def test_worker_that_ends_is_started_again(balancer):
    server = balancer(http_workers())
    before = server.get("/").json["pid"]
    assert server.get("/exit").status == 502
    after = eventually(lambda: (r := server.get("/")).status == 200 and r.json["pid"])
    assert after != before
    ended = [line for line in lines_of(server) if line["msg"] == "worker ended"]
    assert ended[0]["exitCode"] == 3 and ended[0]["level"] == 50 and ended[0]["worker"] == "py worker 1"


def test_worker_that_exits_at_once_is_named_and_the_rest_works(balancer, origin):
    healthy = origin()
    config = http_workers(program="import sys; sys.exit('no such database: set DATABASE_URL')",
                          backoff_min="10ms", backoff_max="20ms", crash_loop_count=3)
    config["upstream"].append({"name": "ok", "endpoints": [healthy.endpoint]})
    config["route"].insert(0, {"path": "/ok", "upstream": "ok"})
    server = balancer(config, ready=False).wait_until_ready("/livez")
    assert server.get("/ok").status == 200
    assert server.get("/").status == 503
    eventually(lambda: server.log_lines("ends again and again"))
    messages = [line["msg"] for line in lines_of(server)]
    assert "no such database: set DATABASE_URL" in messages
    assert len(server.log_lines("ends again and again")) == 1


@pytest.mark.once
def test_program_that_is_not_there_is_one_line_and_a_failed_start(balancer):
    server = balancer({"upstream": [{"name": "w", "workers": {"command": ["no-such-program-anywhere"]}}],
                       "route": [{"upstream": "w"}]}, ready=False)
    assert server.wait(10) == 1
    fatal = [line for line in lines_of(server) if line["level"] == 60]
    assert len(fatal) == 1
    assert "no-such-program-anywhere" in fatal[0]["msg"] and "workers.command" in fatal[0]["msg"]


@pytest.mark.once
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_workers_of_root_run_as_somebody_else(balancer, short_dir):
    os.chmod(short_dir, 0o755)
    server = balancer(http_workers(directory="/", user="nobody"))
    assert server.get("/").json["uid"] == 65534


# --- start and end ---


@pytest.mark.once
def test_taken_port_and_unreadable_key_are_a_line_each(balancer, origin, work_dir, certificate):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        missing = work_dir / "missing.key"
        server = balancer({
            **one_upstream(origin()),
            "listener": [{"address": f"127.0.0.1:{port}"},
                         {"address": "127.0.0.1:1", "tls": {"certificates": [
                             {"cert": str(certificate[0]), "key": str(missing)}]}}]}, ready=False)
        assert server.wait(10) == 1
    fatal = [line["msg"] for line in lines_of(server) if line["level"] == 60]
    assert len(fatal) == 2
    assert f"127.0.0.1:{port}" in fatal[0] and "EADDRINUSE" in fatal[0]
    assert str(missing) in fatal[1]


@pytest.mark.once
def test_five_mistakes_are_five_messages(run_program, work_dir):
    path = work_dir / "bad.toml"
    path.write_text('[server]\nstop_timeout = 30\ntread = 2\n[[listener]]\naddress = "0.0.0.0"\n'
                    '[[upstream]]\nname = "app"\nendpoints = ["127.0.0.1:1"]\n'
                    '[[route]]\nupstream = "ap"\nbudget = { p50 = "40ms", p99 = "8ms" }\n')
    for command in ((), ("check",)):
        done = run_program("sidekick-lb", "--config", path, *command)
        assert done.returncode == 78 and not done.stdout
        lines = done.stderr.splitlines()
        assert len(lines) == 5, done.stderr
        assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: error: [a-z0-9_.]+: ", line) for line in lines), lines


@pytest.mark.once
def test_check_prints_the_effective_configuration(run_program, work_dir):
    path = work_dir / "good.toml"
    path.write_text('[[listener]]\naddress = "127.0.0.1:7500"\n[[upstream]]\nname = "a"\nendpoints = ["127.0.0.1:1"]\n'
                    '[[route]]\nupstream = "a"\nbudget = { p99 = "40ms", deadline = "250ms", rate = 400 }\n')
    printed = run_program("sidekick-lb", "check", "--config", path)
    assert printed.returncode == 0 and 'stop_timeout = "30s"' in printed.stdout
    again = work_dir / "again.toml"
    again.write_text(printed.stdout)
    assert run_program("sidekick-lb", "check", "--config", again).stdout == printed.stdout
    document = json.loads(run_program("sidekick-lb", "check", "--json", "--config", path).stdout)
    assert document["route"][0]["budget"] == {"p99_ms": 40, "deadline_ms": 250, "rate": 400}


@pytest.mark.once
def test_command_line(run_program):
    version = run_program("sidekick-lb", "--version")
    assert version.returncode == 0 and re.fullmatch(r"sidekick-lb \d+\.\d+\.\d+\n", version.stdout)
    assert run_program("sidekick-lb", "--nonsense").returncode == 64
    missing = run_program("sidekick-lb", "--config", "/nonexistent/x.toml")
    assert missing.returncode == 78 and missing.stderr.count("\n") == 1 and "/nonexistent/x.toml" in missing.stderr


@pytest.mark.once
def test_healthcheck_answers_by_exit_code(balancer, origin, run_program):
    server = balancer(one_upstream(origin()))
    assert run_program("sidekick-lb", "healthcheck", "--config", server.config_path).returncode == 0
    address = ("--address", f"127.0.0.1:{server.port}")
    assert run_program("sidekick-lb", "healthcheck", *address, "--path", "/healthz").returncode == 0
    assert run_program("sidekick-lb", "healthcheck", *address, "--path", "/nonsense").returncode in (0, 1)
    server.terminate()
    after = run_program("sidekick-lb", "healthcheck", *address)
    assert after.returncode == 1 and "refused" in after.stderr


def test_sigterm_answers_what_was_read_and_says_so(balancer, origin):
    release = threading.Event()

    def slow(connection, request):
        connection.wait(release)
        answer(body=b"late")(connection, request)
    endpoint = origin(in_turn(slow, answer()))
    server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "10s"}})
    client = server.connect()
    client.send(http.request_bytes("GET", "/slow"))
    endpoint.wait_for_requests(1)
    os.kill(server.pid, signal.SIGTERM)
    assert eventually(lambda: server.get("/healthz").status == 503)
    during = server.get("/during")
    assert during.status == 200 and during.header("connection") == "close"
    assert server.get("/livez").status == 200
    eventually(lambda: server.log_lines("listeners closed"))
    release.set()
    assert client.read_response().body == b"late"
    assert server.wait(15) == 0
    lines = lines_of(server)
    assert lines[-1]["msg"] == "stopped"


def test_sigterm_under_load_loses_nothing(balancer, origin):
    endpoint = origin()
    server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "6s", "threads": 2}})
    failures, answered, stop = [], [0], threading.Event()

    def load():
        while not stop.is_set():
            try:
                with server.connect() as client:
                    for _ in range(20):
                        try:
                            response = client.request("GET", "/load")
                        except (http.Closed, OSError) as error:
                            # A kept-alive connection may be closed between two requests; an answer
                            # that began must end.
                            if getattr(error, "received", b""):
                                failures.append(error)
                            break
                        if response.status != 200 or not response.complete:
                            failures.append(response)
                        answered[0] += 1
                        if response.header("connection") == "close":
                            break
            except OSError:
                return  # refused: it has gone
    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: answered[0] > 200)
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(15) == 0
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not failures, failures[:3]
    kinds = [line["msg"].split(" req-")[0] for line in lines_of(server) if "reqId" in line]
    assert kinds.count("incoming request") == kinds.count("request completed")


def test_time_to_stop_is_kept_and_a_second_signal_shortens_it(balancer, origin):
    endpoint = origin(lambda connection, _: connection.wait_closed(30))
    for signals, seconds in ((1, 8), (2, 5)):
        server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "6s" if signals == 1 else "120s"}},
                          name=f"stubborn-{signals}")
        seen = len(endpoint.requests)
        client = server.connect()
        client.send(http.request_bytes("GET", "/never"))
        endpoint.wait_for_requests(seen + 1)
        begin = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda server=server: server.log_lines('"stopping"'))
        if signals == 2:
            os.kill(server.pid, signal.SIGTERM)
        assert server.wait(seconds * server.build.patience) == 0
        assert time.monotonic() - begin < seconds * server.build.patience
        client.close()


def test_sighup_does_not_end_it(balancer, origin):
    server = balancer(one_upstream(origin()))
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.log_lines("SIGHUP"))
    assert server.get("/").status == 200


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
