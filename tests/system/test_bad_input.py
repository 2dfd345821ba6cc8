"""What an operator may get wrong: each gets one line that names the thing and the fix, and the right exit status."""

import json
import re
import socket
import subprocess

import pytest

from harness import log
from harness.programs import REPOSITORY
from harness.waiting import eventually

CONFIG_WRONG = 78
NOTHING_SERVED = 1


def write(work_dir, text: str):
    path = work_dir / "sidekick.toml"
    path.write_text(text)
    return path


def plain_config(port: int, upstream: str = 'endpoints = ["127.0.0.1:9"]', listener: str = "") -> str:
    return f"""
[[listener]]
address = "127.0.0.1:{port}"
{listener}
[[upstream]]
name = "app"
{upstream}
[[route]]
upstream = "app"
"""


def fatal_lines(output: str) -> list[str]:
    return [line.document["msg"] for line in log.parse(output) if line.document["level"] >= 60]


# --- the configuration ---


@pytest.mark.once
@pytest.mark.parametrize("words", [(), ("check",), ("check", "--json")])
def test_five_mistakes_show_five_messages_with_their_places(run_program, work_dir, words):
    path = write(work_dir, """[server]
stop_timeout = 30
thread = 2

[[listener]]
address = "127.0.0.1"

[[upstream]]
name = "app"
endpoints = ["127.0.0.1:9"]
balancer = "least_requests"

[[route]]
upstream = "ap"
""")
    done = run_program("sidekick-lb", *words, "--config", str(path))
    assert done.returncode == CONFIG_WRONG
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 5, lines
    for line, (row, names) in zip(lines, [(2, ["stop_timeout", "30s"]), (3, ["thread", "threads"]), (6, ["address"]),
                                          (11, ["least_requests", "least_request"]), (14, ["ap", "app"])]):
        assert re.match(rf"{re.escape(str(path))}:{row}:\d+: error: ", line), line
        assert all(name in line for name in names), line


@pytest.mark.once
@pytest.mark.parametrize("text, words", [
    ("[server\n", [":1:", "not TOML"]),
    ("", ["listener", "[[listener]]"]),
    ("\x00\xff", [":1:"]),
])
def test_what_is_no_configuration_is_refused(run_program, work_dir, text, words):
    path = work_dir / "sidekick.toml"
    path.write_bytes(text.encode("latin-1"))
    done = run_program("sidekick-lb", "--config", str(path))
    assert done.returncode == CONFIG_WRONG
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.once
def test_a_configuration_that_is_not_there_is_one_line(run_program, work_dir):
    done = run_program("sidekick-lb", "--config", str(work_dir / "absent.toml"))
    assert done.returncode == CONFIG_WRONG
    (line,) = done.stderr.strip().splitlines()
    assert "absent.toml" in line and "ENOENT" in line and "--config" in line


@pytest.mark.once
def test_check_prints_what_is_in_effect_and_can_be_checked_again(run_program, work_dir, free_port):
    path = write(work_dir, plain_config(free_port()))
    done = run_program("sidekick-lb", "check", "--config", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    again = work_dir / "again.toml"
    again.write_text(done.stdout)
    twice = run_program("sidekick-lb", "check", "--config", str(again))
    assert twice.returncode == 0
    assert twice.stdout == done.stdout

    document = json.loads(run_program("sidekick-lb", "check", "--json", "--config", str(path)).stdout)
    assert len(document["route"] if "route" in document else document["routes"]) == 1


@pytest.mark.once
def test_a_wrong_command_line_is_told(run_program):
    for words in (["--configuration", "x"], ["chekc"], ["--io", "kqueue"]):
        done = run_program("sidekick-lb", *words)
        assert done.returncode not in (0, 1, CONFIG_WRONG)
        assert done.stderr.strip()
    version = run_program("sidekick-lb", "--version")
    assert (version.returncode, version.stdout.strip()) == (
        0, "sidekick-lb " + (REPOSITORY / "VERSION").read_text().strip())


# --- the machine ---


def test_a_taken_port_is_one_line(run_program, work_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_program("sidekick-lb", "--config", str(write(work_dir, plain_config(port))))
    assert done.returncode == NOTHING_SERVED
    (line,) = fatal_lines(done.stdout)
    assert f"127.0.0.1:{port}" in line and "EADDRINUSE" in line


@pytest.mark.once
@pytest.mark.parametrize("fault, words", [
    ("absent key", ["site.key", "No such file"]),
    ("garbage key", ["site.key"]),
    ("garbage certificate", ["site.pem"]),
    ("foreign key", ["site.key"]),
])
def test_a_certificate_or_key_that_cannot_be_used_is_one_line(run_program, work_dir, certificate, free_port, fault, words):
    cert, key = work_dir / "site.pem", work_dir / "site.key"
    cert.write_bytes(certificate[0].read_bytes())
    key.write_bytes(certificate[1].read_bytes())
    if fault == "absent key":
        key.unlink()
    elif fault == "garbage key":
        key.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    elif fault == "garbage certificate":
        cert.write_text("nonsense")
    else:
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)],
                       check=True, capture_output=True, timeout=20)
    tls = f'tls = {{ certificates = [{{ cert = "{cert}", key = "{key}" }}] }}'
    done = run_program("sidekick-lb", "--config", str(write(work_dir, plain_config(free_port(), listener=tls))))
    assert done.returncode == NOTHING_SERVED
    (line,) = fatal_lines(done.stdout)
    assert all(word in line for word in ["127.0.0.1", *words]), line


# --- workers ---


def test_a_program_that_is_not_there_is_one_line(run_program, work_dir, free_port):
    upstream = 'workers = { command = ["/nowhere/at-all"] }'
    done = run_program("sidekick-lb", "--config", str(write(work_dir, plain_config(free_port(), upstream))))
    assert done.returncode == NOTHING_SERVED
    (line,) = fatal_lines(done.stdout)
    assert "app" in line and "/nowhere/at-all" in line and "workers.command" in line


def test_a_worker_that_exits_at_once_is_told_once(balancer):
    """Its neighbour in another upstream goes on; requests for it get 503."""
    server = balancer({
        "upstream": [{"name": "broken", "workers": {"command": ["sh", "-c", "echo cannot read my settings >&2; exit 3"],
                                                    "count": 1, "backoff_min": "1ms", "backoff_max": "5s",
                                                    "crash_loop_count": 3}},
                     {"name": "other", "endpoints": ["127.0.0.1:9"]}],
        "route": [{"path": "/other", "upstream": "other"}, {"path": "/*", "upstream": "broken"}]}, ready=False)

    def lines(message: str):
        return [line.document for line in log.parse(server.output()) if message in line.document["msg"]]
    eventually(lambda: lines("again and again"))
    assert [line["worker"] for line in lines("again and again")] == ["broken worker 1"]
    assert {line["exitCode"] for line in lines("worker ended")} == {3}
    assert lines("cannot read my settings")
    starts = len(lines("worker started"))
    answer = server.get("/")
    assert answer.status == 503 and int(answer.header("retry-after")) >= 1
    assert answer.header("content-type") == "application/problem+json"
    assert server.get("/healthz").status == 503 and server.get("/livez").status == 200
    assert starts <= 5, "a worker that ends again and again is started too often"


def test_where_nothing_can_ever_be_served_the_balancer_ends(run_program, work_dir, free_port):
    upstream = ('workers = { command = ["sh", "-c", "exit 3"], count = 2, backoff_min = "1ms", backoff_max = "1s", '
                'crash_loop_count = 3 }')
    done = run_program("sidekick-lb", "--config", str(write(work_dir, plain_config(free_port(), upstream))))
    assert done.returncode == NOTHING_SERVED
    assert fatal_lines(done.stdout), done.stdout


def test_a_worker_that_never_becomes_ready_is_replaced(balancer):
    server = balancer({
        "upstream": [{"name": "mute", "workers": {"command": ["sleep", "600"], "count": 1, "ready_timeout": "200ms",
                                                  "backoff_min": "1ms"}}],
        "route": [{"upstream": "mute"}]}, ready=False)
    eventually(lambda: "did not become ready in time" in server.output())
    eventually(lambda: sum("worker started" in line for line in server.output().splitlines()) >= 2)
    assert server.get("/").status == 503
    assert server.running


# --- healthcheck ---


def test_healthcheck_says_by_its_exit_status_how_a_running_one_is(run_program, stack, free_port):
    server = stack()
    config = ["--config", str(server.config_path)]
    assert run_program("sidekick-lb", "healthcheck", *config).returncode == 0
    for path in ("/livez", "/healthz", "/readyz"):
        done = run_program("sidekick-lb", "healthcheck", *config, "--path", path)
        assert (done.returncode, done.stderr) == (0, "")
    plain = run_program("sidekick-lb", "healthcheck", "--address", f"127.0.0.1:{server.port}", "--path", "/healthz")
    assert plain.returncode == 0
    nowhere = run_program("sidekick-lb", "healthcheck", "--address", f"127.0.0.1:{free_port()}")
    assert nowhere.returncode == 1
    assert "ECONNREFUSED" in nowhere.stderr and len(nowhere.stderr.splitlines()) == 1
    unhealthy = run_program("sidekick-lb", "healthcheck", *config, "--path", "/nothing-here")
    assert unhealthy.returncode == 1 and "404" in unhealthy.stderr
