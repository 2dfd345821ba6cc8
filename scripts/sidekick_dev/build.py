"""Configures and builds presets with CMake and ninja."""

import contextlib
import fcntl
import json
import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class BuildError(RuntimeError):
    """A preset did not configure or compile; the compiler's own words are above."""


def presets() -> list[str]:
    described = json.loads((REPOSITORY / "CMakePresets.json").read_text())["configurePresets"]
    return [preset["name"] for preset in described if not preset.get("hidden")]


def build(preset: str, *targets: str) -> pathlib.Path:
    """Builds targets (everything when none is named) and returns the folder with the binaries."""
    if preset not in presets():
        raise BuildError(f"there is no preset '{preset}'; there are {', '.join(presets())}")
    directory = REPOSITORY / "build" / preset
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        if not (directory / "build.ninja").exists():
            configured = subprocess.run(["cmake", "--preset", preset], cwd=REPOSITORY, text=True, check=False,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if configured.returncode != 0:
                sys.stderr.write(configured.stdout)
                raise BuildError(f"{preset}: cmake failed")
        # ninja's output is for a person's eyes; stdout stays free for what a command is asked for.
        built = subprocess.run(["ninja", "-C", str(directory), *targets], check=False, stdout=sys.stderr,
                               env={**os.environ, "NINJA_STATUS": f"[{preset} %f/%t] "})
        if built.returncode != 0:
            raise BuildError(f"{preset}: the build failed")
    return directory / "bin"


@contextlib.contextmanager
def _alone(directory: pathlib.Path):
    """Two ./dev at the same time build one after the other."""
    with open(directory / ".dev.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
