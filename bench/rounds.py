"""Runs contenders in turns against the load generator and keeps what each run said.

Others may use the machine meanwhile. How much of our two cores they took is measured with every run; a round
they disturbed is run again, a bounded number of times, and the least disturbed rounds are kept. The choice
looks at the others' time only, never at the result.
"""

import contextlib
import json
import os
import resource
import subprocess
import time

import realtime
from contenders import LOAD_CORE, PROXY_CORE, CannotStart, load_command, say
from ratios import least_disturbed, order_of_round

DISTURBED = 0.05    # share of a core used by others from which a round is run again
EXTRA_ROUNDS = 2    # at most so many times the wanted rounds in all
QUIET_SAMPLE = 0.5  # seconds
# A stall of the host spoils the p99 of the round it falls into. An open loop is therefore measured in many
# short rounds: most of them see none, and the median is theirs.
OPEN_ROUNDS = 8      # times the wanted rounds
OPEN_SECONDS = 0.3   # at least, per run


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


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Patience:
    """Waits for a quiet machine before a round, in all at most `seconds`."""

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        while self.left > 0:
            busy = [core_busy_seconds(core)[0] for core in (PROXY_CORE, LOAD_CORE)]
            time.sleep(QUIET_SAMPLE)
            now = [core_busy_seconds(core)[0] for core in (PROXY_CORE, LOAD_CORE)]
            if max(b - a for a, b in zip(busy, now)) <= DISTURBED * QUIET_SAMPLE:
                return
            self.left -= QUIET_SAMPLE


def snapshot(running):
    """Clocks whose differences tell who used the two cores during a run; all in seconds."""
    proxy_core, stolen = core_busy_seconds(PROXY_CORE)
    return {"time": time.monotonic(), "proxy_core": proxy_core, "stolen": stolen,
            "load_core": core_busy_seconds(LOAD_CORE)[0], "load": children_seconds(),
            "proxy": cpu_seconds(running.proxy_pids), "backend": cpu_seconds(running.backend_pids)}


def open_loop_options(rate, arrivals):
    if not rate:
        return {}
    return {"rate": round(rate)} | ({"poisson": True} if arrivals == "poisson" else {})


def measure(setting, running, *, connections, seconds, rate=None, arrivals="poisson", real_time=False):
    """One run; with a `rate` an open loop. CPU is in microseconds per request; `foreign` is the share of the busier core
    used by anybody else."""
    command = load_command(
        setting, running, connections=connections, seconds=seconds, warmup=max(0.2, seconds / 8),
        cpu="proxy=" + ",".join(map(str, running.proxy_pids)), **open_loop_options(rate, arrivals))
    command += ["--cpu", "backend=" + ",".join(map(str, running.backend_pids))]
    if real_time:
        command = realtime.command(command)
    before = snapshot(running)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 2 + 60)
    if done.returncode not in (0, 1):
        raise CannotStart(f"{running.name}: {done.stderr.strip()[-300:]}")
    after = snapshot(running)
    used = {key: after[key] - before[key] for key in after}
    foreign = max(used["proxy_core"] - used["proxy"], used["load_core"] - used["backend"] - used["load"])
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
        "foreign": round(max(0.0, foreign) / used["time"], 3),
        "stolen": round(used["stolen"] / used["time"], 3),
    }


def run_cell(setting, field, *, loop, connections, seconds, pairs, patience, rate=None, arrivals="poisson"):
    """`pairs` rounds over all of `field` (name -> Running), of an open loop OPEN_ROUNDS times as many. Returns name ->
    list of runs, by round, and whether they ran under real-time priority (an open loop, where the user may)."""
    real_time = loop == "open" and realtime.allowed()
    if loop == "open":
        pairs, seconds = pairs * OPEN_ROUNDS, max(OPEN_SECONDS, seconds / OPEN_ROUNDS)
    rounds = []
    with realtime.answering(field) if real_time else contextlib.nullcontext():
        while len(rounds) < pairs * EXTRA_ROUNDS and sum(disturbance(one) <= DISTURBED for one in rounds) < pairs:
            patience.wait()
            runs = {name: measure(setting, field[name], connections=connections, seconds=seconds, rate=rate,
                                  arrivals=arrivals, real_time=real_time)
                    for name in order_of_round(field, len(rounds))}
            rounds.append(runs)
            say(f"  {setting.mode} {loop} {connections:>3} connections, round {len(rounds)}: " + "  ".join(
                f"{name} {runs[name]['proxy_us'] or float('nan'):.2f}" for name in field)
                + (f"  (others took {disturbance(runs):.0%})" if disturbance(runs) > DISTURBED else ""))
    kept = [rounds[index] for index in least_disturbed([disturbance(one) for one in rounds], pairs)]
    return {name: [one[name] for one in kept] for name in field}, real_time


def disturbance(runs):
    return max(run["foreign"] + run["stolen"] for run in runs.values())


assert PROXY_CORE != LOAD_CORE
