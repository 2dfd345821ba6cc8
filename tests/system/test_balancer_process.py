"""The balancer as a process: the workers it supervises, its command line, how it starts and ends."""

import json
import os
import re
import signal
import socket
import sys
import threading
import time

import pytest

from harness import http
from harness.balancer import lines_of, one_upstream
from harness.origin import answer, in_turn
from harness.waiting import eventually


# --- workers ---

HTTP_WORKER = """
import http.server, json, os, sys
print("plain words from", os.environ["PORT"], flush=True)
print(json.dumps({"level": 30, "msg": "a line of its own", "n": 1}), flush=True)
print('{"level": 30, "broken', file=sys.stderr, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/exit":
            os._exit(3)
        body = json.dumps({"pid": os.getpid(), "uid": os.getuid(), "fds": sorted(os.listdir("/proc/self/fd")),
                           "extra": os.environ.get("EXTRA")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def http_workers(count=1, program=HTTP_WORKER, **workers) -> dict:
    return {"upstream": [{"name": "py", "workers": {"command": [sys.executable, "-c", program], "protocol": "http1",
                                                    "count": count, **workers}}],
            "route": [{"upstream": "py"}]}


def test_any_http_server_can_be_a_supervised_worker(balancer):
    server = balancer(http_workers(count=2, env={"EXTRA": "given"}, user=os.environ.get("USER", "root")
                                   if os.getuid() else "root"))
    pids = {server.get("/").json["pid"] for _ in range(8)}
    assert pids == set(server.workers())
    about = server.get("/").json
    assert about["extra"] == "given"
    # 0, 1, 2, the listening socket, connections, and the listing itself: nothing of the balancer's.
    assert len(about["fds"]) <= 8, about
    lines = lines_of(server)  # strictly parsed
    assert any(line["msg"].startswith("plain words") and line["worker"].startswith("py worker") for line in lines)
    assert any(line.get("n") == 1 and "worker" not in line for line in lines)
    assert any(line["msg"] == '{"level": 30, "broken' and line["stream"] == "stderr" for line in lines)


def test_worker_that_ends_is_started_again(balancer):
    server = balancer(http_workers())
    before = server.get("/").json["pid"]
    assert server.get("/exit").status == 502
    after = eventually(lambda: (r := server.get("/")).status == 200 and r.json["pid"])
    assert after != before
    ended = [line for line in lines_of(server) if line["msg"] == "worker ended"]
    assert ended[0]["exitCode"] == 3 and ended[0]["level"] == 50 and ended[0]["worker"] == "py worker 1"


def test_worker_that_exits_at_once_is_named_and_the_rest_works(balancer, origin):
    healthy = origin()
    config = http_workers(program="import sys; sys.exit('no such database: set DATABASE_URL')",
                          backoff_min="10ms", backoff_max="20ms", crash_loop_count=3)
    config["upstream"].append({"name": "ok", "endpoints": [healthy.endpoint]})
    config["route"].insert(0, {"path": "/ok", "upstream": "ok"})
    server = balancer(config, ready=False).wait_until_ready("/livez")
    assert server.get("/ok").status == 200
    assert server.get("/").status == 503
    eventually(lambda: server.log_lines("ends again and again"))
    messages = [line["msg"] for line in lines_of(server)]
    assert "no such database: set DATABASE_URL" in messages
    assert len(server.log_lines("ends again and again")) == 1


@pytest.mark.once
def test_program_that_is_not_there_is_one_line_and_a_failed_start(balancer):
    server = balancer({"upstream": [{"name": "w", "workers": {"command": ["no-such-program-anywhere"]}}],
                       "route": [{"upstream": "w"}]}, ready=False)
    assert server.wait(10) == 1
    fatal = [line for line in lines_of(server) if line["level"] == 60]
    assert len(fatal) == 1
    assert "no-such-program-anywhere" in fatal[0]["msg"] and "workers.command" in fatal[0]["msg"]


@pytest.mark.once
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_workers_of_root_run_as_somebody_else(balancer, short_dir):
    os.chmod(short_dir, 0o755)
    server = balancer(http_workers(directory="/", user="nobody"))
    assert server.get("/").json["uid"] == 65534


# --- start and end ---


@pytest.mark.once
def test_taken_port_and_unreadable_key_are_a_line_each(balancer, origin, work_dir, certificate):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        missing = work_dir / "missing.key"
        server = balancer({
            **one_upstream(origin()),
            "listener": [{"address": f"127.0.0.1:{port}"},
                         {"address": "127.0.0.1:1", "tls": {"certificates": [
                             {"cert": str(certificate[0]), "key": str(missing)}]}}]}, ready=False)
        assert server.wait(10) == 1
    fatal = [line["msg"] for line in lines_of(server) if line["level"] == 60]
    assert len(fatal) == 2
    assert f"127.0.0.1:{port}" in fatal[0] and "EADDRINUSE" in fatal[0]
    assert str(missing) in fatal[1]


@pytest.mark.once
def test_five_mistakes_are_five_messages(run_program, work_dir):
    path = work_dir / "bad.toml"
    path.write_text('[server]\nstop_timeout = 30\ntread = 2\n[[listener]]\naddress = "0.0.0.0"\n'
                    '[[upstream]]\nname = "app"\nendpoints = ["127.0.0.1:1"]\n'
                    '[[route]]\nupstream = "ap"\nbudget = { p50 = "40ms", p99 = "8ms" }\n')
    for command in ((), ("check",)):
        done = run_program("sidekick-lb", "--config", path, *command)
        assert done.returncode == 78 and not done.stdout
        lines = done.stderr.splitlines()
        assert len(lines) == 5, done.stderr
        assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: error: [a-z0-9_.]+: ", line) for line in lines), lines


@pytest.mark.once
def test_check_prints_the_effective_configuration(run_program, work_dir):
    path = work_dir / "good.toml"
    path.write_text('[[listener]]\naddress = "127.0.0.1:7500"\n[[upstream]]\nname = "a"\nendpoints = ["127.0.0.1:1"]\n'
                    '[[route]]\nupstream = "a"\nbudget = { p99 = "40ms", deadline = "250ms", rate = 400 }\n')
    printed = run_program("sidekick-lb", "check", "--config", path)
    assert printed.returncode == 0 and 'stop_timeout = "30s"' in printed.stdout
    again = work_dir / "again.toml"
    again.write_text(printed.stdout)
    assert run_program("sidekick-lb", "check", "--config", again).stdout == printed.stdout
    document = json.loads(run_program("sidekick-lb", "check", "--json", "--config", path).stdout)
    assert document["route"][0]["budget"] == {"p99_ms": 40, "deadline_ms": 250, "rate": 400}


@pytest.mark.once
def test_command_line(run_program):
    version = run_program("sidekick-lb", "--version")
    assert version.returncode == 0 and re.fullmatch(r"sidekick-lb \d+\.\d+\.\d+\n", version.stdout)
    assert run_program("sidekick-lb", "--nonsense").returncode == 64
    missing = run_program("sidekick-lb", "--config", "/nonexistent/x.toml")
    assert missing.returncode == 78 and missing.stderr.count("\n") == 1 and "/nonexistent/x.toml" in missing.stderr


@pytest.mark.once
def test_healthcheck_answers_by_exit_code(balancer, origin, run_program):
    server = balancer(one_upstream(origin()))
    assert run_program("sidekick-lb", "healthcheck", "--config", server.config_path).returncode == 0
    address = ("--address", f"127.0.0.1:{server.port}")
    assert run_program("sidekick-lb", "healthcheck", *address, "--path", "/healthz").returncode == 0
    assert run_program("sidekick-lb", "healthcheck", *address, "--path", "/nonsense").returncode in (0, 1)
    server.terminate()
    after = run_program("sidekick-lb", "healthcheck", *address)
    assert after.returncode == 1 and "refused" in after.stderr


def test_sigterm_answers_what_was_read_and_says_so(balancer, origin):
    release = threading.Event()

    def slow(connection, request):
        connection.wait(release)
        answer(body=b"late")(connection, request)
    endpoint = origin(in_turn(slow, answer()))
    server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "10s"}})
    client = server.connect()
    client.send(http.request_bytes("GET", "/slow"))
    endpoint.wait_for_requests(1)
    os.kill(server.pid, signal.SIGTERM)
    assert eventually(lambda: server.get("/healthz").status == 503)
    during = server.get("/during")
    assert during.status == 200 and during.header("connection") == "close"
    assert server.get("/livez").status == 200
    eventually(lambda: server.log_lines("listeners closed"))
    release.set()
    assert client.read_response().body == b"late"
    assert server.wait(15) == 0
    lines = lines_of(server)
    assert lines[-1]["msg"] == "stopped"


def test_sigterm_under_load_loses_nothing(balancer, origin):
    endpoint = origin()
    server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "6s", "threads": 2}})
    failures, answered, stop = [], [0], threading.Event()

    def load():
        while not stop.is_set():
            try:
                with server.connect() as client:
                    for _ in range(20):
                        try:
                            response = client.request("GET", "/load")
                        except (http.Closed, OSError) as error:
                            # A kept-alive connection may be closed between two requests; an answer
                            # that began must end.
                            if getattr(error, "received", b""):
                                failures.append(error)
                            break
                        if response.status != 200 or not response.complete:
                            failures.append(response)
                        answered[0] += 1
                        if response.header("connection") == "close":
                            break
            except OSError:
                return  # refused: it has gone
    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: answered[0] > 200)
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(15) == 0
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not failures, failures[:3]
    kinds = [line["msg"].split(" req-")[0] for line in lines_of(server) if "reqId" in line]
    assert kinds.count("incoming request") == kinds.count("request completed")


def test_time_to_stop_is_kept_and_a_second_signal_shortens_it(balancer, origin):
    endpoint = origin(lambda connection, _: connection.wait_closed(30))
    for signals, seconds in ((1, 8), (2, 5)):
        server = balancer({**one_upstream(endpoint), "server": {"stop_timeout": "6s" if signals == 1 else "120s"}},
                          name=f"stubborn-{signals}")
        seen = len(endpoint.requests)
        client = server.connect()
        client.send(http.request_bytes("GET", "/never"))
        endpoint.wait_for_requests(seen + 1)
        begin = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda server=server: server.log_lines('"stopping"'))
        if signals == 2:
            os.kill(server.pid, signal.SIGTERM)
        assert server.wait(seconds * server.build.patience) == 0
        assert time.monotonic() - begin < seconds * server.build.patience
        client.close()


def test_sighup_does_not_end_it(balancer, origin):
    server = balancer(one_upstream(origin()))
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.log_lines("SIGHUP"))
    assert server.get("/").status == 200
