"""What ./dev bench budgets, capacity, overload and compare A B have in common: sidekick-bench, and a stack to load.

Whatever is typed goes to sidekick-bench as it is. Where neither --config nor --scenario says what to send, it is the
reference suite, bench/budgets/reference.toml, at the stack that is up, or at one that is started for it and ended
after it. Page and JSON are left in build/bench/results/ unless they are sent elsewhere.
"""

import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = REPOSITORY / "build/bench/bin/sidekick-bench"
REFERENCE = REPOSITORY / "bench/budgets/reference.toml"
RESULTS = REPOSITORY / "build/bench/results"

sys.path.insert(0, str(REPOSITORY / "scripts"))

from sidekick_dev import stack  # noqa: E402
from sidekick_dev.build import BuildError  # noqa: E402


def has(words: list[str], option: str) -> bool:
    return any(word == option or word.startswith(option + "=") for word in words)


def build_folder(side: str) -> str:
    """A URL or folder as it is; the name of a preset that has been built as its folder."""
    built = REPOSITORY / "build" / side
    return str(built) if "/" not in side and (built / "bin/sidekick-lb").exists() else side


def run(verb: str, words: list[str]) -> int:
    words = list(words)
    if verb == "compare":
        words[:2] = [build_folder(side) for side in words[:2]]
    started = False
    if not has(words, "--config") and not has(words, "--scenario"):
        words += ["--scenario", str(REFERENCE)]
        if not has(words, "--target") and verb != "compare" and stack.ask("status") is None:
            stack.up(stack.Ports(), detach=True, preset="bench")
            started = True
    RESULTS.mkdir(parents=True, exist_ok=True)
    for option, suffix in (("--report", "html"), ("--json", "json")):
        if not has(words, option):
            words += [option, str(RESULTS / f"{verb}.{suffix}")]
    try:
        status = subprocess.run([PROGRAM, verb, *words], check=False).returncode
    finally:
        if started:
            stack.down()
    if status in (0, 1, 2, 3) and (RESULTS / f"{verb}.html").exists() and str(RESULTS / f"{verb}.html") in words:
        print(f"page: {os.path.relpath(RESULTS / f'{verb}.html')}")
    return status


def main(verb: str) -> None:
    try:
        sys.exit(run(verb, sys.argv[1:]))
    except (stack.StackError, BuildError) as error:
        print(f"bench {verb}: {error}", file=sys.stderr)
        sys.exit(3)
    except KeyboardInterrupt:
        sys.exit(130)
