"""Fixtures of the system tests: real processes, real servers, bytes on real sockets.

    ./dev run -- pytest tests/system                      io_uring, the binaries of build/dev
    ./dev run -- pytest tests/system --io=epoll           the other backend
    ./dev run -- pytest tests/system --io=denied          --io=auto, with io_uring refused by a seccomp filter
    ./dev run -- pytest tests/system --preset=asan -k x   sanitized binaries, some tests

Build first (`./dev build dev`). Logs and configurations of a test lie in build/test/<preset>-<io>/<test>/ and the
ends of the logs are shown when it fails. Every wait in the harness is bounded; servers listen on 127.0.0.1.

Configuration
  build            Build: .preset, .io ("uring" | "epoll" | "denied"), .io_choice (what `--io` takes), .patience (factor for waits
                   under sanitizers), .program(name) (path), .command(name, args...) (with the seccomp filter)
  work_dir         pathlib.Path: this test's own folder for files and logs
  short_dir        pathlib.Path: a folder under /tmp for Unix sockets, whose paths may have 107 bytes; removed afterwards
  free_port        () -> int: a TCP port of 127.0.0.1 that stays free until somebody listens on it
  certificate      (path of certificate, path of key) for localhost, self-signed

Servers
  postgres         the session's PostgreSQL 17 (sidekick_dev.postgres.Postgres: .sql(), .url(), .port)
  database         URL of a new empty database in it
  redis            the session's Redis, emptied (sidekick_dev.redis.Redis: .command(), .url())
  private_postgres a PostgreSQL for this test alone, which it may stop(), kill() and start()
  private_redis    the same for Redis
  dependencies     environment for programs: DATABASE_URL (schema created by `sidekick-app migrate`) and REDIS_URL
  migrate          (url) -> None: runs `sidekick-app migrate` on a database

Programs (ended after the test; a sanitizer's report or one that ignores SIGTERM fails it)
  balancer         (config: dict | str, tls=False, env=None, ready=True, name="balancer") -> Balancer
                   .port .tls_port .get() .request() .connect(tls=) .output() .log_lines() .terminate() .workers() .pid
  app              (env=None, arguments=(), ready=True, name="app", program="sidekick-app") -> App: a worker alone;
                   .port .get() .request() ...
  app_upstream     (name="app", count=1, arguments=(), program="sidekick-app", options=None, **workers) -> dict: an
                   [[upstream]] of workers over the link; options: more of the upstream's, workers: of its workers'
  stack            (workers=1, tls=False, **server) -> Balancer: with such workers, PostgreSQL and Redis, route /*
  program          (name, *arguments, env=None) -> Program: any of our binaries, not waited for
  run_program      (name, *arguments, env=None, timeout=20) -> subprocess.CompletedProcess: one that ends by itself

Peers
  origin           (behaviour=None, unix=False, read_body=True) -> Origin: records requests, answers as told; see
                   harness/origin.py for answer(), send_raw(), in_turn() and own behaviours
  tcp_proxy        ((host, port), hold_replies=None) -> TcpProxy: withholds replies, cuts connections
  harness/http.py  Connection (raw client), request_bytes(), client_tls(), Response

Markers
  @pytest.mark.once          independent of the I/O backend: runs only in the --io=uring run
  @pytest.mark.unsanitized   measures what sanitizers change: does not run with --preset=asan
"""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "scripts"), str(pathlib.Path(__file__).resolve().parent)]

from harness import programs  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.tcp_proxy import TcpProxy  # noqa: E402
from sidekick_dev import certificate as certificates  # noqa: E402
from sidekick_dev import ports  # noqa: E402
from sidekick_dev.postgres import Postgres  # noqa: E402
from sidekick_dev.redis import Redis  # noqa: E402

LOG_LINES_SHOWN = 25


def pytest_addoption(parser):
    parser.addoption("--io", choices=["uring", "epoll", "denied"], default=os.environ.get("SIDEKICK_IO") or "uring",
                     help="the kernel interface under test; denied: auto, with io_uring refused by seccomp")
    parser.addoption("--preset", default="dev", help="whose binaries: build/<preset>/bin")


def pytest_configure(config):
    config.addinivalue_line("markers", "once: independent of the I/O backend, runs only with --io=uring")
    config.addinivalue_line("markers", "unsanitized: measures what sanitizers change")


def pytest_collection_modifyitems(config, items):
    """Takes out what belongs into another run, which is not the same as skipping it."""
    markers = []
    if config.getoption("--io") != "uring":
        markers.append("once")
    if config.getoption("--preset") in ("asan", "tsan"):
        markers.append("unsanitized")
    elsewhere = [item for item in items if any(item.get_closest_marker(marker) for marker in markers)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        directory = item.funcargs.get("work_dir") if hasattr(item, "funcargs") else None
        for log in sorted(directory.glob("*.log")) if directory else []:
            lines = log.read_text(errors="replace").splitlines()
            if lines:
                report.sections.append((f"{log.name}, last lines", "\n".join(lines[-LOG_LINES_SHOWN:])))


# --- configuration ---


@pytest.fixture(scope="session")
def build(request) -> programs.Build:
    return programs.Build(request.config.getoption("--preset"), request.config.getoption("--io"))


@pytest.fixture(scope="session")
def session_dir(build) -> pathlib.Path:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    directory = programs.REPOSITORY / "build/test" / f"{build.preset}-{build.io}{'-' + worker if worker else ''}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def work_dir(session_dir, request) -> pathlib.Path:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{request.node.path.stem}.{request.node.name}")[:120]
    directory = session_dir / name
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture
def short_dir():
    with tempfile.TemporaryDirectory(prefix="sk-", dir="/tmp") as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def free_port():
    taken = []

    def choose() -> int:
        taken.append(ports.free_port())
        return taken[-1]
    yield choose
    for port in taken:
        ports.release(port)


@pytest.fixture(scope="session")
def certificate(session_dir):
    return certificates.self_signed(session_dir / "certificates")


# --- servers ---


@pytest.fixture(scope="session")
def postgres(session_dir):
    server = Postgres(session_dir / "postgres", session_dir / "postgres.log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.directory, ignore_errors=True)


_database_numbers = itertools.count(1)


@pytest.fixture
def database(postgres) -> str:
    return postgres.create_database(f"test_{next(_database_numbers)}")


@pytest.fixture(scope="session")
def _session_redis(session_dir):
    server = Redis(session_dir / "redis", session_dir / "redis.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis(_session_redis):
    assert _session_redis.command("FLUSHALL").startswith(b"+OK")
    return _session_redis


@pytest.fixture
def private_postgres(work_dir):
    server = Postgres(work_dir / "postgres", work_dir / "postgres.log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture
def private_redis(work_dir):
    server = Redis(work_dir / "redis", work_dir / "redis.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def migrate(run_program):
    def run(url: str) -> None:
        done = run_program("sidekick-app", "migrate", env={"DATABASE_URL": url})
        assert done.returncode == 0, f"sidekick-app migrate: {done.stdout}{done.stderr}"
    return run


@pytest.fixture
def dependencies(database, redis, migrate) -> dict[str, str]:
    migrate(database)
    return {"DATABASE_URL": database, "REDIS_URL": redis.url()}


# --- programs ---


@pytest.fixture
def _programs():
    started: list[programs.Program] = []
    yield started
    faults = programs.finish(started)
    assert not faults, "\n".join(faults)


@pytest.fixture
def balancer(build, work_dir, certificate, _programs):
    def start(config, tls=False, env=None, ready=True, name="balancer", port=None) -> programs.Balancer:
        program = programs.Balancer(build, work_dir, name, config, certificate if tls else None, env, port)
        _programs.append(program)
        return program.wait_until_ready() if ready else program
    return start


@pytest.fixture
def app(build, work_dir, _programs):
    def start(env=None, arguments=(), ready=True, name="app", port=None, program="sidekick-app") -> programs.App:
        started = programs.App(build, work_dir, name, env, arguments, port, program)
        _programs.append(started)
        return started.wait_until_ready() if ready else started
    return start


@pytest.fixture
def app_upstream(build):
    def describe(name="app", count=1, arguments=(), program="sidekick-app", options=None, **workers) -> dict:
        command = [build.program(program), "--io", build.io_choice, *arguments]
        return {"name": name, "workers": {"command": command, "count": count, **workers}, **(options or {})}
    return describe


@pytest.fixture
def stack(balancer, app_upstream, dependencies):
    def start(workers=1, tls=False, env=None, **server) -> programs.Balancer:
        return balancer({"server": server, "upstream": [app_upstream(count=workers)],
                         "route": [{"path": "/*", "upstream": "app"}]}, tls=tls, env={**dependencies, **(env or {})})
    return start


@pytest.fixture
def program(build, work_dir, _programs):
    def start(name, *arguments, env=None) -> programs.Program:
        log = work_dir / f"{name}-{len(_programs)}.log"
        _programs.append(programs.Program(build, name, build.command(name, *arguments), log, env))
        return _programs[-1]
    return start


@pytest.fixture
def run_program(build):
    def run(name, *arguments, env=None, timeout=20) -> subprocess.CompletedProcess:
        done = subprocess.run(build.command(name, *arguments), capture_output=True, text=True, check=False,
                              timeout=timeout * build.patience, stdin=subprocess.DEVNULL, cwd=programs.REPOSITORY,
                              env={**os.environ, **programs.SANITIZER_ENVIRONMENT, **(env or {})})
        reports = programs.SANITIZER_REPORT.findall(done.stderr)
        assert not reports, f"{name}: {done.stderr}"
        return done
    return run


# --- peers ---


@pytest.fixture
def origin(short_dir):
    started: list[Origin] = []

    def start(behaviour=None, unix=False, read_body=True) -> Origin:
        path = short_dir / f"origin-{len(started)}.sock" if unix else None
        started.append(Origin(behaviour, path, read_body))
        return started[-1]
    yield start
    for server in started:
        server.stop()
    errors = [error for server in started for error in server.errors]
    assert not errors, f"an origin's behaviour failed: {errors!r}"


@pytest.fixture
def tcp_proxy():
    started: list[TcpProxy] = []

    def start(upstream, hold_replies=None) -> TcpProxy:
        started.append(TcpProxy(upstream, hold_replies))
        return started[-1]
    yield start
    for proxy in started:
        proxy.stop()
