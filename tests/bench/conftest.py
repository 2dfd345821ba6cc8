"""Fixtures for the tests of the benchmark's own machinery. No test here asserts a speed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "bench"))

from contenders import BODY  # noqa: E402

def find_programs():
    """SK_BIN, or the newest build that has the load generator."""
    if os.environ.get("SK_BIN"):
        return Path(os.environ["SK_BIN"])
    built = sorted(REPOSITORY.glob("build/*/bin/sidekick-bench-load"), key=lambda path: path.stat().st_mtime)
    return built[-1].parent if built else None


@pytest.fixture(scope="session")
def programs():
    folder = find_programs()
    if folder is None or not (folder / "sidekick-bench-load").exists():
        pytest.fail("sidekick-bench-load is not built: ninja -C build/bench sk_bench_programs (or set SK_BIN)")
    return folder


@pytest.fixture
def load(programs):
    """Runs the load generator; returns its exit code and what it printed, as a dictionary."""
    def run(target, *options, stdin=None, body=BODY):
        command = [programs / "sidekick-bench-load", "--target", target, "--body", body, *options]
        done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, (json.loads(done.stdout) if done.stdout else {"stderr": done.stderr})
    return run
