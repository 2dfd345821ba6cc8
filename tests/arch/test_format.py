"""All C++ stands as `./dev fmt` leaves it."""

import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_the_sources_are_formatted():
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/dev.py", "fmt", "--check"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, "run ./dev fmt\n" + done.stderr[-2000:]
