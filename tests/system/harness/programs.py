"""Our own programs under test: started with a generated configuration, awaited with bounds, judged when they end."""

import dataclasses
import pathlib
import re
import signal
import ssl
import sys

from sidekick_dev import ports
from sidekick_dev.process import Process, ProcessError

from . import http
from .toml import to_toml

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DENY_IO_URING = REPOSITORY / "scripts/sidekick_dev/deny_io_uring.py"
READY_SECONDS = 20
STOP_SECONDS = 20

# What a sanitizer prints when it has found something.
SANITIZER_REPORT = re.compile(
    r"^.*(?:ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|: runtime error: ).*$", re.M)
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=99",
}


@dataclasses.dataclass
class Build:
    """Which binaries are tested, and on which kernel interface: `io` is uring, epoll or denied."""

    preset: str
    io: str

    @property
    def directory(self) -> pathlib.Path:
        return REPOSITORY / "build" / self.preset / "bin"

    @property
    def sanitized(self) -> bool:
        return self.preset in ("asan", "tsan")

    @property
    def patience(self) -> float:
        """What waits are multiplied with: sanitized programs are several times slower."""
        return 4 if self.sanitized else 1

    @property
    def io_choice(self) -> str:
        """The value of `--io` and of `server.io`: where io_uring is denied, the program must find that out."""
        return "auto" if self.io == "denied" else self.io

    def program(self, name: str) -> str:
        path = self.directory / name
        assert path.exists(), f"{path} is missing: ./dev build {self.preset}"
        return str(path)

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line for one of our programs; inside the seccomp filter where `io` is denied."""
        line = [self.program(name), *map(str, arguments)]
        return [sys.executable, str(DENY_IO_URING), *line] if self.io == "denied" else line


class Program(Process):
    """One of our processes. The fixture that made it stops it and fails the test on a sanitizer's report."""

    def __init__(self, build: Build, name: str, command: list[str], log: pathlib.Path, env: dict[str, str] | None = None):
        self.build = build
        super().__init__(name, command, log, env={**SANITIZER_ENVIRONMENT, **(env or {})}, cwd=str(REPOSITORY))

    def sanitizer_reports(self) -> list[str]:
        return SANITIZER_REPORT.findall(self.output())

    def terminate(self, timeout: float | None = None) -> int:
        """SIGTERM and the exit status: 0 after a clean drain."""
        return self.stop(signal.SIGTERM, timeout or STOP_SECONDS * self.build.patience)

    def log_lines(self, containing: str = "") -> list[str]:
        return [line for line in self.output().splitlines() if containing in line]


class Balancer(Program):
    """sidekick-lb. `config` is its TOML as a dictionary (or text). What the dictionary leaves out is filled in:

    - [server] io as the run says, stop_timeout 3 s, one data thread
    - listeners: a cleartext one on `port`, and with tls=(certificate, key) a TLS one on `tls_port`
    - [admin] on `admin_port` of 127.0.0.1

    Ready means: /livez answers 200 on `port`, or /healthz when an upstream has workers of ours.
    """

    def __init__(self, build: Build, directory: pathlib.Path, name: str, config: dict | str,
                 tls: tuple[pathlib.Path, pathlib.Path] | None = None, env: dict[str, str] | None = None,
                 port: int | None = None):
        self.port = port or ports.free_port()
        self.tls_port = ports.free_port() if tls else 0
        self.admin_port = ports.free_port()
        if isinstance(config, str):
            text = config
        else:
            text = to_toml(self._completed(config, build, tls))
        self.has_workers = bool(re.search(r"\bworkers\b", text))
        self.config_path = directory / f"{name}.toml"
        self.config_path.write_text(text)
        super().__init__(build, name, build.command("sidekick-lb", "--config", str(self.config_path)),
                         directory / f"{name}.log", env)

    def _completed(self, config: dict, build: Build, tls) -> dict:
        complete = {"server": {"io": build.io_choice, "stop_timeout": "3s", "threads": 1, **config.get("server", {})}}
        complete["admin"] = {"address": f"127.0.0.1:{self.admin_port}"}
        complete |= {key: value for key, value in config.items() if key != "server"}
        if "listener" not in config:
            complete["listener"] = [{"address": f"127.0.0.1:{self.port}"}]
            if tls:
                complete["listener"].append({
                    "address": f"127.0.0.1:{self.tls_port}",
                    "tls": {"certificates": [{"cert": str(tls[0]), "key": str(tls[1])}]}})
        return complete

    def wait_until_ready(self, path: str | None = None, timeout: float = READY_SECONDS) -> "Balancer":
        path = path or ("/healthz" if self.has_workers else "/livez")
        self.wait_ready(lambda: self._answers(path), timeout * self.build.patience)
        return self

    def _answers(self, path: str) -> bool:
        try:
            with http.Connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.request("GET", path, {"Connection": "close"}).status == 200
        except (OSError, http.Closed):
            return False

    def connect(self, tls: bool | ssl.SSLContext = False, timeout: float = 10) -> http.Connection:
        """A new connection to the cleartext listener, or to the TLS one."""
        context = http.client_tls() if tls is True else tls or None
        return http.Connection(("127.0.0.1", self.tls_port if context else self.port), context,
                               timeout=timeout * self.build.patience)

    def request(self, method: str, target: str, headers=None, body=None, tls: bool = False, host: str = "localhost",
                timeout: float = 10) -> http.Response:
        """One request on a connection of its own."""
        with self.connect(tls, timeout) as connection:
            return connection.request(method, target, headers, body, host)

    def get(self, target: str, **options) -> http.Response:
        return self.request("GET", target, **options)

    def metrics(self) -> dict[str, float]:
        """Every sample of the admin listener's /metrics: {'name{label="value"}': number}."""
        with http.Connection(("127.0.0.1", self.admin_port), timeout=10 * self.build.patience) as connection:
            page = connection.request("GET", "/metrics", {"Connection": "close"})
        assert page.status == 200, page
        samples = (line.rpartition(" ") for line in page.text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def workers(self) -> list[int]:
        """The pids of its direct children: the supervised workers."""
        found: set[int] = set()
        for children in pathlib.Path(f"/proc/{self.pid}/task").glob("*/children"):
            found |= {int(pid) for pid in children.read_text().split()}
        return sorted(found)


class App(Program):
    """sidekick-app (or another application) alone on TCP (`--listen`): the same code as behind the balancer."""

    def __init__(self, build: Build, directory: pathlib.Path, name: str, env: dict[str, str] | None = None,
                 arguments: tuple[str, ...] = (), port: int | None = None, program: str = "sidekick-app"):
        self.port = port or ports.free_port()
        super().__init__(build, name, build.command(
            program, "--listen", f"127.0.0.1:{self.port}", "--io", build.io_choice, *arguments),
            directory / f"{name}.log", env)

    def wait_until_ready(self, path: str = "/livez", timeout: float = READY_SECONDS) -> "App":
        self.wait_ready(lambda: self._answers(path), timeout * self.build.patience)
        return self

    _answers = Balancer._answers

    def connect(self, timeout: float = 10) -> http.Connection:
        return http.Connection(("127.0.0.1", self.port), timeout=timeout * self.build.patience)

    def request(self, method: str, target: str, headers=None, body=None, host: str = "localhost",
                timeout: float = 10) -> http.Response:
        with self.connect(timeout) as connection:
            return connection.request(method, target, headers, body, host)

    def get(self, target: str, **options) -> http.Response:
        return self.request("GET", target, **options)


def finish(programs: list[Program]) -> list[str]:
    """Ends what still runs; returns what is wrong: sanitizer reports, processes that did not end on SIGTERM."""
    faults = []
    for program in reversed(programs):
        try:
            if program.running:
                # A second signal ends a drain, half a second a test. Sanitized workers need that time to look for leaks.
                if isinstance(program, Balancer) and not program.build.sanitized:
                    program.send_signal(signal.SIGINT)
                program.terminate()
        except ProcessError as error:
            faults.append(str(error))
        for report in program.sanitizer_reports():
            faults.append(f"{program.name}: {report.strip()} (all of it in {program.log})")
    return faults
