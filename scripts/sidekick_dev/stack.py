"""`./dev up`: PostgreSQL, Redis and sidekick-lb with its workers, in front of one supervising process.

The supervisor is the parent of all of them and listens on an abstract Unix socket, named by a hash of the folder's path,
for `down`, `status` and the starting and stopping of a dependency; such a socket needs no file. Should the
supervisor be killed, the kernel ends its children. Everything lies in build/run/.
"""

import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import secrets
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request

from . import certificate, ports
from .build import REPOSITORY, build
from .postgres import Postgres
from .process import Process, ProcessError, wait_until
from .redis import Redis

# Another folder makes another stack, beside the one of ./dev up: tests use that.
RUN = pathlib.Path(os.environ.get("SIDEKICK_RUN_DIR") or REPOSITORY / "build/run").absolute()
READY_SECONDS = 30
STOP_TIMEOUT_SECONDS = 30  # server.stop_timeout in the configuration
DOWN_SECONDS = STOP_TIMEOUT_SECONDS + 30
DATABASE = "sidekick"


class StackError(RuntimeError):
    """Why the stack cannot do what was asked, in one line."""


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where the balancer listens: TLS, the redirect to it, and the cleartext port that an ALB targets."""

    https: int = 8443
    http: int = 8080
    plain: int = 7500

    @classmethod
    def parse(cls, text: str) -> "Ports":
        try:
            numbers = [int(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 3 or len(set(numbers)) != 3 or not all(0 < number < 65536 for number in numbers):
            raise StackError(f"--ports {text}: three different ports are needed, https,http,plain, such as 443,80,7500")
        return cls(*numbers)


# --- one stack ---


class Stack:
    """The four parts, owned by the supervisor."""

    def __init__(self, listen: Ports, preset: str):
        self.listen = listen
        self.preset = preset
        self.admin_port = ports.free_port()
        self.directory = RUN
        secret = _secret(RUN / "password")
        self.postgres = Postgres(RUN / "postgres", RUN / "postgres.log", password=secret)
        self.redis = Redis(RUN / "redis", RUN / "redis.log", password=secret)
        self.balancer: Process | None = None

    @property
    def urls(self) -> list[str]:
        return [f"https://localhost:{self.listen.https}/   self-signed: curl -k",
                f"http://localhost:{self.listen.http}/    redirects to it",
                f"http://localhost:{self.listen.plain}/    cleartext, as behind an ALB",
                f"http://127.0.0.1:{self.admin_port}/metrics"]

    def start(self) -> None:
        binaries = REPOSITORY / "build" / self.preset / "bin"
        environment = {"REDIS_URL": self.redis.url()}
        self.postgres.start()
        self.redis.start()
        if self.postgres.sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'") != "1":
            self.postgres.create_database(DATABASE)
        environment["DATABASE_URL"] = self.postgres.url(DATABASE)
        self._migrate(binaries, environment)
        config = self._write_config(binaries)
        self.balancer = Process("sidekick-lb", [str(binaries / "sidekick-lb"), "--config", str(config)],
                                RUN / "sidekick-lb.log", env=environment, cwd=str(RUN))
        self.balancer.wait_ready(lambda: _healthy(self.listen.plain), READY_SECONDS)

    def _migrate(self, binaries: pathlib.Path, environment: dict[str, str]) -> None:
        done = subprocess.run([binaries / "sidekick-app", "migrate"], env={**os.environ, **environment}, text=True,
                              capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        (RUN / "migrate.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no output"]
            raise StackError(f"sidekick-app migrate failed: {last[0]}")

    def _write_config(self, binaries: pathlib.Path) -> pathlib.Path:
        cert, key = certificate.self_signed(RUN / "tls")
        path = RUN / "sidekick.toml"
        text = json.dumps  # a JSON string is a TOML string
        path.write_text(f"""\
# Written by `./dev up`.
[server]
stop_timeout = "{STOP_TIMEOUT_SECONDS}s"

[admin]
address = "127.0.0.1:{self.admin_port}"

[[listener]]
address = "127.0.0.1:{self.listen.https}"
tls = {{ certificates = [{{ cert = {text(str(cert))}, key = {text(str(key))} }}] }}

[[listener]]
address = "127.0.0.1:{self.listen.http}"
redirect_https = {self.listen.https}

[[listener]]
address = "127.0.0.1:{self.listen.plain}"
server_timing = "loopback"  # for `./dev bench budgets`: which stage took the time

[[upstream]]
name = "app"
workers = {{ command = [{text(str(binaries / "sidekick-app"))}], count = 0 }}

[[route]]
path = "/*"
upstream = "app"
""")
        return path

    def stop(self) -> list[str]:
        """Ends all parts, the balancer first so that it drains; returns what did not go well."""
        faults = []
        parts = [("postgresql", self.postgres.stop), ("redis", self.redis.stop)]
        if self.balancer is not None:
            parts.insert(0, ("sidekick-lb", lambda: _expect_zero(self.balancer.stop(timeout=STOP_TIMEOUT_SECONDS + 5))))
        for name, stop in parts:
            try:
                stop()
            except ProcessError as error:
                faults.append(f"{name}: {str(error).splitlines()[0]}")
        return faults

    def status(self) -> str:
        def state(process: Process | None) -> str:
            return f"running, pid {process.pid}" if process is not None and process.running else "stopped"
        rows = [("sidekick-lb", state(self.balancer)), ("postgresql", f"{state(self.postgres.process)}, port {self.postgres.port}"),
                ("redis", f"{state(self.redis.process)}, port {self.redis.port}")]
        return "\n".join([f"{name:12} {text}" for name, text in rows] + [f"{'':12} {url}" for url in self.urls])


def _expect_zero(status: int) -> None:
    if status != 0:
        raise ProcessError(f"ended with {status}")


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _secret(path: pathlib.Path) -> str:
    """The password of this clone's servers: the cluster in build/run/ keeps it from one `up` to the next."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(16))
    return path.read_text()


# --- before it starts ---


def check_ports(listen: Ports) -> None:
    """One clear line for a port that is taken or not ours to take."""
    for port in dataclasses.astuple(listen):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise StackError(f"port {port} is taken{_owner_of(port)}: stop it, or choose others, as in "
                                     "--ports 9443,9080,9500") from None
                if error.errno == errno.EACCES:
                    raise StackError(f"port {port} may only be opened by root (or with CAP_NET_BIND_SERVICE): "
                                     "run as root, or choose ports above 1023 with --ports") from None
                raise StackError(f"port {port}: {error.strerror}") from None


def _owner_of(port: int) -> str:
    try:
        found = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    _, _, users = found.partition('users:(("')
    name = users.split('"')[0]
    pid = users.partition("pid=")[2].split(",")[0]
    return f" by {name} (pid {pid})" if name and pid else ""


# --- the supervisor ---


def _address() -> str:
    return "\0sidekick-dev-" + hashlib.sha256(str(RUN).encode()).hexdigest()[:16]


def ask(request: str, timeout: float = 5) -> str | None:
    """The supervisor's answer, or None when nothing is up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(_address())
            connection.sendall(request.encode() + b"\n")
            parts = []
            while data := connection.recv(65536):
                parts.append(data)
        except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
            return None
        return b"".join(parts).decode()


class Supervisor:
    """Serves requests until it is told to end, or the balancer ends by itself."""

    def __init__(self, stack: Stack, listener: socket.socket):
        self.stack = stack
        self.listener = listener
        self.ending = False
        self.asked_to_end: socket.socket | None = None

    def serve(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)
        self.listener.settimeout(0.2)
        while not self.ending and self.stack.balancer.running:
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(2)
            try:
                self._answer(connection)
            except OSError:
                connection.close()
        faults = []
        if not self.ending:
            faults.append(f"sidekick-lb ended by itself with {self.stack.balancer.returncode}: see {self.stack.balancer.log}")
        faults += self.stack.stop()
        self.listener.close()
        if self.asked_to_end is not None:
            self.asked_to_end.sendall("\n".join(faults).encode())
            self.asked_to_end.close()
        for fault in faults:
            print(f"./dev: {fault}", file=sys.stderr, flush=True)
        return 1 if faults else 0

    def _end(self, *_) -> None:
        self.ending = True

    def _answer(self, connection: socket.socket) -> None:
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (0, os.geteuid()):
            connection.close()
            return
        request = connection.recv(1024).decode(errors="replace").strip()
        if request == "end":
            self.ending = True
            self.asked_to_end = connection
            return
        connection.settimeout(60)
        connection.sendall(self._perform(request).encode())
        connection.close()

    def _perform(self, request: str) -> str:
        dependencies = {"pg": self.stack.postgres, "redis": self.stack.redis}
        verb, _, name = request.partition(" ")
        if verb == "status":
            return self.stack.status()
        try:
            {"start": dependencies[name].start, "stop": dependencies[name].stop}[verb]()
        except KeyError:
            return f"unknown request {request!r}"
        except ProcessError as error:
            return str(error).splitlines()[0]
        return ""


# --- the commands ---


def up(listen: Ports, detach: bool, preset: str) -> int:
    running = ask("status")
    if running is not None:
        raise StackError("the stack is up already (./dev status shows it, ./dev down ends it)")
    check_ports(listen)
    build(preset, "sidekick-lb", "sidekick-app")
    RUN.mkdir(parents=True, exist_ok=True)
    if not detach:
        return _supervise(listen, preset, announce=_announce)
    return _supervise_in_background(listen, preset)


def _announce(text: str) -> None:
    print(text, flush=True)


def _supervise(listen: Ports, preset: str, announce) -> int:
    """Starts the stack, announces it and serves; one line on standard error when it does not come up."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(_address())
    except OSError:
        raise StackError("another ./dev up is starting this clone's stack") from None
    listener.listen(8)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    stack = Stack(listen, preset)
    try:
        stack.start()
    except (ProcessError, StackError, subprocess.TimeoutExpired) as error:
        stack.stop()
        raise StackError(str(error)) from None
    except BaseException:
        stack.stop()
        raise
    announce("ready\n" + "\n".join(f"  {url}" for url in stack.urls) + f"\n  logs in {RUN}")
    return Supervisor(stack, listener).serve()


def _supervise_in_background(listen: Ports, preset: str) -> int:
    """The supervisor in a session of its own; this process waits for its announcement and prints it."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        os.setsid()
        log = os.open(RUN / "up.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = 1
        try:
            def announce(text: str) -> None:
                os.write(writer, b"0" + text.encode())
                os.close(writer)
            status = _supervise(listen, preset, announce)
        except StackError as error:
            os.write(writer, b"1" + str(error).encode())
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read().decode()
    if not answer.startswith("0"):
        raise StackError(answer[1:] or f"the stack did not come up: see {RUN / 'up.log'}")
    print(answer[1:])
    return 0


def down() -> int:
    answer = ask("end", timeout=DOWN_SECONDS)
    if answer is None:
        print("nothing is up")
        return 0
    # The answer comes when all parts have ended; the supervisor itself follows.
    wait_until(lambda: ask("status") is None, 5, "the supervisor ends")
    if answer:
        raise StackError(answer)
    return 0


def status() -> int:
    answer = ask("status")
    print(answer or "nothing is up")
    return 0 if answer else 1


def dependency(name: str, verb: str) -> int:
    answer = ask(f"{verb} {name}", timeout=60)
    if answer is None:
        raise StackError("nothing is up: ./dev up -d first")
    if answer:
        raise StackError(answer)
    return 0
