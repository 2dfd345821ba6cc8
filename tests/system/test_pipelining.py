"""Many requests share one connection to each server, and one link to a worker, without waiting for each other."""

import concurrent.futures
import pathlib
import socket
import threading
import urllib.parse

import pytest

from harness import http
from harness.waiting import eventually

TOGETHER = 20
STALLED_BYTES = 64 << 20
GROWTH_BYTES_MAX = 4 << 20


def through(url: str, port: int) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def executes(sent: bytes) -> int:
    """Execute messages ('E') of the PostgreSQL protocol among what a client sent after its startup."""
    count, position = 0, 0
    while int.from_bytes(sent[position + 4:position + 8]) in (80877103, 80877104):  # asks for TLS, for GSSAPI
        position += 8
    position += int.from_bytes(sent[position:position + 4]) or len(sent)  # the startup message has no type
    while position + 5 <= len(sent):
        count += sent[position:position + 1] == b"E"
        position += 1 + int.from_bytes(sent[position + 1:position + 5])
    return count


class Withholding:
    """Says when a proxy withholds: once armed, until TOGETHER commands have arrived on one connection."""

    def __init__(self, count):
        self.count = count
        self.before: dict[int, int] | None = None
        self.most = 0

    def arm(self, connections) -> None:
        self.before = {id(connection): self.count(connection.sent) for connection in connections}

    def __call__(self, connection) -> bool:
        if self.before is None:
            return False
        arrived = self.count(connection.sent) - self.before.get(id(connection), 0)
        self.most = max(self.most, arrived)
        return 0 < arrived < TOGETHER


@pytest.fixture
def load_stack(balancer, app_upstream):
    def start(env, workers=1, program="load_app", **options):
        return balancer({"upstream": [app_upstream(program=program, count=workers)],
                         "route": [{"path": "/*", "upstream": "app", **options}]}, env=env)
    return start


def answers_of(server, targets):
    """One connection and thread per target, all at once."""
    with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
        return list(pool.map(server.get, targets))


def test_twenty_requests_wait_together_for_one_connection_to_postgres(load_stack, database, postgres, redis, tcp_proxy,
                                                                      run_program):
    assert run_program("load_app", "migrate", env={"DATABASE_URL": database}).returncode == 0
    withholding = Withholding(executes)
    proxy = tcp_proxy(("127.0.0.1", postgres.port), withholding)
    server = load_stack({"DATABASE_URL": through(database, proxy.port), "REDIS_URL": redis.url()})
    assert server.get("/rows/first").status == 200  # prepares the statement
    withholding.arm(proxy.connections)
    answers = answers_of(server, [f"/rows/n{number}" for number in range(TOGETHER)])
    assert [(answer.status, answer.json["nonce"]) for answer in answers] == [
        (200, f"n{number}") for number in range(TOGETHER)]
    assert withholding.most >= TOGETHER


def test_twenty_requests_wait_together_for_one_connection_to_redis(balancer, app_upstream, dependencies, redis,
                                                                   tcp_proxy, work_dir):
    withholding = Withholding(lambda sent: sent.count(b"MGET"))
    proxy = tcp_proxy(("127.0.0.1", redis.port), withholding)
    patient = work_dir / "app.toml"
    patient.write_text('[redis]\ncommand_timeout = "8s"\n')
    server = balancer({"upstream": [app_upstream(arguments=["--config", str(patient)])],
                       "route": [{"path": "/*", "upstream": "app"}]},
                      env={**dependencies, "REDIS_URL": f"redis://127.0.0.1:{proxy.port}"})
    eventually(lambda: server.get("/readyz").status == 200)
    assert server.get("/v1/items/4711").status == 404
    withholding.arm(proxy.connections)
    answers = answers_of(server, [f"/v1/items/{number + 1}" for number in range(TOGETHER)])
    assert [answer.status for answer in answers] == [404] * TOGETHER
    assert withholding.most >= TOGETHER


# --- one link, many streams ---


def resident_bytes(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"/proc/{pid}/status has no VmRSS")


def unread_response(server, target: str) -> http.Connection:
    """A client that asks and reads nothing, with a small buffer, so that what waits does so on our side."""
    connection = http.Connection(("127.0.0.1", server.port), timeout=30 * server.build.patience)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.send(http.request_bytes("GET", target))
    eventually(lambda: f'"url": "{target.partition("?")[0]}"' in server.output())
    return connection


def unread_upload(server, target: str) -> tuple[http.Connection, int]:
    """A client that sends as much of a large body as is taken; returns how much that was."""
    connection = http.Connection(("127.0.0.1", server.port), timeout=30 * server.build.patience)
    connection.send(f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {STALLED_BYTES}\r\n\r\n".encode())
    connection.socket.settimeout(0.3)
    sent = 0
    piece = bytes(65536)
    try:
        while sent < STALLED_BYTES:
            sent += connection.socket.send(piece[:STALLED_BYTES - sent])
    except TimeoutError:
        pass
    connection.socket.settimeout(connection.timeout)
    return connection, sent


def test_stalled_streams_delay_no_others_and_cost_no_memory(build, load_stack, dependencies):
    server = load_stack(dependencies, body_limit="128MiB")
    (worker,) = server.workers()
    with server.connect() as other:
        for number in range(50):  # pools and caches as large as they need to be
            assert other.request("GET", f"/who/w{number}").json["nonce"] == f"w{number}"
        assert other.request("GET", f"/sized?bytes={1 << 20}&sent={1 << 20}").complete
        assert other.request("POST", "/hold", body=bytes(1 << 20)).json == {"bytes": 1 << 20}
        before = {pid: resident_bytes(pid) for pid in (server.pid, worker)}

        download = unread_response(server, f"/sized?bytes={STALLED_BYTES}&sent={STALLED_BYTES}")
        upload, sent = unread_upload(server, "/hold?ms=60000")
        assert sent < STALLED_BYTES, "the worker took a body that it does not read"
        for number in range(200):
            assert other.request("GET", f"/who/n{number}").json["nonce"] == f"n{number}"
        assert other.request("POST", "/hold", body=bytes(1 << 20)).json == {"bytes": 1 << 20}

        if not build.sanitized:
            growth = {pid: resident_bytes(pid) - size for pid, size in before.items()}
            assert max(growth.values()) < GROWTH_BYTES_MAX, growth
        upload.close()
        download.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        answer = download.read_response()
        assert answer.complete and len(answer.body) == STALLED_BYTES
        download.close()
        assert other.request("GET", "/who/last").status == 200


def test_an_upload_that_its_client_stalls_delays_no_others(load_stack, dependencies):
    server = load_stack(dependencies)
    with server.connect() as stalled, server.connect() as other:
        stalled.send(b"POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + bytes(50_000))
        for number in range(100):
            assert other.request("GET", f"/who/n{number}").json["nonce"] == f"n{number}"
        stalled.send(bytes(50_000))
        assert stalled.read_response("POST").json == {"bytes": 100_000}
