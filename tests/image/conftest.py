"""The image of packaging/Dockerfile, built and run by a real engine as Fargate runs it.

    ./dev test image                                         builds and runs everything
    ./dev run -- pytest tests/image --timeout=1500           the same by hand
    ./dev run -- pytest tests/image --load-seconds=60        a minute of load, as in CI, instead of LOAD_SECONDS

The engine is sidekick_dev.engine: root, Debian's docker.io and writable control groups are all it needs. Where it
cannot run, the tests are skipped with its reason; where it can and does not, they fail. With CI set nothing may be skipped
for want of a package.

Fixtures
  docker       Docker: talks to the session's engine
  image        the id of the image, built from this tree
  database     environment of a task: a migrated PostgreSQL over TLS, verified in full against our own authority, and Redis
               likewise. Their names, db.internal and cache.internal, are those of the certificates.
  services     Services: .postgres, .redis, .authority (PEM file), .environment(database)
  task         (environment, name="task", **options) -> Task: created and started; see task.py
  measured     (text) -> None: a line for the summary at the end
  load_seconds how long the load on a whole task lasts
"""

import itertools
import os
import pathlib
import re
import shutil
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests/system"), str(pathlib.Path(__file__).resolve().parent)]

from services import Services  # noqa: E402
from sidekick_dev import engine as engines  # noqa: E402
from sidekick_dev import image as images  # noqa: E402
from task import Task  # noqa: E402

LOAD_SECONDS = 60 if os.environ.get("CI") else 10  # by hand the suite as a whole should not take long
SESSION_DIR = REPOSITORY / "build/test/image"
LOG_LINES_SHOWN = 25
_measured = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--load-seconds", type=int, default=LOAD_SECONDS, help="how long the load on a whole task lasts")


def pytest_configure(config):
    config.stash[_measured] = []


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[_measured]:
        terminalreporter.write_line(f"measured: {line}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for task in item.funcargs.get("_tasks", []) if hasattr(item, "funcargs") else []:
            lines = [line for line in task.logs().splitlines() if "incoming request" not in line]
            report.sections.append((f"{task.name}, last lines", "\n".join(lines[-LOG_LINES_SHOWN:])))


@pytest.fixture
def measured(request):
    return request.config.stash[_measured].append


@pytest.fixture(scope="session")
def load_seconds(request) -> int:
    return request.config.getoption("--load-seconds")


@pytest.fixture(scope="session")
def session_dir() -> pathlib.Path:
    shutil.rmtree(SESSION_DIR, ignore_errors=True)
    SESSION_DIR.mkdir(parents=True)
    return SESSION_DIR


@pytest.fixture(scope="session")
def docker(session_dir):
    if reason := engines.why_not():
        if os.environ.get("CI") and "not found" in reason:
            pytest.fail(f"CI runs the image, but {reason}")
        pytest.skip(reason)
    with engines.Engine(session_dir / "dockerd.log") as engine:
        yield engine.docker


@pytest.fixture(scope="session")
def image(docker) -> str:
    images.ensure_base(docker)
    return images.build_in(docker, "sidekick:test")


@pytest.fixture(scope="session")
def services(session_dir):
    with Services(session_dir) as running:
        yield running


_numbers = itertools.count(1)


@pytest.fixture
def database(services, task) -> dict[str, str]:
    environment = services.environment(f"task_{next(_numbers)}")
    migration = task(environment, name="migrate", command=("sidekick-app", "migrate"))
    assert migration.wait() == 0, migration.logs()
    return environment


@pytest.fixture
def work_dir(session_dir, request) -> pathlib.Path:
    directory = session_dir / re.sub(r"[^A-Za-z0-9_.-]+", "_", request.node.name)[:100]
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture
def _tasks(work_dir):
    started: list[Task] = []
    yield started
    for task in started:
        task.remove(work_dir)


@pytest.fixture
def task(docker, image, services, _tasks):
    def start(environment, name="task", **options) -> Task:
        options.setdefault("authority", services.authority)
        made = Task(docker, image, name, environment, **options)
        _tasks.append(made)
        return made.start()
    return start
