"""The docker command line, told which engine to talk to."""

import os
import subprocess
import sys
from collections.abc import Mapping

from .process import ProcessError

COMMAND_SECONDS = 60


class DockerError(ProcessError):
    """A docker command failed; the text is the command and what it said."""


class Docker:
    """One engine: that of `environment` (DOCKER_HOST, DOCKER_CONFIG), or the host's own without."""

    def __init__(self, environment: Mapping[str, str] | None = None):
        self.environment = {**os.environ, **(environment or {})}

    def __call__(self, *words: str, timeout: float = COMMAND_SECONDS, merged: bool = False) -> str:
        """Runs `docker WORDS` and returns its output, with standard error in it when `merged`; DockerError on failure."""
        done = self.run(*words, timeout=timeout, merged=merged)
        if done.returncode != 0:
            said = (done.stderr or done.stdout or "").strip()
            raise DockerError(f"docker {' '.join(words[:3])} ended with {done.returncode}: {said}")
        return done.stdout.strip()

    def run(self, *words: str, timeout: float = COMMAND_SECONDS, merged: bool = False) -> subprocess.CompletedProcess:
        """The same for a command that may fail."""
        return subprocess.run(["docker", *words], env=self.environment, stdin=subprocess.DEVNULL, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                              timeout=timeout)

    def show(self, *words: str, timeout: float) -> None:
        """Runs it with its output on our standard error, for commands that a person watches."""
        done = subprocess.run(["docker", *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=sys.stderr,
                              check=False, timeout=timeout)
        if done.returncode != 0:
            raise DockerError(f"docker {words[0]} ended with {done.returncode}: its own words are above")

    def answers(self) -> bool:
        try:
            return self.run("version", "--format", "{{.Server.Version}}", timeout=10).returncode == 0
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return False

    def has_image(self, name: str) -> bool:
        return self.run("image", "inspect", "--format", "{{.Id}}", name).returncode == 0
