"""All system calls of a proxy per request, counted by strace in a run of its own.

strace slows the proxy by an order of magnitude, so nothing else of such a run is used; the slower proxy finds
more to do per turn than it would alone, which flatters every contender that batches.
"""

import json
import os
import signal
import subprocess
import time

from contenders import CannotStart, load_command

ATTACH_WITHIN = 10.0


def parse(text):
    """strace -c's table: {name: calls}, without its total line."""
    calls = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].replace(".", "").isdigit() and words[-1] != "total":
            calls[words[-1]] = int(words[3])
    return calls


def traced_by(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("TracerPid:"))


def count(setting, running, *, connections, requests=30_000):
    table = setting.folder / f"{running.name}.strace"
    command = ["strace", "-f", "-c", "-U", "time-percent,total-time,avg-time,calls,name", "-o", str(table)]
    for pid in running.proxy_pids:
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + ATTACH_WITHIN
        threads = [int(task) for pid in running.proxy_pids for task in os.listdir(f"/proc/{pid}/task")]
        while not all(traced_by(thread) == tracer.pid for thread in threads):
            if tracer.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"strace cannot attach to {running.name}: may this user trace processes?")
            time.sleep(0.05)
        done = subprocess.run(load_command(setting, running, connections=connections, requests=requests,
                                           timeout=30), capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise CannotStart(f"{running.name} under strace: {(done.stderr or done.stdout).strip()[-300:]}")
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
        tracer.wait(ATTACH_WITHIN)
        tracer.stderr.close()
    answered = json.loads(done.stdout)["total"]
    calls = parse(table.read_text())
    return {
        "requests": answered, "connections": connections,
        "per_request": round(sum(calls.values()) / answered, 3),
        "by_name": {name: round(n / answered, 3) for name, n in sorted(calls.items(), key=lambda c: -c[1])
                    if n / answered >= 0.001},
    }
