"""Runs contenders in turns against the load generator and keeps what each run said."""

import json
import os
import subprocess
import time

from contenders import LOAD_CORE, PROXY_CORE, CannotStart, load_command, say
from ratios import order_of_round


def cpu_seconds(pids):
    """User + system time of processes, by their CPU clocks (the clock id is made of the pid)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def core_busy_seconds(core):
    """What a core has spent on anything but idling, and how much a hypervisor took from it."""
    with open("/proc/stat") as stat:
        for line in stat:
            if line.startswith(f"cpu{core} "):
                ticks = [int(field) for field in line.split()[1:9]]
                tick = os.sysconf("SC_CLK_TCK")
                return (sum(ticks) - ticks[3] - ticks[4]) / tick, ticks[7] / tick
    return 0.0, 0.0


def measure(setting, running, *, connections, seconds, rate=None):
    """One run. CPU is in microseconds per request; `foreign` is the share of core 0 used by anybody else."""
    command = load_command(
        setting, running, connections=connections, seconds=seconds, warmup=max(0.2, seconds / 8),
        cpu="proxy=" + ",".join(map(str, running.proxy_pids)), **({"rate": round(rate)} if rate else {}))
    command += ["--cpu", "backend=" + ",".join(map(str, running.backend_pids))]
    busy, stolen = core_busy_seconds(PROXY_CORE)
    own, began = cpu_seconds(running.proxy_pids), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 2 + 60)
    if done.returncode not in (0, 1):
        raise CannotStart(f"{running.name}: {done.stderr.strip()[-300:]}")
    own, took = cpu_seconds(running.proxy_pids) - own, time.monotonic() - began
    busy_after, stolen_after = core_busy_seconds(PROXY_CORE)
    said = json.loads(done.stdout)
    requests = said["requests"]
    per_request = {name: ns / 1000 / requests if requests else None for name, ns in said["cpu_ns"].items()}
    return {
        "requests": requests, "seconds": said["seconds"], "rate": said["rate"],
        "proxy_us": per_request["proxy"], "backend_us": per_request["backend"],
        "load_us": per_request["load"],
        "sum_us": per_request["proxy"] + per_request["backend"] if requests else None,
        "p50_us": said["latency_us"]["p50"], "p99_us": said["latency_us"]["p99"],
        "p999_us": said["latency_us"]["p999"],
        "errors": said["errors"], "error_kinds": {k: v for k, v in said["error_kinds"].items() if v},
        "backlog_max": said["backlog_max"], "reconnects": said["reconnects"],
        "foreign": round(max(0.0, busy_after - busy - own) / took, 3),
        "stolen": round((stolen_after - stolen) / took, 3),
    }


def run_cell(setting, field, *, loop, connections, seconds, pairs, rate=None):
    """`pairs` rounds over all of `field` (name -> Running). Returns name -> list of runs, by round."""
    runs = {name: [] for name in field}
    for index in range(pairs):
        for name in order_of_round(field, index):
            runs[name].append(measure(setting, field[name], connections=connections, seconds=seconds, rate=rate))
        say(f"  {setting.mode} {loop} {connections:>3} connections, round {index + 1}/{pairs}: " + "  ".join(
            f"{name} {runs[name][-1]['proxy_us'] or float('nan'):.2f}" for name in field))
    return runs


assert PROXY_CORE != LOAD_CORE
