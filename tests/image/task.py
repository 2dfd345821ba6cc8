"""One container, run as Fargate runs a task: limits, no capabilities, read-only root, not root, no io_uring.

The engine's own seccomp profile refuses io_uring, as Fargate's does. Containers share the host's network, so each
listens on a port of 127.0.0.1 of its own instead of 7500 of all addresses.
"""

import contextlib
import datetime
import json
import pathlib
import time

from harness import http
from harness.waiting import eventually
from sidekick_dev import ports
from sidekick_dev.docker import Docker

from services import AUTHORITIES, CACHE_HOST, DATABASE_HOST

READY_SECONDS = 30
CGROUPS = pathlib.Path("/sys/fs/cgroup")
# What the task definition says of every container (terraform/modules/ecs).
LOCKED_DOWN = ("--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
               "--user", "10001:10001", "--init")
DEFINITION = {"SIDEKICK_STOP_TIMEOUT": "60s", "SIDEKICK_DRAIN_TIMEOUT": "55s", "SIDEKICK_KEEPALIVE_IDLE": "75s",
              "SIDEKICK_REQUEST_DEADLINE": "50s", "SIDEKICK_WORKERS": "2"}


class Task:
    """environment: on top of DEFINITION; None as a value takes a variable out. authority: mounted where tasks expect the
    database's authorities; None mounts nothing."""

    def __init__(self, docker: Docker, image: str, name: str, environment: dict[str, str | None],
                 authority: pathlib.Path | None, command: tuple[str, ...] = (), memory: str = "4g", cpus: str = "2",
                 options: tuple[str, ...] = ()):
        self._docker = docker
        self.name = name
        self.port, self._admin_port = ports.free_port(), ports.free_port()
        everything = {**DEFINITION, "SIDEKICK_LISTEN": f"127.0.0.1:{self.port}",
                      "SIDEKICK_ADMIN": f"127.0.0.1:{self._admin_port}", **environment}
        words = [*LOCKED_DOWN, "--memory", memory, "--memory-swap", memory, "--cpus", cpus, *options]
        for host in (DATABASE_HOST, CACHE_HOST):
            words += ["--add-host", f"{host}:127.0.0.1"]
        if authority is not None:
            words += ["--mount", f"type=bind,source={authority},target={AUTHORITIES},readonly"]
        for key, value in everything.items():
            words += [] if value is None else ["--env", f"{key}={value}"]
        self.id = docker("create", *words, image, *command)
        self._removed_logs: str | None = None

    def start(self) -> "Task":
        self._docker("start", self.id)
        return self

    # --- asking it ---

    def connect(self, timeout: float = 10) -> http.Connection:
        return http.Connection(("127.0.0.1", self.port), timeout=timeout)

    def request(self, method: str, target: str, headers=None, body=None) -> http.Response:
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(method, target, {"Connection": "close", **(headers or {})}, body, "app")

    def get(self, target: str) -> http.Response:
        return self.request("GET", target)

    def until(self, status: int, path: str, seconds: float = READY_SECONDS) -> "Task":
        """Waits until `path` answers so."""
        checked = time.monotonic()

        def answers() -> bool:
            nonlocal checked
            if time.monotonic() > checked + 0.5:  # asking the engine costs more than asking the task
                checked = time.monotonic()
                if not self.inspect()["Running"]:
                    raise RuntimeError(f"{self.name} has ended: {self.logs()[-1000:]}")
            return self.get(path).status == status
        eventually(answers, seconds, 0.005)
        return self

    def ready(self) -> float:
        """Waits until /healthz is 200; seconds since the engine started the first process."""
        self.until(200, "/healthz")
        return time.time() - self._time("StartedAt")

    # --- what the engine knows ---

    def inspect(self, template: str = "{{json .State}}"):
        return json.loads(self._docker("inspect", "--format", template, self.id))

    def _time(self, name: str) -> float:
        stamp = self.inspect()[name]  # nanoseconds, of which Python reads the first six digits
        return datetime.datetime.fromisoformat(stamp[:26].rstrip("Z") + "+00:00").timestamp()

    def logs(self) -> str:
        return self._removed_logs if self._removed_logs is not None else self._docker("logs", self.id, merged=True)

    def log_lines(self, level: int = 0) -> list[dict]:
        """The lines that are no requests, from a severity on (40 is a warning, 50 an error)."""
        documents = [json.loads(line) for line in self.logs().splitlines() if line.startswith("{")]
        return [line for line in documents if "reqId" not in line and line["level"] >= level]

    def wait(self, seconds: float = 60) -> int:
        """The exit status of a command that ends by itself."""
        return int(self._docker("wait", self.id, timeout=seconds))

    def stop(self, grace: int) -> tuple[int, float]:
        """SIGTERM, after `grace` seconds SIGKILL: exit status, and seconds that it took."""
        since = time.time()
        self._docker("stop", "--time", str(grace), self.id, timeout=grace + 30)
        return self.inspect()["ExitCode"], self._time("FinishedAt") - since

    def resident_bytes(self) -> dict[int, int]:
        """Resident memory of the balancer and the workers by pid: not the engine's init, nor a health check that runs
        just now or is just being started (by the engine's program, in this control group already)."""
        sizes = {}
        for pid in self._group_file("memory", "cgroup.procs").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a health check that has ended
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
                if pathlib.Path(words[0]).name.startswith("sidekick-") and "healthcheck" not in words:
                    sizes[int(pid)] = int(fields["VmRSS"].split()[0]) * 1024
        return sizes

    def out_of_memory_kills(self) -> int:
        v1 = self._group_file("memory", "memory.oom_control")
        text = (v1 if v1.exists() else self._group_file("memory", "memory.events")).read_text()
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])

    def peak_bytes(self) -> int:
        v1 = self._group_file("memory", "memory.max_usage_in_bytes")
        return int((v1 if v1.exists() else self._group_file("memory", "memory.peak")).read_text())

    def _group_file(self, controller: str, name: str) -> pathlib.Path:
        found = [*CGROUPS.glob(f"{controller}/sidekick-engine-*/{self.id}"), *CGROUPS.glob(f"sidekick-engine-*/{self.id}")]
        assert len(found) == 1, f"the control groups of {self.name}: {found}"
        return found[0] / name

    def remove(self, log_directory: pathlib.Path) -> None:
        self._removed_logs = self.logs()
        (log_directory / f"{self.name}.log").write_text(self._removed_logs)
        self._docker("rm", "--force", "--volumes", self.id)
        ports.release(self.port)
        ports.release(self._admin_port)
