"""The image as a task: what it is made of, how it starts, answers and ends, and what becomes of wrong surroundings."""

import json
import re
import time

import pytest

from harness.waiting import eventually
from services import AUTHORITIES, CACHE_HOST
from sidekick_dev import image as images
from sidekick_dev import ports
from sidekick_dev.docker import DockerError
from sidekick_dev.image import BASE, version

ABOVE_BASE_BYTES = 90 * 1000 * 1000
IDLE_BYTES = 120 * 1024 * 1024
READY_SECONDS = 5  # one is the goal and what an idle machine shows; two busy cores may need longer
STOP_SECONDS = 60  # stopTimeout of the task definition
QUICK_END = {"SIDEKICK_STOP_TIMEOUT": "6s", "SIDEKICK_DRAIN_TIMEOUT": "5s"}  # where the end is not what is tested
WARNING, ERROR = 40, 50


# --- what it is made of ---


def test_it_is_small(docker, image, measured):
    whole, base = (int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, BASE))
    measured(f"image {(whole - base) / 1e6:.1f} MB above the base of {base / 1e6:.1f} MB")
    assert whole - base <= ABOVE_BASE_BYTES


def test_what_it_says_of_itself_is_what_the_task_definition_expects(docker, image):
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert config["User"] == "10001:10001"
    assert list(config["ExposedPorts"]) == ["7500/tcp"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] is None and config["Cmd"] == ["sidekick-lb"]  # so `sidekick-app migrate` can be run
    assert config["Healthcheck"]["Test"] == ["CMD", "sidekick-lb", "healthcheck"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == version()
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])


@pytest.mark.parametrize("program", ["sidekick-lb", "sidekick-app"])
def test_both_programs_run_by_their_names(task, program):
    run = task({}, command=(program, "--version"))
    assert run.wait() == 0
    assert run.logs().split()[-1] == version()


def test_the_build_leaves_nothing_behind_in_it(task):
    listing = task({}, name="listing", command=("find", "/src", "/image", "/ccache", "/tmp/packages.txt", "/var/lib/apt/lists",
                                                "/etc/apt/sources.list.d", "-type", "f"))
    listing.wait()
    assert not [line for line in listing.logs().splitlines() if "No such file" not in line]
    stripped = task({}, name="strings", command=("grep", "-c", r"\.debug_info", "/usr/bin/sidekick-lb", "/usr/bin/sidekick-app"))
    stripped.wait()
    assert stripped.logs().split() == ["/usr/bin/sidekick-lb:0", "/usr/bin/sidekick-app:0"]


# --- a good task ---


@pytest.fixture
def running(task, database):
    return task(database, options=("--health-interval", "1s"))


def test_a_task_starts_quickly_answers_stays_small_and_ends_well(running, measured):
    seconds = running.ready()
    measured(f"ready {seconds:.2f} s after the start of its first process")
    assert seconds <= READY_SECONDS

    answer = running.get("/")
    assert (answer.status, answer.body) == (200, b'{"status":"ok","version":"%s"}' % version().encode())
    assert running.get("/livez").status == running.get("/readyz").status == 200

    starting = eventually(lambda: next((line for line in running.log_lines() if line["msg"] == "starting"), None))
    assert starting["io"] == "epoll"
    assert "io_uring_setup" in starting["probe"] and "EPERM" in starting["probe"]

    sizes = running.resident_bytes()
    measured(f"idle: {sum(sizes.values()) / 2**20:.0f} MiB resident in {len(sizes)} processes")
    assert len(sizes) == 3, "the balancer and two workers"
    assert sum(sizes.values()) <= IDLE_BYTES

    eventually(lambda: running.inspect()["Health"]["Status"] == "healthy")

    status, seconds = running.stop(STOP_SECONDS)
    measured(f"SIGTERM to the end, idle, with a stop timeout of {STOP_SECONDS} s: {seconds:.1f} s")
    assert status == 0 and seconds < STOP_SECONDS
    assert running.log_lines(ERROR) == []


def test_items_are_created_read_changed_and_deleted(running, services, database):
    running.ready()
    created = running.request("POST", "/v1/items", {"Content-Type": "application/json"}, json.dumps({"name": "first"}))
    assert created.status == 201
    path = created.header("location")
    assert [running.get(path).header("x-cache") for _ in range(2)] == ["miss", "hit"]  # Redis over TLS
    tag = running.get(path).header("etag")
    changed = running.request("PUT", path, {"Content-Type": "application/json", "If-Match": tag}, json.dumps({"name": "second"}))
    assert changed.status == 200 and running.get(path).json["name"] == "second"
    assert services.postgres.sql("SELECT name FROM items", database["PGDATABASE"]) == "second"
    assert running.request("DELETE", path).status == 204
    assert running.get(path).status == 404


def test_nothing_in_it_may_write_or_gain_rights(docker, running):
    running.ready()
    for pid in running.resident_bytes():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file.read().splitlines())
        assert fields["Uid"].split() == ["10001"] * 4 and fields["Gid"].split() == ["10001"] * 4
        assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert fields["NoNewPrivs"].strip() == "1" and fields["Seccomp"].strip() == "2"
    with pytest.raises(DockerError, match="Read-only file system"):
        docker("exec", running.id, "touch", "/tmp/x")


def test_without_the_engines_init_process_the_balancer_is_the_first_and_ends_as_well(task, database, docker):
    alone = task({**database, **QUICK_END}, options=("--init=false",))
    alone.ready()
    assert docker("exec", alone.id, "cat", "/proc/1/comm") == "sidekick-lb"
    assert len(alone.resident_bytes()) == 3
    assert alone.stop(STOP_SECONDS)[0] == 0


@pytest.mark.parametrize("cpus, workers", [("1", 1), ("2", 2)])
def test_it_is_sized_by_its_control_group(task, database, cpus, workers):
    sized = task({**database, "SIDEKICK_WORKERS": None}, cpus=cpus, memory="1g")
    sized.ready()
    assert len(sized.resident_bytes()) == 1 + workers


# --- wrong surroundings: one line, alive, not healthy, and no crash loop ---


@pytest.fixture
def wrong(task):
    """A task with one worker, because each says what it lacks."""
    return lambda environment, **options: task({**environment, **QUICK_END, "SIDEKICK_WORKERS": "1"}, **options)


def stays_up_but_unhealthy(task, words: list[str]) -> None:
    """/livez 200, /healthz and /readyz 503, and exactly one line of a warning or worse, which has the words."""
    task.until(200, "/livez").until(503, "/healthz").until(503, "/readyz")
    lines = eventually(lambda: [line for line in task.log_lines(WARNING) if all(word in json.dumps(line) for word in words)])
    since = task.inspect()["StartedAt"]
    time.sleep(1.5)  # a crash loop's first restarts, or a line for every attempt to connect, would come in this time
    lines = [line for line in task.log_lines(WARNING) if all(word in json.dumps(line) for word in words)]
    assert len(lines) == 1, lines
    state = task.inspect()
    assert state["Running"] and state["StartedAt"] == since
    assert task.get("/livez").status == 200 and task.get("/healthz").status == 503
    assert task.stop(STOP_SECONDS)[0] == 0


def test_without_a_database_it_says_which_variables_are_missing(wrong):
    stays_up_but_unhealthy(wrong({}), ["DATABASE_URL", "PGHOST"])


def test_an_unreadable_secret_is_named(wrong, database):
    environment = {**database, "PGHOST": None, "PGDATABASE": None, "DATABASE_URL_FILE": "/run/secrets/database-url"}
    stays_up_but_unhealthy(wrong(environment), ["DATABASE_URL_FILE", "/run/secrets/database-url"])


def test_an_unreachable_database_is_named(wrong, database, free_port):
    port = free_port()
    stays_up_but_unhealthy(wrong({**database, "PGPORT": str(port)}), ["db.internal", str(port)])


def test_a_missing_bundle_of_authorities_is_named(wrong, database):
    stays_up_but_unhealthy(wrong({**database, "SIDEKICK_REDIS_CA": None}, authority=None), [AUTHORITIES, "PGSSLROOTCERT"])


def test_a_certificate_of_another_host_is_refused(wrong, database):
    stays_up_but_unhealthy(wrong({**database, "PGHOST": CACHE_HOST + ".other"}, options=(
        "--add-host", f"{CACHE_HOST}.other:127.0.0.1")), [CACHE_HOST + ".other"])


@pytest.fixture
def free_port():
    taken = []

    def choose() -> int:
        taken.append(ports.free_port())
        return taken[-1]
    yield choose
    for port in taken:
        ports.release(port)


def test_a_migration_that_cannot_reach_its_database_fails_with_one_line(task, database):
    migration = task({**database, "PGPASSWORD": "wrong"}, name="migrate", command=("sidekick-app", "migrate"))
    assert migration.wait() != 0
    (line,) = migration.logs().strip().splitlines()
    assert "password" in line


def test_a_migration_can_be_repeated(task, database):
    again = task(database, name="migrate", command=("sidekick-app", "migrate"))
    assert again.wait() == 0


def test_the_authorities_can_be_built_in(docker, image, services, task):
    """The other way to bring the bundle: `./dev image --db-ca`."""
    images.build_image(docker, "sidekick:with-authorities", str(services.authority))
    shown = docker("run", "--rm", "--network", "none", "sidekick:with-authorities", "cat", AUTHORITIES)
    assert shown.split() == services.authority.read_text().split()
    images.build_image(docker, "sidekick:without-authorities")
    looked = docker.run("run", "--rm", "--network", "none", "sidekick:without-authorities", "test", "-e", AUTHORITIES)
    assert looked.returncode == 1, "the bundle of an earlier build"
