"""A Docker engine of one's own: Debian's dockerd on a private socket, for as long as this process wants it.

It has no bridge and touches neither firewall nor forwarding, so containers use the host's network (or none). It runs in
a PID and a mount namespace of its own: when it ends, in whatever way, every container process and every mount ends
with it. What stays is its storage, in the cache directory: the base image and the layers and compilations of
earlier builds, which make the next build quick. Clones share it, one at a time.
"""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import tempfile
import time

from .docker import Docker
from .process import Process, ProcessError

# ./dev sets SK_CACHE to the folder below the user's cache directory that outlives a root.
CACHE = pathlib.Path(os.environ.get("SK_CACHE") or pathlib.Path.home() / ".cache/sidekick")
STORAGE = CACHE / "engine"
STORAGE_KEPT = "2GB"  # of build cache; more is dropped, oldest first
LOG_KEPT = {"max-size": "16m", "max-file": "2"}  # of each container: a minute of load writes more than a gigabyte
START_SECONDS = 60
STOP_SECONDS = 30
LOCK_SECONDS = 900  # how long another clone may use the storage before we give up
CGROUPS = pathlib.Path("/sys/fs/cgroup")
NEEDED = ("dockerd", "docker", "containerd", "runc", "tini", "unshare", "mmdebstrap")


def why_not() -> str:
    """Why no engine can run here, in a line; empty when one can. An engine that then does not start is a fault."""
    if os.geteuid() != 0:
        return "a Docker engine of one's own needs root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found: the packages of packaging/packages-test.txt bring them"
    return _why_no_cgroups()


def _why_no_cgroups() -> str:
    if (CGROUPS / "cgroup.controllers").exists():
        missing = {"cpu", "memory", "pids"} - set((CGROUPS / "cgroup.controllers").read_text().split())
        if missing:
            return f"this control group has no {', '.join(sorted(missing))}: no container can be limited"
        if not os.access(CGROUPS / "cgroup.procs", os.W_OK):
            return f"{CGROUPS} is read-only: no container can be limited"
        nested = (CGROUPS / "cgroup.events").exists()
        if nested and (CGROUPS / "cgroup.procs").read_text().strip():
            return f"{CGROUPS} is a container's own group with processes in it: it can have no limited children"
        return ""
    for name in ("cpu", "memory", "pids"):
        if not os.access(CGROUPS / name / "cgroup.procs", os.W_OK):
            return f"{CGROUPS / name} is missing or read-only: no container can be limited"
    return ""


class Engine:
    """Use as a context manager. `docker` talks to it."""

    def __init__(self, log: pathlib.Path):
        self.log = log
        self._lock = None
        self._process: Process | None = None
        self._daemon = 0  # pid of tini, which passes signals on to dockerd
        self._run: pathlib.Path | None = None  # sockets: under /tmp, because their paths may have 107 bytes
        self._cgroup = f"sidekick-engine-{os.getpid()}"

    def __enter__(self) -> "Engine":
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def docker(self) -> Docker:
        return Docker({"DOCKER_HOST": f"unix://{self._run}/docker.sock", "DOCKER_CONFIG": str(self._run / "config")})

    def _take_lock(self) -> None:
        STORAGE.mkdir(parents=True, exist_ok=True)
        self._lock = open(STORAGE / "lock", "w")
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    self._lock.close()
                    raise ProcessError(f"another clone uses {STORAGE} for longer than {LOCK_SECONDS} s") from None
                time.sleep(0.2)

    def _start(self) -> None:
        self._run = pathlib.Path(tempfile.mkdtemp(prefix="sk-engine-", dir="/tmp"))
        (self._run / "config").mkdir()
        settings = self._run / "daemon.json"
        settings.write_text(json.dumps({
            "data-root": str(STORAGE / "data"), "exec-root": str(self._run / "exec"),
            "hosts": [f"unix://{self._run}/docker.sock"], "pidfile": str(self._run / "pid"),
            "bridge": "none", "iptables": False, "ip6tables": False, "ip-forward": False, "ip-masq": False,
            "userland-proxy": False, "cgroup-parent": f"/{self._cgroup}", "shutdown-timeout": 10,
            "exec-opts": ["native.cgroupdriver=cgroupfs"], "log-driver": "json-file", "log-opts": LOG_KEPT,
            "builder": {"gc": {"enabled": True, "defaultKeepStorage": STORAGE_KEPT}}}))
        # unshare dies with us and takes the namespace's first process along, the kernel all the others.
        self._process = Process("dockerd", [
            "unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "--mount-proc", "--",
            "tini", "--", "dockerd", "--config-file", str(settings)], self.log, parent_death_signal="KILL")
        self._process.wait_ready(self.docker.answers, START_SECONDS)
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._daemon = int(children[0])

    def stop(self) -> None:
        """Ends containers, daemon and namespaces; ProcessError when the daemon did not end when asked, and was killed."""
        try:
            if self._daemon and self._process.running:
                self._end_daemon()
        finally:
            if self._process is not None and self._process.running:
                self._process.kill()
            self._process, self._daemon = None, 0
            self._remove_cgroups()
            if self._run is not None:
                shutil.rmtree(self._run, ignore_errors=True)
                self._run = None
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _end_daemon(self) -> None:
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)
        os.kill(self._daemon, signal.SIGTERM)
        self._process.wait(STOP_SECONDS)

    def _remove_cgroups(self) -> None:
        for parent in [CGROUPS / self._cgroup, *CGROUPS.glob(f"*/{self._cgroup}")]:
            folders = sorted((path for path in parent.rglob("*") if path.is_dir()), reverse=True) if parent.is_dir() else []
            for folder in [*folders, *([parent] if parent.is_dir() else [])]:
                try:
                    folder.rmdir()
                except OSError:
                    pass  # a process of a killed engine is still ending; an empty group does no harm
