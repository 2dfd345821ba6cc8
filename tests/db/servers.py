"""Real PostgreSQL and Redis servers for the C++ tests of db/: commands come in on stdin, one a line, words
separated by tabs; one line goes back for each, "ok ..." or "error ...". The servers end with stdin.

    pg start | stop | kill | url | port | ca | sql TEXT | hold | go
    redis start | stop | kill | url | port | tls_port | ca | command WORD... | hold | go
"""

import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
from sidekick_dev import certificate, ports  # noqa: E402
from sidekick_dev.postgres import Postgres  # noqa: E402
from sidekick_dev.redis import Redis  # noqa: E402

# The names of the certificates; "localhost" is missing on purpose: it is the wrong host.
NAMES = "DNS:db.test,IP:127.0.0.1"


class Servers:
    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.cert, self.key = certificate.self_signed(directory / "tls", "db.test", NAMES)
        self.postgres = Postgres(directory / "pg", directory / "pg.log",
                                 settings={"ssl": "on", "ssl_cert_file": str(self.cert), "ssl_key_file": str(self.key)})
        self.tls_port = ports.free_port()
        self.redis_server = Redis(directory / "redis", directory / "redis.log", password="secret%/", options=(
            "--tls-port", str(self.tls_port), "--tls-cert-file", str(self.cert), "--tls-key-file", str(self.key),
            "--tls-auth-clients", "no", "--enable-debug-command", "yes"))

    def pg(self, verb: str, *words: str) -> str:
        return self.serve(self.postgres, verb, *words)

    def redis(self, verb: str, *words: str) -> str:
        return self.serve(self.redis_server, verb, *words)

    def serve(self, server, verb: str, *words: str) -> str:
        match verb:
            case "start" | "stop" | "kill":
                getattr(server, verb)()
                return ""
            case "url":
                return server.url()
            case "port":
                return str(server.port)
            case "tls_port":
                return str(self.tls_port)
            case "ca":
                return str(self.cert)
            case "sql":
                return server.sql(" ".join(words)).replace("\n", " ")
            case "command":
                return server.command(*words).decode(errors="replace").replace("\r\n", " ")
            case "hold":
                server.process.send_signal(signal.SIGSTOP)
                return ""
            case "go":
                server.process.send_signal(signal.SIGCONT)
                return ""
        raise ValueError(f"no such command: {verb}")


def main() -> None:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sk-db-"))
    directory.chmod(0o755)
    servers = Servers(directory)
    try:
        for line in sys.stdin:
            name, *words = line.rstrip("\n").split("\t")
            try:
                answer = "ok " + getattr(servers, name)(*words)
            except Exception as error:  # whatever it is, the test that asked shall see it
                answer = "error " + repr(error)
            print(answer, flush=True)
    finally:
        for server in (servers.postgres, servers.redis_server):
            if server.process is not None:
                server.process.kill()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
