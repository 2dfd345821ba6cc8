"""Child processes: a log file each, bounded waits, and an end that leaves nothing behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


class ProcessError(RuntimeError):
    """A child did not start, become ready or end as it should; the text names it and shows its log."""


def wait_until(condition: Callable[[], object], timeout: float, what: str, interval: float = 0.02):
    """The first true value of condition(), polled; ProcessError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise ProcessError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)


class Process:
    """One child in its own session, whose output goes to `log`; the kernel ends it if its parent dies."""

    def __init__(self, name: str, command: Sequence[str], log: pathlib.Path,
                 env: Mapping[str, str] | None = None, cwd: str | None = None,
                 parent_death_signal: str = "TERM", pass_fds: Sequence[int] = ()):
        self.name = name
        self.command = [str(part) for part in command]
        self.log = pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        setpriv = shutil.which("setpriv") or "setpriv"
        with open(self.log, "ab") as output:
            self._child = subprocess.Popen(
                [setpriv, "--pdeathsig", parent_death_signal, "--", *self.command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
                env=dict(os.environ, **(env or {})), start_new_session=True, pass_fds=pass_fds)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._child.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    def output(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.output().splitlines()[-lines:])

    def wait_ready(self, ready: Callable[[], object], timeout: float) -> None:
        """Polls ready() until it is true; fails at once when the process has ended."""
        def ready_or_ended():
            if not self.running:
                raise ProcessError(f"{self.name} ended with {self.returncode} before it was ready:\n{self.log_tail()}")
            return ready()
        try:
            wait_until(ready_or_ended, timeout, f"{self.name} is ready")
        except ProcessError as error:
            raise ProcessError(f"{error}\n{self.log_tail()}" if self.running else str(error)) from None

    def send_signal(self, number: int) -> None:
        self._child.send_signal(number)

    def wait(self, timeout: float) -> int:
        """Its exit status; ProcessError when it still runs after `timeout` seconds."""
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} still runs after {timeout:g} s:\n{self.log_tail()}") from None

    def stop(self, number: int = signal.SIGTERM, timeout: float = 10) -> int:
        """Asks it to end, kills its whole session when it does not; returns the exit status."""
        if self.running:
            self.send_signal(number)
        try:
            return self.wait(timeout)
        except ProcessError:
            self.kill()
            raise

    def kill(self) -> None:
        """Ends it and whatever it started in its session, at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait()
