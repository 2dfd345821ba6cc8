#!/usr/bin/env python3
"""./dev bench compare: our balancer against nginx, HAProxy and two raw relays, interleaved.

Prints a table and leaves it, with every single run as JSON, in build/bench/results/. README.md says how to
read it. Exit code: 0 done, 1 wrong or missing answers were seen, 2 the comparison did not take place;
with --gate also 3 when the run is invalid or a target is not met.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import report  # noqa: E402
import syscalls  # noqa: E402
from contenders import CannotStart, Setting, contenders, make_certificate, say  # noqa: E402
from rounds import Patience, measure, run_cell  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent
PEERS = ["sidekick", "nginx", "haproxy", "relay-each", "relay-link"]
ARRIVALS = ["poisson", "constant"]
MODES = ["plain", "logs", "tls"]
LOOPS = ["closed", "open"]
RATE_SHARE = 0.25  # of nginx's closed-loop rate, for the open loop


def choice_list(allowed):
    def parse(text):
        chosen = [word for word in text.split(",") if word]
        wrong = [word for word in chosen if word not in allowed]
        if wrong or not chosen:
            raise argparse.ArgumentTypeError(f"{text!r}: expected some of {','.join(allowed)}")
        return chosen
    return parse


def number_list(text):
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 1024 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers from 1 to 1024, separated by commas")
    return numbers


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench compare", description=__doc__.split("\n\n")[0])
    parser.add_argument("--peers", type=choice_list(PEERS), default=PEERS, help=",".join(PEERS))
    parser.add_argument("--modes", type=choice_list(MODES), help=f"{','.join(MODES)} (default plain)")
    parser.add_argument("--loops", type=choice_list(LOOPS), help=f"{','.join(LOOPS)} (default closed)")
    parser.add_argument("--connections", type=number_list, help="for example 1,8,64,256 (default 64)")
    parser.add_argument("--io", type=choice_list(["uring", "epoll"]), default=["uring", "epoll"],
                        help="of our balancer: uring,epoll")
    parser.add_argument("--pairs", type=int, default=5, help="rounds; a verdict needs 5 (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="measured time per run (default 2)")
    parser.add_argument("--rate", type=float, help="requests/s of the open loop (default: a quarter of nginx's most)")
    parser.add_argument("--arrivals", choices=ARRIVALS, default=ARRIVALS[0],
                        help="of the open loop's requests: independent of each other, or at constant distances (default poisson)")
    parser.add_argument("--patience", type=float, default=30.0, metavar="S",
                        help="seconds in all to wait for others to leave the machine alone (default 30)")
    parser.add_argument("--syscalls", action="store_true", help="also count system calls with strace")
    parser.add_argument("--full", action="store_true", help="all modes, loops, connections, system calls (about 40 minutes)")
    parser.add_argument("--gate", action="store_true", help="exit code 3 when a target is missed or the run invalid")
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "build/bench/bin",
                        help="folder with our binaries (default build/bench/bin, which ./dev bench builds)")
    options = parser.parse_args(arguments)
    everything = options.full
    options.modes = options.modes or (MODES if everything else ["plain"])
    options.loops = options.loops or (LOOPS if everything else ["closed"])
    options.connections = options.connections or ([1, 8, 64, 256] if everything else [64])
    options.syscalls = options.syscalls or everything
    if options.pairs < 1 or options.seconds < 0.1:
        parser.error("--pairs must be at least 1 and --seconds at least 0.1")
    return options


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def describe_machine(arguments):
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "command": "./dev bench compare " + shlex.join(arguments),
        "commit": first_line(["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]),
        "machine": f"{os.cpu_count()} x {model}, load average {os.getloadavg()[0]:.1f} at the start",
        "kernel": platform.release(),
        "peers": f"{first_line(['nginx', '-v'])}; {first_line(['haproxy', '-v']).split(' 20')[0]}; "
                 f"{first_line(['openssl', 'version'])}",
    }


def start_field(setting, everyone, left_out):
    """Starts all contenders that take part in this mode: name -> Running."""
    field = {}
    try:
        for contender in everyone:
            if setting.mode in contender.modes and contender.name not in left_out:
                why = contender.missing(setting)
                if why:
                    left_out[contender.name] = why
                    say(f"  {contender.name} is left out: {why}")
                else:
                    field[contender.name] = contender.start(setting)
    except BaseException:
        stop_field(field)
        raise
    return field


def stop_field(field):
    for running in field.values():
        running.stop()


def open_rate(options, setting, field, cells, connections):
    """A quarter of nginx's closed-loop rate at as many connections, measured now if it was not before."""
    if options.rate:
        return options.rate
    for cell in cells:
        if (cell["mode"], cell["loop"], cell["connections"]) == (setting.mode, "closed", connections) \
                and "nginx" in cell["runs"]:
            return RATE_SHARE * cell["summary"]["nginx"]["rate"]["median"]
    if "nginx" not in field:
        raise CannotStart("the open loop needs --rate where nginx is not among --peers")
    return RATE_SHARE * measure(setting, field["nginx"], connections=connections, seconds=options.seconds)["rate"]


def compare_mode(options, setting, everyone, patience, result):
    field = start_field(setting, everyone, result["left_out"])
    try:
        if not field:
            return
        for connections in options.connections:
            for loop in options.loops:
                rate = open_rate(options, setting, field, result["cells"], connections) if loop == "open" else None
                runs, real_time = run_cell(setting, field, loop=loop, connections=connections, seconds=options.seconds,
                                           pairs=options.pairs, patience=patience, rate=rate,
                                           arrivals=options.arrivals)
                result["cells"].append(report.summarise({
                    "mode": setting.mode, "loop": loop, "connections": connections, "rate": rate,
                    "arrivals": options.arrivals if loop == "open" else None, "real_time": real_time, "runs": runs}))
        if options.syscalls:
            result["syscalls"][setting.mode] = {
                name: syscalls.count(setting, running, connections=report.GATE_CONNECTIONS)
                for name, running in field.items()}
    finally:
        stop_field(field)


def save(result, text):
    folder = REPOSITORY / "build" / "bench" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / time.strftime("compare-%Y%m%d-%H%M%S")
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".txt").write_text(text + "\n")
    for suffix in (".json", ".txt"):
        shutil.copyfile(stem.with_suffix(suffix), folder / f"compare{suffix}")
    say(f"\nsaved as {stem.relative_to(REPOSITORY)}.txt and .json")


def main(arguments):
    options = parse_arguments(arguments)
    if os.cpu_count() < 2:
        say("bench compare: needs 2 cores, one for the proxy and one for load and backends")
        return 2
    result = {"machine": describe_machine(arguments), "cells": [], "syscalls": {}, "left_out": {}}
    folder = Path(tempfile.mkdtemp(prefix="skbench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        programs = options.programs.resolve()
        if not (programs / "sidekick-bench-load").exists():
            raise CannotStart(f"{programs}/sidekick-bench-load is missing: ./dev build bench sk_bench_programs")
        certificate, key = make_certificate(folder) if "tls" in options.modes else (None, None)
        patience = Patience(options.patience)
        everyone = contenders(options.peers, options.io)
        for mode in options.modes:
            within = folder / mode
            within.mkdir()
            compare_mode(options, Setting(mode, programs, within, certificate, key), everyone, patience, result)
    except CannotStart as trouble:
        say(f"bench compare: {trouble}")
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result["valid"] = report.run_is_valid(result["cells"])
    result["gates"] = report.verdicts(result["cells"], result["syscalls"])
    text = report.table(result)
    print(text)
    save(result, text)
    wrong = sum(own["errors"] for cell in result["cells"] for own in cell["summary"].values())
    if wrong or not result["cells"]:
        return 1 if wrong else 2
    return 3 if options.gate and (result["valid"] is False or not all(g["met"] for g in result["gates"])) else 0


if __name__ == "__main__":
    if sum(not word.startswith("-") for word in sys.argv[1:3]) == 2:  # two targets or builds: sidekick-bench compare
        import suite
        suite.main("compare")
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
