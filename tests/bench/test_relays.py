"""The relays and backends of the benchmark answer every client, also many at once and across disconnects."""

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from contenders import BODY


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["each", "link"])
def relay(request, programs):
    """A relay in front of its backend; yields "IP:PORT"."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path, port = Path(folder) / "s", free_port()
        backend = "bench-backend" if request.param == "each" else "bench-link-backend"
        started = [subprocess.Popen([programs / backend, path, BODY])]
        try:
            wait_for(path.exists)
            started.append(subprocess.Popen([programs / f"bench-relay-{request.param}", str(port), path]))
            wait_for(lambda: can_connect(port))
            yield f"127.0.0.1:{port}"
            assert [process.poll() for process in started] == [None, None], "a relay or backend has ended"
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.wait(5)


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("connections", [1, 64, 300])
def test_every_client_gets_its_answers(relay, load, connections):
    code, said = load(relay, "--connections", connections, "--requests", "5000")
    assert code == 0 and said["errors"] == 0 and said["total"] >= 5000


def test_clients_that_leave_at_any_point_harm_nobody(relay, load):
    host, port = relay.split(":")
    for rest in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(50):
            with socket.create_connection((host, int(port))) as client:
                client.sendall(rest)
    code, said = load(relay, "--connections", "16", "--requests", "2000")
    assert code == 0 and said["errors"] == 0


def test_the_backend_answers_split_and_pipelined_heads(programs):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "s"
        backend = subprocess.Popen([programs / "bench-backend", path, BODY])
        try:
            wait_for(path.exists)
            head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(path))
                for byte in head:  # one at a time
                    client.sendall(bytes([byte]))
                client.sendall(head * 100 + head[:7])
                client.sendall(head[7:])
                wanted, received = 102, b""
                while received.count(BODY.encode()) < wanted:
                    more = client.recv(65536)
                    assert more, f"closed after {received.count(BODY.encode())} of {wanted} answers"
                    received += more
                assert received.count(b"HTTP/1.1 200 OK") == wanted
                client.sendall(b"x" * 20_000)  # no head is that long: closed, not kept
                try:
                    assert client.recv(1) == b""
                except ConnectionResetError:
                    pass
        finally:
            backend.terminate()
            backend.wait(5)
