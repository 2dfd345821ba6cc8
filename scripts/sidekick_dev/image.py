"""`./dev image`: builds the image of packaging/Dockerfile, with the host's Docker or with an engine of our own.

A host's Docker takes debian:trixie-slim from where it takes all images. Our own engine has no registry to ask: there
the base is made by mmdebstrap from the mirror that apt uses, kept in the cache directory, and imported.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from .build import REPOSITORY
from .docker import Docker
from .engine import STORAGE, Engine, why_not

BASE = "debian:trixie-slim"
BASE_FORMAT = 1  # raise when make_base() changes
BASE_ARCHIVE = STORAGE / f"trixie-slim-{BASE_FORMAT}.tar"
TAG = "sidekick"
BUILD_SECONDS = 1500
BASE_SECONDS = 600
DATABASE_AUTHORITIES = REPOSITORY / "build/image/db-ca.pem"  # the one place .dockerignore lets through
SUITES = ("trixie", "trixie-updates", "trixie-security")
COMPILATIONS = STORAGE / "compilations"  # what a first build is given of ccache's folder
COMPILATIONS_BYTES_MAX = 1 << 30
HAS_COMPILED = STORAGE / "has-compiled"
UNWANTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


class ImageError(RuntimeError):
    """Why there is no image, in one line."""


def version() -> str:
    return (REPOSITORY / "VERSION").read_text().strip()


def command(tag: str, db_ca: str | None, pull: bool) -> int:
    """The command `./dev image`. Prints the image's name, id and size, and where it is."""
    tag = tag if ":" in tag else f"{tag}:{version()}"
    host = Docker()
    if host.answers():
        identity = build_image(host, tag, db_ca, ["--pull"] if pull else [])
        print(f"{tag} {identity}\nin this host's Docker")
        return 0
    if reason := why_not():
        raise ImageError(f"no Docker answers here (docker version), and {reason}")
    (REPOSITORY / "build/image").mkdir(parents=True, exist_ok=True)
    archive = REPOSITORY / "build/image" / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', tag)}.tar"
    with Engine(REPOSITORY / "build/image/dockerd.log") as engine:
        ensure_base(engine.docker, pull)
        identity = build_in(engine.docker, tag, db_ca)
        engine.docker("save", "--output", str(archive), tag, timeout=120)
    print(f"{tag} {identity}\nin {archive} (docker load --input it)")
    return 0


# --- the base, for an engine without a registry ---


def ensure_base(docker: Docker, renew: bool = False) -> None:
    if not BASE_ARCHIVE.exists() or renew:
        make_base()
    elif docker.has_image(BASE):
        return
    docker("import", str(BASE_ARCHIVE), BASE, timeout=120)


def make_base() -> None:
    """debian:trixie-slim as an archive: the essential packages and apt, without documentation and without mirrors."""
    STORAGE.mkdir(parents=True, exist_ok=True)
    building = BASE_ARCHIVE.with_suffix(f".building.{os.getpid()}.tar")
    lines = [f"deb {uri} {suite} main" for uri, suite in mirrors()]
    done = subprocess.run([
        "mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={path}" for path in UNWANTED), "--aptopt=Acquire::Languages \"none\"",
        "--aptopt=Acquire::Retries \"3\"", "--customize-hook=rm -f $1/etc/apt/sources.list $1/etc/apt/sources.list.d/*",
        "trixie", str(building), "-"], input="\n".join(lines) + "\n", text=True, check=False, timeout=BASE_SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        building.unlink(missing_ok=True)
        raise ImageError(f"mmdebstrap could not make {BASE}: {done.stdout.strip().splitlines()[-1:]}")
    building.rename(BASE_ARCHIVE)


def mirrors() -> list[tuple[str, str]]:
    """(address, suite) of the Debian 13 archives that apt uses here."""
    listed = subprocess.run(["apt-get", "--print-uris", "update"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^'(\S+)/dists/([^/']+)/(?:InRelease|main/)", listed, re.M)
    return list(dict.fromkeys((uri, suite) for uri, suite in found if suite in SUITES))


# --- the image ---


def build_in(docker: Docker, tag: str, db_ca: str | None = None) -> str:
    """build_image() in an engine of our own. The first time it is given what ccache holds from building on this host:
    where that was the same preset, nothing is compiled twice."""
    docker("image", "prune", "--force")  # what earlier builds of the same names have left
    if HAS_COMPILED.exists():
        return build_image(docker, tag, db_ca)
    try:
        _copy_newest(pathlib.Path(os.environ["CCACHE_DIR"]), COMPILATIONS, COMPILATIONS_BYTES_MAX)
        identity = build_image(docker, tag, db_ca, ["--build-context", f"compilations={COMPILATIONS}"])
    finally:
        shutil.rmtree(COMPILATIONS, ignore_errors=True)
    HAS_COMPILED.touch()
    return identity


def _copy_newest(source: pathlib.Path, target: pathlib.Path, bytes_max: int) -> None:
    """The most recently used files of a cache that others go on using: what vanishes meanwhile is not missed."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    found = []
    for path in source.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                found.append((path.stat().st_mtime, path.stat().st_size, path))
    for _, size, path in sorted(found, reverse=True):
        bytes_max -= size
        if bytes_max < 0:
            return
        copy = target / path.relative_to(source)
        with contextlib.suppress(OSError):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def build_image(docker: Docker, tag: str, db_ca: str | None = None, options: list[str] | None = None) -> str:
    """Builds `tag` and returns the image's id. db_ca: a PEM file or an https address, see packaging/Dockerfile."""
    revision = subprocess.run(["git", "-C", REPOSITORY, "-c", f"safe.directory={REPOSITORY}", "rev-parse", "HEAD"],
                              capture_output=True, text=True, check=False).stdout.strip()
    words = ["build", "--file", str(REPOSITORY / "packaging/Dockerfile"), "--tag", tag, "--network", "host",
             "--build-arg", f"VERSION={version()}", "--build-arg", f"REVISION={revision}", *(options or [])]
    with _sources() as sources, _authorities(db_ca) as given:
        docker.show(*words, *sources, *given, "--progress", "plain", str(REPOSITORY), timeout=BUILD_SECONDS)
    return docker("image", "inspect", "--format", "{{.Id}}", tag)


@contextlib.contextmanager
def _sources():
    """The mirrors of this machine as a build secret, where it is a Debian 13: they shall not be part of the image."""
    if shutil.which("apt-get") is None or not (known := mirrors()):
        yield []
        return
    with tempfile.NamedTemporaryFile("w", suffix=".sources") as file:
        file.write("\n".join(f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n" for uri, suite in known))
        file.flush()
        yield ["--secret", f"id=debian-sources,src={file.name}"]


@contextlib.contextmanager
def _authorities(db_ca: str | None):
    if not db_ca:
        yield []
    elif db_ca.startswith("https://"):
        yield ["--build-arg", f"DB_CA={db_ca}"]
    else:
        path = pathlib.Path(db_ca)
        if not path.is_file() or "BEGIN CERTIFICATE" not in path.read_text(errors="replace"):
            raise ImageError(f"--db-ca {db_ca}: expected a PEM file with certificates, or an https address")
        DATABASE_AUTHORITIES.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, DATABASE_AUTHORITIES)
        try:
            yield ["--build-arg", f"DB_CA={DATABASE_AUTHORITIES.relative_to(REPOSITORY)}"]
        finally:
            DATABASE_AUTHORITIES.unlink(missing_ok=True)
