"""The configuration of the task image, its environment, and what Terraform sets in it.

The image's own files are run here on the loopback: only the paths of program and file, and the ports, are other ones.
"""

import json
import re
import subprocess
import sys

import pytest

from harness import programs
from harness.waiting import eventually

IMAGE = programs.REPOSITORY / "packaging/image"
TERRAFORM = programs.REPOSITORY / "terraform"


def read_json(done: subprocess.CompletedProcess) -> dict:
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def image(balancer, build, free_port):
    """The balancer and its workers as the image starts them."""
    def start(env=None, ready=True, workers=1) -> programs.Balancer:
        text = (IMAGE / "sidekick.toml").read_text()
        text = text.replace("/usr/bin/sidekick-app", build.program("sidekick-app"))
        text = text.replace("/etc/sidekick/app.toml", str(IMAGE / "app.toml"))
        port, admin = free_port(), free_port()
        server = balancer(text, ready=False, port=port, env={
            "SIDEKICK_LISTEN": f"127.0.0.1:{port}", "SIDEKICK_ADMIN": f"127.0.0.1:{admin}", "SIDEKICK_IO": build.io_choice,
            "SIDEKICK_STOP_TIMEOUT": "3", "SIDEKICK_THREADS": "1", "SIDEKICK_WORKERS": str(workers), **(env or {})})
        return server.wait_until_ready("/healthz" if ready else "/livez")
    return start


# --- files, variables, Terraform ---


@pytest.mark.once
def test_the_images_files_are_valid(run_program):
    done = run_program("sidekick-lb", "check", "--config", IMAGE / "sidekick.toml")
    assert (done.returncode, done.stderr) == (0, "")
    done = run_program("sidekick-app", "--config", IMAGE / "app.toml", "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "database.required = true\n" in done.stdout and 'database.tls_ca = "/etc/sidekick/rds-ca.pem"\n' in done.stdout


@pytest.mark.once
def test_the_documented_variables_are_those_of_the_programs(run_program):
    table = run_program("sidekick-lb", "environment").stdout
    assert table.count("\n") > 30
    assert table in (programs.REPOSITORY / "docs/environment.md").read_text(), "docs/environment.md: paste `sidekick-lb environment`"


@pytest.mark.once
def test_the_committed_budgets_are_those_of_the_image(run_program, work_dir):
    checked = run_program("sidekick-lb", "check", "--config", IMAGE / "sidekick.toml", "--json")
    done = subprocess.run([sys.executable, TERRAFORM / "scripts/budgets.py", "--compare", TERRAFORM / "budgets.auto.tfvars.json"],
                          input=checked.stdout, text=True, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def terraform_environment() -> dict[str, str]:
    """Names that the task definition sets, with the values of Terraform's defaults where they are its variables."""
    module = (TERRAFORM / "modules/ecs/main.tf").read_text()
    root = (TERRAFORM / "main.tf").read_text()
    variables = (TERRAFORM / "variables.tf").read_text()
    defaults = dict(re.findall(r'^variable "(\w+)" \{\n(?:.*\n)*?  default\s+= "?([^"\n]*)"?\n', variables, re.M))
    defaults |= {inner: defaults[outer] for inner, outer in re.findall(r"^  (\w+)\s+= var\.(\w+)$", root, re.M) if outer in defaults}
    found = {}
    for name, value in re.findall(r'\b([A-Z][A-Z_]{4,})\s+= (.*)$', module + root, re.M):
        variable = re.search(r"var\.(\w+)", value)
        literal = value.strip('",')
        found[name] = defaults.get(variable[1], "") + ("s" if "}s" in value else "") if variable else literal
    return found


@pytest.mark.once
def test_every_variable_that_terraform_sets_is_read_and_good(run_program):
    table = run_program("sidekick-lb", "environment").stdout
    known = set(re.findall(r"^\| `(\w+)` \|", table, re.M)) | {"PGPORT", "PGDATABASE", "PGUSER"}  # libpq's own
    names = terraform_environment()
    assert set(names) <= known and {"PGHOST", "PGPASSWORD", "REDIS_URL", "SIDEKICK_STOP_TIMEOUT"} <= set(names), names
    ours = {name: value for name, value in names.items() if name.startswith("SIDEKICK_")}
    assert all(ours.values()), ours
    read_json(run_program("sidekick-lb", "check", "--config", IMAGE / "sidekick.toml", "--json", env=ours))
    read_json(run_program("sidekick-app", "--config", IMAGE / "app.toml", "check", "--json", env=ours))


@pytest.mark.once
def test_with_terraforms_defaults_the_binaries_keep_an_albs_rules(run_program):
    ours = {name: value for name, value in terraform_environment().items() if name.startswith("SIDEKICK_")}
    lb = read_json(run_program("sidekick-lb", "check", "--config", IMAGE / "sidekick.toml", "--json", env=ours))
    app = read_json(run_program("sidekick-app", "--config", IMAGE / "app.toml", "check", "--json", env=ours))
    variables = (TERRAFORM / "variables.tf").read_text()

    def default(name: str) -> int:
        return int(re.search(rf'variable "{name}" {{\n(?:.*\n)*?  default\s+= (\d+)\n', variables)[1])

    alb_idle_ms = default("alb_idle_timeout_seconds") * 1000
    (listener,) = lb["listener"]
    assert listener["address"].endswith(":7500") and listener["profile"] == "behind-alb"
    assert listener["limits"]["idle_timeout_ms"] >= alb_idle_ms + 5000
    for route in lb["route"]:
        for timeout in ("total_timeout_ms", "response_header_timeout_ms", "between_bytes_timeout_ms"):
            assert route[timeout] <= alb_idle_ms - 5000, route
    assert lb["server"]["stop_timeout_ms"] == default("stop_timeout_seconds") * 1000 <= 120_000
    assert lb["server"]["drain_timeout_ms"] == default("drain_seconds") * 1000 <= lb["server"]["stop_timeout_ms"] - 5000
    assert default("deregistration_delay_seconds") <= lb["server"]["drain_timeout_ms"] / 1000
    assert lb["upstream"][0]["workers"]["count"] == default("worker_count")
    assert app["database.lanes"] == default("pg_connections_per_worker")
    assert app["request_deadline"] == f"{default('request_deadline_seconds')}s"
    assert app["database.required"] and app["redis.required"]


@pytest.mark.once
def test_every_wrong_variable_is_named_at_once_and_unknown_ones_are_warnings(run_program):
    done = run_program("sidekick-lb", "--config", IMAGE / "sidekick.toml",
                       env={"SIDEKICK_THREADS": "many", "SIDEKICK_PG_CONNECTIONS": "17", "SIDEKICK_TREADS": "2"})
    assert done.returncode == 78
    lines = [line.partition("sidekick.toml: ")[2] for line in done.stderr.splitlines()]
    assert lines == [
        "warning: SIDEKICK_TREADS: nobody reads this variable; did you mean SIDEKICK_THREADS?",
        'error: SIDEKICK_THREADS: expected a number from 0 to 256; got "many"',
        'error: SIDEKICK_PG_CONNECTIONS: expected a number from 1 to 16; got "17"']


# --- a task that lacks what it needs ---


def complaints(server, service: str) -> list[str]:
    return [line for line in server.log_lines('"reason"') if f'"msg": "{service} ' in line]


def expect_unhealthy(server) -> None:
    assert server.get("/livez").status == 200
    eventually(lambda: server.get("/healthz").status == 503 and server.get("/healthz").json["status"] == "unavailable")
    assert server.get("/readyz").status == 503


def test_it_serves_with_what_it_requires(image, dependencies):
    server = image(env=dependencies)
    assert server.get("/").json["status"] == "ok"
    assert server.get("/readyz").json == {"status": "ok", "postgres": "ready", "redis": "ready"}
    assert server.terminate() == 0


def test_without_any_database_it_lives_and_is_unhealthy(image):
    server = image(ready=False)
    eventually(lambda: complaints(server, "PostgreSQL") and complaints(server, "Redis"))
    expect_unhealthy(server)
    (postgres,), (redis,) = complaints(server, "PostgreSQL"), complaints(server, "Redis")
    assert "none is configured, and this service requires one: set DATABASE_URL, or PGHOST, PGUSER and PGPASSWORD" in postgres
    assert "none is configured, and this service requires one: set REDIS_URL" in redis
    assert server.get("/").json["status"] == "ok"  # who can answer without it does
    assert len(server.workers()) == 1  # nothing crashes


@pytest.mark.parametrize("env, words", [
    ({"DATABASE_URL": "mysql://user:geheim@db/x"}, "DATABASE_URL"),
    ({"DATABASE_URL": "postgres://user:geheim@db/x?sslmod=1"}, "DATABASE_URL"),
    ({"DATABASE_URL_FILE": "/nonexistent/secret"}, "/nonexistent/secret cannot be read (No such file or directory)"),
    ({"PGHOST": "db.invalid"}, "the certificate bundle /etc/sidekick/rds-ca.pem cannot be read (No such file or directory)"),
    ({"PGHOST": "db.invalid", "PGSSLROOTCERT": "/nonexistent/ca.pem"}, "the certificate bundle /nonexistent/ca.pem cannot be read"),
    ({"PGHOST": "127.0.0.1", "PGPORT": "1"}, "127.0.0.1:1"),
], ids=["scheme", "option", "file", "bundle", "own-bundle", "unreachable"])
def test_a_database_that_cannot_be_used_is_one_line_and_503(image, redis, env, words):
    server = image(env={"REDIS_URL": redis.url(), **env}, ready=False)
    eventually(lambda: complaints(server, "PostgreSQL"))
    expect_unhealthy(server)
    (line,) = complaints(server, "PostgreSQL")
    assert words in line and "geheim" not in server.output()


@pytest.mark.parametrize("env, words", [
    ({"REDIS_URL": "http://redis"}, "REDIS_URL"),
    ({"REDIS_URL": "rediss://redis.invalid", "SIDEKICK_REDIS_CA": "/nonexistent/ca.pem"},
     "the CA file /nonexistent/ca.pem cannot be read (No such file or directory)"),
    ({"REDIS_URL": "redis://127.0.0.1:1"}, "127.0.0.1:1"),
], ids=["scheme", "ca", "unreachable"])
def test_a_redis_that_cannot_be_used_is_one_line_and_503(image, database, env, words):
    server = image(env={"DATABASE_URL": database, **env}, ready=False)
    eventually(lambda: complaints(server, "Redis"))
    expect_unhealthy(server)
    (line,) = complaints(server, "Redis")
    assert words in line


def test_migrate_needs_only_the_environment(run_program, database):
    done = run_program("sidekick-app", "--config", IMAGE / "app.toml", "migrate", env={"DATABASE_URL": database})
    assert done.returncode == 0 and "the schema is up to date" in done.stdout
    done = run_program("sidekick-app", "--config", IMAGE / "app.toml", "migrate")
    assert done.returncode == 1 and "set DATABASE_URL" in done.stderr


def test_healthcheck_asks_where_the_environment_says(image, run_program, dependencies, free_port):
    admin = f"127.0.0.1:{free_port()}"
    server = image(env={**dependencies, "SIDEKICK_ADMIN": admin})
    config = ("--config", IMAGE / "sidekick.toml")
    assert run_program("sidekick-lb", "healthcheck", *config, env={"SIDEKICK_ADMIN": admin}).returncode == 0
    assert run_program("sidekick-lb", "healthcheck", "--address", f"127.0.0.1:{server.port}").returncode == 0
    assert run_program("sidekick-lb", "healthcheck", *config, env={"SIDEKICK_ADMIN": f"127.0.0.1:{free_port()}"}).returncode == 1
