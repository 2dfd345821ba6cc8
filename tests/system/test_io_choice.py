"""Which kernel interface runs, and what is said about it. io_uring is refused here by a seccomp filter, as container
engines do it."""

import subprocess
import sys

import pytest

from harness import log
from harness.programs import DENY_IO_URING, REPOSITORY, App, Balancer, Build
from harness.waiting import eventually

pytestmark = pytest.mark.once


def denied(build, name, *words) -> list[str]:
    return [sys.executable, str(DENY_IO_URING), build.program(name), *words]


def run(command) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, cwd=REPOSITORY,
                          stdin=subprocess.DEVNULL)


@pytest.fixture
def config(work_dir, free_port):
    path = work_dir / "sidekick.toml"
    path.write_text(f'[[listener]]\naddress = "127.0.0.1:{free_port()}"\n[[upstream]]\nname = "o"\n'
                    'endpoints = ["127.0.0.1:9"]\n[[route]]\nupstream = "o"\n')
    return str(path)


@pytest.fixture
def denied_build(build):
    """The same binaries under the filter, told to find out by themselves."""
    return Build(build.preset, "denied")


def starting_line(server) -> dict:
    """The line that names the interface; the log leaves within a second."""
    return eventually(lambda: next((line.document for line in log.parse(server.output())
                                    if line.document["msg"] in ("starting", "event loop")), None))


def test_a_refused_io_uring_means_epoll_and_a_line_that_says_why(denied_build, work_dir, origin):
    server = Balancer(denied_build, work_dir, "denied", {
        "upstream": [{"name": "o", "endpoints": [origin().endpoint]}], "route": [{"upstream": "o"}]})
    try:
        server.wait_until_ready()
        assert server.get("/").body == b"origin"
        line = starting_line(server)
        assert line["io"] == "epoll"
        assert "io_uring_setup" in line["probe"] and "EPERM" in line["probe"] and "seccomp" in line["probe"]
    finally:
        assert server.terminate() == 0


def test_an_application_falls_back_too(denied_build, work_dir):
    server = App(denied_build, work_dir, "denied-app")
    try:
        server.wait_until_ready()
        assert server.get("/").status == 200
        line = starting_line(server)
        assert line["io"].startswith("epoll: ") and "io_uring_setup" in line["io"] and "EPERM" in line["io"]
    finally:
        assert server.terminate() == 0


def test_io_uring_that_was_asked_for_and_is_refused_is_one_line(build, config):
    done = run(denied(build, "sidekick-lb", "--io", "uring", "--config", config))
    assert done.returncode == 1
    (line,) = log.parse(done.stdout)
    assert line.document["level"] == 60
    assert all(word in line.document["msg"] for word in ("uring", "io_uring_setup", "EPERM", "auto"))

    done = run(denied(build, "sidekick-app", "--io", "uring", "--listen", "127.0.0.1:0"))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert all(word in line for word in ("uring", "io_uring_setup", "EPERM", "auto"))


@pytest.mark.parametrize("choice, expected", [("uring", "io_uring"), ("epoll", "epoll"), ("auto", "io_uring")])
def test_the_choice_is_what_runs(balancer, origin, choice, expected):
    server = balancer({"server": {"io": choice}, "upstream": [{"name": "o", "endpoints": [origin().endpoint]}],
                       "route": [{"upstream": "o"}]})
    assert starting_line(server)["io"] == expected
    build_info = [name for name in server.metrics() if name.startswith("sidekick_build_info")]
    assert f'io="{expected}"' in build_info[0]
