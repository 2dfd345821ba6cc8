"""What is compared: how each contender is configured, started, found in the process table and stopped.

A contender is a proxy on core 0 and what answers behind it on core 1. Each is started once per mode and
idles while the others are measured; an idle one uses no time.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
BODY = '{"status":"ok","version":"' + (HERE.parent / "VERSION").read_text().split()[0] + '"}'
PROXY_CORE, LOAD_CORE = 0, 1
READY_WITHIN = 15.0  # seconds from start to the first right answer
STOP_WITHIN = 10.0

_libc = ctypes.CDLL(None)


class CannotStart(Exception):
    """One line: which contender, and what it said."""


@dataclass
class Setting:
    """What all contenders of one mode share."""
    mode: str        # plain | logs | tls
    programs: Path   # where our binaries are
    folder: Path     # sockets, logs and generated configurations; world-readable, short
    certificate: Path | None = None
    key: Path | None = None


@dataclass
class Running:
    name: str
    port: int
    tls: bool
    proxy_pids: list = field(default_factory=list)
    backend_pids: list = field(default_factory=list)
    processes: list = field(default_factory=list)  # in order of starting

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, core, log):
    """Starts `command` pinned to a core; it ends with us whatever happens. Output goes to the file `log`."""
    def in_child():
        os.sched_setaffinity(0, {core})
        _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    with open(log, "ab") as output:
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.STDOUT, preexec_fn=in_child)


def family(pid):
    """`pid` and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def program_of(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def last_words(log):
    try:
        return " / ".join(Path(log).read_text(errors="replace").strip().splitlines()[-3:]) or "nothing"
    except OSError:
        return "nothing"


def fill(template, values):
    text = (HERE / "peers" / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def wait_for_socket(name, path, process, log):
    deadline = time.monotonic() + READY_WITHIN
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"{name}: its backend does not listen on {path}; it said: {last_words(log)}")
        time.sleep(0.02)


def load_command(setting, running, **options):
    command = ["taskset", "-c", LOAD_CORE, setting.programs / "sidekick-bench-load",
               "--target", f"127.0.0.1:{running.port}", "--body", BODY]
    command += ["--tls"] if running.tls else []
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
    return [str(part) for part in command]


def wait_until_right(setting, running, log):
    """Returns when one request has had exactly the answer that all contenders must give."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        attempt = subprocess.run(load_command(setting, running, connections=1, requests=1, timeout=2),
                                 capture_output=True, text=True)
        if attempt.returncode == 0:
            return
        ended = running.processes[-1].poll() is not None
        if ended or time.monotonic() > deadline:
            raise CannotStart(f"{running.name}: {'it ended' if ended else 'no right answer'}; "
                              f"load: {(attempt.stderr or attempt.stdout).strip()[-300:]}; "
                              f"it said: {last_words(log)}")
        time.sleep(0.05)


class Contender:
    """Subclasses say how the backend and the proxy are started; everything else is the same for all."""
    modes = ("plain", "logs", "tls")
    backend_program = "bench-backend"

    def __init__(self, name):
        self.name = name

    def missing(self, setting):
        """What has to be installed or built first, or None."""
        return None

    def start(self, setting):
        running = Running(self.name, free_port(), setting.mode == "tls")
        log = setting.folder / f"{self.name}.out"
        try:
            self.start_processes(setting, running, log)
            wait_until_right(setting, running, log)
            self.find_pids(running)
        except BaseException:
            running.stop()
            raise
        return running

    def start_processes(self, setting, running, log):
        backend = setting.folder / f"{self.name}.sock"
        backend_log = setting.folder / f"{self.name}-backend.out"
        running.processes.append(
            start([setting.programs / self.backend_program, backend, BODY], LOAD_CORE, backend_log))
        wait_for_socket(self.name, backend, running.processes[0], backend_log)
        running.processes.append(start(self.proxy_command(setting, running, backend), PROXY_CORE, log))

    def proxy_command(self, setting, running, backend):
        raise NotImplementedError

    def find_pids(self, running):
        running.backend_pids = [running.processes[0].pid]
        running.proxy_pids = family(running.processes[1].pid)


class Nginx(Contender):
    def __init__(self):
        super().__init__("nginx")

    def missing(self, setting):
        return None if shutil.which("nginx") else "nginx is not installed"

    def proxy_command(self, setting, running, backend):
        tls = setting.mode == "tls"
        config = setting.folder / "nginx.conf"
        config.write_text(fill("nginx.conf.in", {
            "DIR": setting.folder, "PORT": running.port, "BACKEND": backend,
            "ACCESS_LOG": f"{setting.folder}/nginx-access.log combined buffer=64k flush=1s"
                          if setting.mode == "logs" else "off",
            "LISTEN_TLS": "ssl" if tls else "",
            "TLS": f"ssl_certificate {setting.certificate}; ssl_certificate_key {setting.key}; "
                   "ssl_protocols TLSv1.3;" if tls else "",
        }))
        return ["nginx", "-e", setting.folder / "nginx-error.log", "-c", config]


class Haproxy(Contender):
    def __init__(self):
        super().__init__("haproxy")

    def missing(self, setting):
        return None if shutil.which("haproxy") else "haproxy is not installed"

    def proxy_command(self, setting, running, backend):
        logs = setting.mode == "logs"
        bind = ""
        if setting.mode == "tls":
            both = setting.folder / "haproxy.pem"
            both.write_text(setting.certificate.read_text() + setting.key.read_text())
            bind = f"ssl crt {both}"
        config = setting.folder / "haproxy.cfg"
        config.write_text(fill("haproxy.cfg.in", {
            "PORT": running.port, "BACKEND": backend, "BIND_TLS": bind,
            "LOG_TARGET": "log stdout format raw local0" if logs else "",
            "LOG_REQUESTS": "log global\n  option httplog" if logs else "",
        }))
        return ["haproxy", "-db", "-f", config]


class Relay(Contender):
    """Raw bytes, no HTTP: the limit. `each`: an upstream connection per client; `link`: one for all."""
    modes = ("plain",)

    def __init__(self, kind):
        super().__init__(f"relay-{kind}")
        self.backend_program = "bench-link-backend" if kind == "link" else "bench-backend"

    def proxy_command(self, setting, running, backend):
        return [setting.programs / f"bench-{self.name}", running.port, backend]


class Sidekick(Contender):
    """Our balancer with one worker of its own behind the link, both on the same backend, as where io_uring is refused;
    the worker is pinned to the other core."""

    def __init__(self, io):
        super().__init__(f"sidekick-{io}")
        self.io = io

    def missing(self, setting):
        absent = [name for name in ("sidekick-lb", "sidekick-app") if not (setting.programs / name).exists()]
        return f"{' and '.join(absent)} not built in {setting.programs}" if absent else None

    def start_processes(self, setting, running, log):
        tls = f'\ntls = {{ certificates = [{{ cert = "{setting.certificate}", key = "{setting.key}" }}] }}' \
            if setting.mode == "tls" else ""
        config = setting.folder / f"{self.name}.toml"
        config.write_text(f'''[server]
threads = 1
io = "{self.io}"

[log]
requests = "{"both" if setting.mode == "logs" else "off"}"

[[listener]]
address = "127.0.0.1:{running.port}"{tls}
limits = {{ requests_per_connection = 1_000_000_000 }}

[[upstream]]
name = "app"

[upstream.workers]
command = ["{setting.programs}/sidekick-app"]
count = 1
cpus = [{LOAD_CORE}]
env = {{ SIDEKICK_IO = "{self.io}" }}

[[route]]
path = "/*"
upstream = "app"
''')
        running.processes.append(
            start([setting.programs / "sidekick-lb", "--config", config], PROXY_CORE, log))

    def find_pids(self, running):
        everyone = family(running.processes[0].pid)
        running.proxy_pids = [pid for pid in everyone if program_of(pid) == "sidekick-lb"]
        running.backend_pids = [pid for pid in everyone if pid not in running.proxy_pids]
        if not running.backend_pids:
            raise CannotStart(f"{self.name}: it answers, but has no worker process")
        strays = [pid for pid in running.backend_pids if os.sched_getaffinity(pid) != {LOAD_CORE}]
        if strays:
            raise CannotStart(f"{self.name}: worker {strays[0]} is not pinned to core {LOAD_CORE}")


def contenders(peers, ios):
    made = []
    for peer in peers:
        made += {"nginx": lambda: [Nginx()], "haproxy": lambda: [Haproxy()],
                 "relay-each": lambda: [Relay("each")], "relay-link": lambda: [Relay("link")],
                 "sidekick": lambda: [Sidekick(io) for io in ios]}[peer]()
    return made


def make_certificate(folder):
    certificate, key = folder / "bench.pem", folder / "bench.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    key.chmod(0o644)  # a throw-away key: every contender's user may read it
    return certificate, key


def say(text):
    print(text, file=sys.stderr, flush=True)
