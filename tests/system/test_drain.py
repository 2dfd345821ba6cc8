"""SIGTERM: what was read is answered, health says so first, the listeners stay open a while, the exit status is 0."""

import concurrent.futures
import pathlib
import signal
import time

import pytest

from harness import http, log
from harness.load import Load
from harness.waiting import eventually

STOP_SECONDS = 6
PAUSE = 0.003  # of each client after a request: no line of the log may be dropped on a busy machine


@pytest.fixture
def server(balancer, app_upstream):
    return balancer({"server": {"stop_timeout": f"{STOP_SECONDS}s"},
                     "upstream": [app_upstream(name="load", program="load_app", count=2),
                                  app_upstream(name="fault", program="fault_app")],
                     "route": [{"path": "/who/*", "upstream": "load"}, {"path": "/hold", "upstream": "load"},
                               {"path": "/*", "upstream": "fault"}]})


def received_by(server, connection: http.Connection) -> bool:
    """True when the server has read everything that came in on this connection: its kernel buffer is empty."""
    local = f"0100007F:{server.port:04X}"
    remote = f"0100007F:{connection.socket.getsockname()[1]:04X}"
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == local and fields[2] == remote:
            return int(fields[4].split(":")[1], 16) == 0
    return False


def health(server) -> int:
    return server.get("/healthz").status


def wait_for_end(server, since: float) -> None:
    """Exit status 0, within stop_timeout (and what the machine needs on top)."""
    assert server.wait((STOP_SECONDS + 4) * server.build.patience) == 0
    assert time.monotonic() - since < (STOP_SECONDS + 4) * server.build.patience


def test_under_load_everything_that_was_read_is_answered(server):
    with Load(server.connect, [("GET", "/who/{nonce}"), ("POST", "/who/{nonce}")], clients=16, until_refused=True,
              pause=PAUSE) as load:
        load.wait_for(200)
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        wait_for_end(server, since)
        entries = load.join()
    assert load.mixed_up == []
    begun = {line.url.rpartition("/")[2] for line in log.parse(server.output()) if line.kind == "incoming"}
    ended = {line.url.rpartition("/")[2]: line.document["statusCode"] for line in log.parse(server.output())
             if line.kind.startswith("completed")}
    for entry in entries:
        if entry.status == 0:
            # It can only have met a listener or a connection that had been closed before a byte of it was read.
            assert entry.nonce not in begun and not entry.started_answer, entry
        else:
            assert entry.status in (200, 405) and entry.complete, entry
            assert ended[entry.nonce] == entry.status
    assert begun <= {entry.nonce for entry in entries if entry.status}


def test_health_turns_503_while_the_listener_still_accepts(server):
    assert health(server) == 200
    with Load(server.connect, [("GET", "/who/{nonce}")], clients=2, until_refused=True) as load:
        load.wait_for(10)
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        eventually(lambda: health(server) == 503)
        # New connections are still taken, and their requests answered; each answer asks to reconnect.
        for number in range(3):
            with server.connect() as connection:
                answer = connection.request("GET", f"/who/late{number}")
                assert (answer.status, answer.json["nonce"]) == (200, f"late{number}")
                assert answer.header("connection").lower() == "close"
                assert connection.at_end()
        assert server.get("/livez").status == 200
        wait_for_end(server, since)
        load.join()
    with pytest.raises(ConnectionRefusedError):
        server.connect()


def test_requests_that_are_under_way_are_finished(server):
    """A slow handler, an upload that is half sent, a head that is half sent, a large response that is half read."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool, server.connect() as upload, server.connect() as head, \
            server.connect() as download:
        slow = pool.submit(server.get, "/slow?ms=1500")
        upload.send(b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        head.send(b"GET /hello HTTP/1.1\r\nHos")
        download.send(http.request_bytes("GET", "/stream?bytes=8000000"))
        eventually(lambda: received_by(server, upload) and received_by(server, head))
        eventually(lambda: '"/slow"' in server.output() and '"/stream"' in server.output())

        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        eventually(lambda: health(server) == 503)
        head.send(b"t: localhost\r\n\r\n")
        answer = head.read_response()
        assert (answer.status, answer.body, answer.header("connection").lower()) == (200, b"hello", "close")
        upload.send(b"67890")
        assert upload.read_response("POST").json == {"bytes": 10}
        streamed = download.read_response()
        assert streamed.complete and len(streamed.body) == 8_000_000
        assert slow.result().text == "slow"
        wait_for_end(server, since)


def test_idle_connections_do_not_hold_it_up(server):
    with server.connect() as unused, server.connect() as idle:
        assert idle.request("GET", "/hello").status == 200
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert idle.at_end()
        assert unused.at_end()
        wait_for_end(server, since)


def test_stop_timeout_ends_what_does_not_end(server):
    workers = server.workers()
    with server.connect() as stuck:
        stuck.send(http.request_bytes("GET", "/slow?ms=600000"))
        eventually(lambda: '"/slow"' in server.output())
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait((STOP_SECONDS + 4) * server.build.patience)
        assert time.monotonic() - since < (STOP_SECONDS + 4) * server.build.patience
        try:
            assert stuck.read_response().status >= 500
        except http.Closed:
            pass  # cut short without an answer
    assert not any(pathlib.Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_worker_alone_drains_too(app):
    server = app(program="load_app", env={"SIDEKICK_STOP_TIMEOUT": f"{STOP_SECONDS}s"})
    with Load(server.connect, [("GET", "/who/{nonce}")], clients=8, until_refused=True, pause=PAUSE) as load:
        load.wait_for(100)
        since = time.monotonic()
        server.send_signal(signal.SIGTERM)
        eventually(lambda: not server.running or health(server) == 503)
        wait_for_end(server, since)
        entries = load.join()
    lines = [line for line in log.parse(server.output()) if line.kind != "other" and line.url.startswith("/who/")]
    begun = {line.url.rpartition("/")[2] for line in lines if line.kind == "incoming"}
    ended = {line.url.rpartition("/")[2] for line in lines if line.kind.startswith("completed")}
    assert begun == ended == {entry.nonce for entry in entries if entry.status}
    assert {entry.status for entry in entries} <= {0, 200} and all(entry.complete for entry in entries)
