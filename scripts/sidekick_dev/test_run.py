"""`./dev test`: builds what the tests need, runs all of them, and ends with one line of totals.

A job is one process whose output goes to build/test/<job>.log. Three run at a time on two cores, because tests wait more than they
compute. What ran is read from the runners' own reports: a job that breaks down, times out or runs nothing counts as one failure more.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from collections.abc import Callable

from .build import REPOSITORY, BuildError, build

RESULTS = REPOSITORY / "build/test"
JOB_SECONDS = 1200
JOBS_PER_CORE = 1.5
FAILURE_LINES_SHOWN = 60

UNIT_TESTS = ("net", "db", "lb", "app", "regress")  # tests/<name>/ makes sk_<name>_tests
LOOPLESS_TESTS = ("bench_report", "bench_generator")  # the same, but nothing in it runs on a loop: once per preset is enough
# What several threads touch: the loops and their messages, the link's shared page, the log ring.
THREADED_SUITES = "*Loop*:*Link*:*Post*:*Event*:*Acceptor*:*LogRing*:*LogWriter*:*Shared*:*Page*"
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1",
}


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


@dataclasses.dataclass
class Job:
    """One process to run. `count` reads its log and exit status; `seconds` says about how long it takes, so that the
    longest start first."""

    name: str
    preset: str | None  # whose binaries it runs; None: none
    command: list[str]
    count: Callable[["Job", int], Counts]
    seconds: int
    env: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def log(self) -> pathlib.Path:
        return RESULTS / (re.sub(r"[^a-z0-9_]+", "-", self.name.lower()) + ".log")


# --- reading the runners' reports ---


def count_gtest(job: Job, status: int) -> Counts:
    text = job.log.read_text(errors="replace")
    # With its time: the summary names failed and skipped tests once more, without.
    def lines(mark: str) -> int:
        return len(re.findall(rf"^\[{mark}\] .*\(\d+ ms\)$", text, re.M))
    counts = Counts(lines(r"       OK "), lines(r"  FAILED  "), lines(r"  SKIPPED "))
    ended = re.search(r"^\[==========\] \d+ tests? from .* ran\.", text, re.M)
    if not ended or (status != 0 and counts.failed == 0) or counts == Counts():
        counts.failed += 1  # it broke down inside a test, a sanitizer found something, or nothing ran
    return counts


def count_pytest(job: Job, status: int) -> Counts:
    counts = Counts()
    report = job.log.with_suffix(".xml")
    if report.exists():
        for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
            total, bad = int(suite.get("tests", 0)), int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            # Expected failures are listed one by one in the tests: they hold when they fail, so they pass here.
            expected = sum(1 for skip in suite.iter("skipped") if skip.get("type") == "pytest.xfail")
            skipped = int(suite.get("skipped", 0)) - expected
            counts += Counts(total - bad - skipped, bad, skipped)
    if (status != 0 and counts.failed == 0) or counts == Counts():
        counts.failed += 1
    return counts


def count_one(_: Job, status: int) -> Counts:
    return Counts(passed=1) if status == 0 else Counts(failed=1)


# --- what there is to run ---


def unit_jobs(preset: str, io: str, seconds: int, only: tuple[str, ...] = UNIT_TESTS, suites: str = "*") -> list[Job]:
    """The GoogleTest binaries. `denied`: the automatic choice, inside a seccomp filter without io_uring."""
    jobs = []
    for name in only:
        if not any((REPOSITORY / "tests" / name).rglob("*_test.cpp")):
            continue
        command = [str(binaries(preset) / f"sk_{name}_tests"), f"--gtest_filter={suites}", "--gtest_color=no"]
        env = {**SANITIZERS, "SIDEKICK_IO": "auto" if io == "denied" else io}
        if io == "denied":
            command = [sys.executable, str(REPOSITORY / "scripts/sidekick_dev/deny_io_uring.py"), *command]
        jobs.append(Job(f"unit {name} {preset} {io}", preset, command, count_gtest, seconds, env))
    return jobs


def binaries(preset: str) -> pathlib.Path:
    return REPOSITORY / "build" / preset / "bin"


def pytest_job(name: str, preset: str | None, folder: str, seconds: int, *options: str) -> Job:
    job = Job(name, preset, [], count_pytest, seconds)
    if preset:
        job.env = {"SK_BIN": str(binaries(preset))}
    job.command = [sys.executable, "-m", "pytest", folder, "-q", "-rfEs", f"--junitxml={job.log.with_suffix('.xml')}",
                   *options]
    return job


def system_job(preset: str, io: str, seconds: int) -> Job:
    return pytest_job(f"system {preset} {io}", preset, "tests/system", seconds, f"--io={io}", f"--preset={preset}")


def fuzz_jobs(preset: str) -> list[Job]:
    """Each fuzz target over its corpus. A target without a corpus fails: it would test nothing."""
    jobs = []
    for source in sorted((REPOSITORY / "tests/fuzz").glob("*_fuzz.cpp")):
        corpus = REPOSITORY / "tests/fuzz/corpus" / source.stem.removesuffix("_fuzz")
        jobs.append(Job(f"fuzz {source.stem} {preset}", preset, [str(binaries(preset) / source.stem), str(corpus)],
                        count_one, 20, SANITIZERS))
    return jobs


# preset: the ninja targets that its jobs need.
BUILDS = {"dev": ("sk_tests",), "asan": ("sk_tests",), "tsan": ("sk_net_tests",)}


def all_jobs() -> list[Job]:
    """The longest first."""
    jobs = [
        pytest_job("arch", None, "tests/arch", 2), pytest_job("terraform", None, "tests/terraform", 150),
        pytest_job("bench dev", "dev", "tests/bench", 30),
        *unit_jobs("dev", "auto", 20, LOOPLESS_TESTS), *unit_jobs("asan", "auto", 60, LOOPLESS_TESTS),
        # The first test builds the image, after a change for minutes; what a test waits for has bounds of its own.
        pytest_job("image", None, "tests/image", 450, f"--timeout={JOB_SECONDS - 60}"),
        *unit_jobs("dev", "uring", 20), *unit_jobs("dev", "epoll", 20), *unit_jobs("dev", "denied", 20),
        system_job("dev", "uring", 200), system_job("dev", "epoll", 190), system_job("dev", "denied", 180),
        *unit_jobs("asan", "uring", 60), *unit_jobs("asan", "epoll", 60), *fuzz_jobs("asan"),
        system_job("asan", "uring", 400), system_job("asan", "epoll", 390),
        *unit_jobs("tsan", "uring", 90, ("net",), THREADED_SUITES),
        *unit_jobs("tsan", "epoll", 90, ("net",), THREADED_SUITES),
    ]
    return sorted(jobs, key=lambda job: -job.seconds)


# --- running ---


_print_lock = threading.Lock()


def run_job(job: Job) -> Counts:
    started = time.monotonic()
    job.log.with_suffix(".xml").unlink(missing_ok=True)
    with open(job.log, "wb") as output:
        child = subprocess.Popen(job.command, cwd=REPOSITORY, env={**os.environ, **job.env}, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = child.wait(JOB_SECONDS)
            late = ""
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            status, late = child.wait(), f", ended after {JOB_SECONDS} s"
    counts = job.count(job, status)
    with _print_lock:
        verdict = "FAILED" if counts.failed else "ok"
        skipped = f", {counts.skipped} skipped" if counts.skipped else ""
        failed = f", {counts.failed} failed{late}" if counts.failed else ""
        print(f"{verdict:6} {job.name:28} {counts.passed} passed{failed}{skipped}, {time.monotonic() - started:.1f} s", flush=True)
        if counts.failed:
            lines = job.log.read_text(errors="replace").splitlines()
            print("\n".join(f"    {line}" for line in relevant(lines)) + f"\n    (all of it: {job.log})", flush=True)
    return counts


SANITIZER_REPORT = re.compile(r"WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer|: runtime error: ")


def relevant(lines: list[str]) -> list[str]:
    """Of a GoogleTest log the failed tests and those in which a sanitizer spoke; of any other the end."""
    if any(line.startswith("[ RUN      ]") for line in lines):
        kept: list[str] = []
        current: list[str] = []
        for line in lines:
            if line.startswith("[ RUN      ]"):
                current = []
            current.append(line)
            ended = line.startswith(("[       OK ]", "[  FAILED  ]", "[  SKIPPED ]"))
            if ended and ("FAILED" in line or any(map(SANITIZER_REPORT.search, current))):
                kept += current
            if ended:
                current = []
        lines = kept + current
        return lines[:FAILURE_LINES_SHOWN]  # the first failure is the one to read
    return lines[-FAILURE_LINES_SHOWN:]


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("words", nargs="*", help="run the jobs whose name has all these words")
    command.add_argument("--list", action="store_true", help="only name the jobs")
    command.add_argument("-j", type=int, default=int(JOBS_PER_CORE * (os.cpu_count() or 1)), help="jobs at a time")


def run(arguments: argparse.Namespace) -> int:
    jobs = [job for job in all_jobs() if all(word in job.name for word in arguments.words)]
    if arguments.list:
        print("\n".join(job.name for job in jobs))
        return 0
    started = time.monotonic()
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = Counts()
    for preset, targets in BUILDS.items():
        if not any(job.preset == preset for job in jobs):
            continue
        before = time.monotonic()
        try:
            build(preset, *targets)
            print(f"built  {preset:28} {time.monotonic() - before:.1f} s", flush=True)
        except BuildError as error:
            print(f"FAILED {error}; its tests do not run", flush=True)
            total.failed += 1
            jobs = [job for job in jobs if job.preset != preset]
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for counts in pool.map(run_job, jobs):
            total += counts
    print(f"{time.monotonic() - started:.0f} s in all", flush=True)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1
