"""PostgreSQL and Redis as AWS offers them: over TLS only, with names in their certificates and an authority of their own."""

import pathlib
import shutil
import subprocess

from sidekick_dev import ports
from sidekick_dev.postgres import USER, Postgres
from sidekick_dev.process import ProcessError
from sidekick_dev.redis import Redis

DATABASE_HOST = "db.internal"  # names that only tasks know: `docker run --add-host`
CACHE_HOST = "cache.internal"
AUTHORITIES = "/etc/sidekick/rds-ca.pem"  # where a task finds `authority`


class Services:
    """Use as a context manager."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        tls = directory / "tls"
        tls.mkdir(parents=True, exist_ok=True)
        self.authority = _authority(tls)
        certificate, key = _certificate(tls, self.authority, (DATABASE_HOST, CACHE_HOST))
        access = directory / "pg_hba.conf"
        access.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        access.chmod(0o644)
        self.postgres = Postgres(directory / "postgres", directory / "postgres.log", settings={
            "ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key), "hba_file": str(access)})
        self.redis_tls_port = ports.free_port()
        self.redis = Redis(directory / "redis", directory / "redis.log", password="secret", options=(
            "--tls-port", str(self.redis_tls_port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
            "--tls-auth-clients", "no"))

    def __enter__(self) -> "Services":
        try:
            self.postgres.start()
            self.redis.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.postgres.directory, ignore_errors=True)

    def environment(self, database: str) -> dict[str, str]:
        """What a task of Terraform's gets to reach them, with a new empty database."""
        self.postgres.create_database(database)
        return {
            "PGHOST": DATABASE_HOST, "PGPORT": str(self.postgres.port), "PGDATABASE": database, "PGUSER": USER,
            "PGPASSWORD": self.postgres.password, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": AUTHORITIES,
            "REDIS_URL": f"rediss://:{self.redis.password}@{CACHE_HOST}:{self.redis_tls_port}/0",
            "SIDEKICK_REDIS_CA": AUTHORITIES,
        }


def _authority(directory: pathlib.Path) -> pathlib.Path:
    certificate = directory / "authority.pem"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=Authority of the image's tests", "-addext", "basicConstraints=critical,CA:TRUE",
             "-keyout", directory / "authority.key", "-out", certificate)
    certificate.chmod(0o644)
    return certificate


def _certificate(directory: pathlib.Path, authority: pathlib.Path, names: tuple[str, ...]) -> tuple[pathlib.Path, pathlib.Path]:
    certificate, key = directory / "server.pem", directory / "server.key"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
             "-addext", "basicConstraints=critical,CA:FALSE",
             "-CA", authority, "-CAkey", authority.with_suffix(".key"), "-keyout", key, "-out", certificate)
    key.chmod(0o600)
    return certificate, key


def _openssl(*words) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProcessError(f"openssl: {done.stderr.strip()}")
