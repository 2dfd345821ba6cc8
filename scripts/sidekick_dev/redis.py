"""A real Redis of one's own: on loopback, with a password when asked, gone when stopped."""

import pathlib
import socket

from . import ports
from .process import Process


class Redis:
    """One server whose data lives in `directory`. The port stays the same over restarts."""

    def __init__(self, directory: pathlib.Path, log: pathlib.Path, port: int | None = None,
                 password: str | None = None, options: tuple[str, ...] = ()):
        self.directory = pathlib.Path(directory).absolute()
        self.log = pathlib.Path(log)
        self.port = port or ports.free_port()
        self.password = password
        self.options = options
        self.process: Process | None = None

    def url(self, database: int = 0) -> str:
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    def start(self, timeout: float = 20) -> None:
        if self.running:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        secret = ("--requirepass", self.password) if self.password else ()
        self.process = Process("redis", [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory),
            "--save", "", "--appendonly", "no", "--daemonize", "no", *secret, *self.options], self.log)
        self.process.wait_ready(self.accepts, timeout)

    def command(self, *words: str | bytes, timeout: float = 5) -> bytes:
        """Sends one command and returns the raw reply of up to 64 KiB, for simple needs such as FLUSHALL or PING."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            if self.password:
                connection.sendall(_encode("AUTH", self.password))
                if not (reply := connection.recv(1024)).startswith(b"+OK"):
                    return reply
            connection.sendall(_encode(*words))
            return connection.recv(65536)

    def accepts(self) -> bool:
        try:
            return self.command("PING", timeout=1).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self, timeout: float = 10) -> None:
        if self.process is not None:
            self.process.stop(timeout=timeout)
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None


def _encode(*words: str | bytes) -> bytes:
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
