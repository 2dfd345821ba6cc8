"""`./dev up`, `status`, `pg`, `redis` and `down`, as a newcomer types them, in a folder of their own."""

import os
import pathlib
import socket
import subprocess

import pytest

from harness import http
from harness.programs import REPOSITORY

pytestmark = pytest.mark.once

VERSION = (REPOSITORY / "VERSION").read_text().strip()
UP_SECONDS = 60


class Dev:
    """./dev with the stack's folder and ports of one test."""

    def __init__(self, directory: pathlib.Path, preset: str, ports: list[int]):
        self.env = {**os.environ, "SIDEKICK_RUN_DIR": str(directory)}
        self.directory = directory
        self.ports = ports
        self.options = ["--preset", preset, "--ports", ",".join(map(str, ports))]

    def __call__(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([REPOSITORY / "dev", *words], env=self.env, capture_output=True, text=True, check=False,
                              timeout=UP_SECONDS, stdin=subprocess.DEVNULL)

    def up(self) -> subprocess.CompletedProcess:
        return self("up", "-d", *self.options)

    def request(self, port: int, target: str, tls: bool = False) -> http.Response:
        with http.Connection(("127.0.0.1", port), http.client_tls() if tls else None) as connection:
            return connection.request("GET", target, host=f"127.0.0.1:{port}")


@pytest.fixture
def dev(build, work_dir, free_port):
    command = Dev(work_dir / "run", build.preset, [free_port() for _ in range(3)])
    yield command
    command("down")


def processes_with(text: str) -> list[str]:
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if text in line:
            found.append(line)
    return found


def test_up_serves_and_down_leaves_nothing(dev):
    done = dev.up()
    assert done.returncode == 0, done.stderr
    https, redirect, plain = dev.ports
    assert f"https://localhost:{https}/" in done.stdout

    expected = f'{{"status":"ok","version":"{VERSION}"}}'
    assert dev.request(https, "/", tls=True).text == expected
    assert dev.request(plain, "/").text == expected
    moved = dev.request(redirect, "/a?b=1")
    assert (moved.status, moved.header("location")) == (308, f"https://127.0.0.1:{https}/a?b=1")
    assert dev.request(plain, "/v1/items").status == 200
    assert dev("status").returncode == 0

    assert dev("down").returncode == 0
    assert processes_with(str(dev.directory)) == []
    assert dev("status").returncode == 1
    with pytest.raises(ConnectionRefusedError):
        dev.request(plain, "/")


def test_a_second_up_and_a_taken_port_are_one_clear_line(dev):
    with socket.create_server(("127.0.0.1", dev.ports[2])):
        taken = dev.up()
    assert taken.returncode == 1
    (line,) = taken.stderr.strip().splitlines()
    assert f"port {dev.ports[2]} is taken" in line and "--ports" in line

    assert dev.up().returncode == 0
    again = dev.up()
    assert again.returncode == 1
    assert "already" in again.stderr and len(again.stderr.strip().splitlines()) == 1


def test_dependencies_stop_and_start(dev):
    assert dev.up().returncode == 0
    assert dev("pg", "stop").returncode == 0
    assert "postgresql   stopped" in dev("status").stdout
    assert dev.request(dev.ports[2], "/").status == 200
    assert dev("pg", "start").returncode == 0
    assert dev("redis", "stop").returncode == 0
    assert dev("redis", "start").returncode == 0
    assert "stopped" not in dev("status").stdout
