#!/usr/bin/env python3
"""Prints what `sidekick-bench --record FILE` has kept, a request per line, tab-separated with a heading.

    bench/record.py FILE                   columns: run request intended_ms latency_ms lag_ms status failure stages

stages are name=milliseconds, separated by commas. bench/modes/raw_results.h describes the file.
"""

import sys

FAILURES = ("", "connect", "tls", "reset", "timeout", "malformed", "status", "check", "shed", "expired")


def requests(data: bytes):
    """A dictionary per request. Raises ValueError where the file is none of ours, or is cut short."""
    if data[:8] != b"SKBENCH1":
        raise ValueError("not a file of sidekick-bench --record")
    position = 8

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text() -> str:
        nonlocal position
        size = number()
        position += size
        return data[position - size:position].decode()

    routes, stages, run = {}, {}, 0
    try:
        while position < len(data):
            kind = chr(data[position])
            position += 1
            if kind == "R":
                index = number()
                routes[index] = {"name": text(), "method": text(), "path": text()}
            elif kind == "S":
                index = number()
                stages[index] = text()
            elif kind == "B":
                run = number()
            elif kind == "Q":
                route, intended, latency, lag, status, failure, count = (number() for _ in range(7))
                yield {"run": run, "request": routes[route]["name"], "intended_ms": intended / 1e6,
                       "latency_ms": latency / 1e6, "lag_ms": lag / 1e6, "status": status,
                       "failure": FAILURES[failure],
                       "stages": {stages[number()]: number() / 1e6 for _ in range(count)}}
            else:
                raise ValueError(f"unknown record {kind!r}")
    except IndexError:
        raise ValueError("the file is cut short") from None


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    print("run\trequest\tintended_ms\tlatency_ms\tlag_ms\tstatus\tfailure\tstages")
    try:
        with open(sys.argv[1], "rb") as file:
            for one in requests(file.read()):
                stages = ",".join(f"{name}={ms:.3f}" for name, ms in one["stages"].items())
                print(one["run"], one["request"], f"{one['intended_ms']:.6f}", f"{one['latency_ms']:.6f}",
                      f"{one['lag_ms']:.6f}", one["status"], one["failure"], stages, sep="\t")
    except (OSError, ValueError) as error:
        print(f"record: {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
