"""Self-signed certificates for localhost."""

import pathlib
import subprocess

from .process import ProcessError

NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
DAYS = 90
RENEW_BEFORE_SECONDS = 7 * 86_400


def self_signed(directory: pathlib.Path, name: str = "localhost", names: str = NAMES) -> tuple[pathlib.Path, pathlib.Path]:
    """The paths of certificate and key in `directory`; made when missing or soon to expire."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    if certificate.exists() and key.exists() and _run(
            "x509", "-in", certificate, "-noout", "-checkend", str(RENEW_BEFORE_SECONDS)).returncode == 0:
        return certificate, key
    done = _run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(DAYS),
                "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate)
    if done.returncode != 0:
        raise ProcessError(f"openssl could not make a certificate: {done.stderr.strip()}")
    key.chmod(0o600)
    return certificate, key


def _run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
