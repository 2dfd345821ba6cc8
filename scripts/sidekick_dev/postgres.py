"""A real PostgreSQL 17 of one's own: on loopback, with a password, never as root, gone when stopped."""

import os
import pathlib
import pwd
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Mapping

from . import ports
from .process import Process, ProcessError

PROGRAMS = pathlib.Path("/usr/lib/postgresql/17/bin")
USER = "sidekick"

# Small and quick: this server keeps nothing that must survive a crash of the machine.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # socket paths are limited to 107 bytes, clones are not
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum_naptime": "1h",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def _as_postgres_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root, so root runs it as the user `postgres`, who may pass through the
    directories above a clone that only root may enter (/root is mode 0700)."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
            "--pdeathsig", "INT",  # a change of user clears what was set before: the fast shutdown
            "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override", "--", *command]


class Postgres:
    """One cluster in `directory`, created on the first start(). The port and the password stay the same over restarts."""

    def __init__(self, directory: pathlib.Path, log: pathlib.Path, port: int | None = None,
                 password: str | None = None, settings: Mapping[str, str] | None = None):
        self.directory = pathlib.Path(directory).absolute()
        self.log = pathlib.Path(log)
        self.port = port or ports.free_port()
        self.password = password or secrets.token_hex(16)
        self.settings = {**SETTINGS, **(settings or {}), "port": str(self.port)}
        self.process: Process | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    def start(self, timeout: float = 30) -> None:
        if self.running:
            return
        if not (self.directory / "PG_VERSION").exists():
            self._create_cluster()
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self.process = Process("postgresql", _as_postgres_user(
            [str(PROGRAMS / "postgres"), "-D", str(self.directory), *options]), self.log, parent_death_signal="INT")
        self.process.wait_ready(self.accepts, timeout)

    def accepts(self) -> bool:
        return subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              check=False).returncode == 0

    def stop(self, timeout: float = 20) -> None:
        """Fast shutdown: sessions are disconnected, the data is kept."""
        if self.process is not None:
            self.process.stop(signal.SIGINT, timeout)
            self.process = None

    def kill(self) -> None:
        """As a crash of the server would end it."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def sql(self, text: str, database: str = "postgres") -> str:
        """Runs statements through psql and returns its unaligned output; ProcessError with its message on failure."""
        done = subprocess.run(
            [PROGRAMS / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url(database)],
            input=text, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise ProcessError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_database(self, name: str) -> str:
        """A new empty database; returns its URL."""
        self.sql(f'CREATE DATABASE "{name}" STRATEGY wal_log')
        return self.url(name)

    def _create_cluster(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(self.password)
            password_file.flush()
            done = subprocess.run(_as_postgres_user(
                [str(PROGRAMS / "initdb"), "-D", str(self.directory), "-U", USER, "--no-sync", "--no-instructions",
                 "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file.name}"]),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise ProcessError(f"initdb in {self.directory} failed:\n{done.stdout}")
