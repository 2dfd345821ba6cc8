"""Real-time priorities for an open loop, so that its tail tells of the programs and not of the scheduler.

At a quarter of the maximum rate both cores sleep between requests. Whatever wakes up beside us, a kernel thread
above all, then holds a core for one of the scheduler's slices, 1 to 4 ms: with a hundred such slices in a second the p99
of every contender is a slice, by chance. Under SCHED_FIFO nobody but the contender, what answers behind it and
the load generator runs on the two cores while they have work. Interrupts and a hypervisor still interfere; they
are why there are many short rounds. What answers goes before what asks: a generator that is late counts as latency.
"""

import contextlib
import os

ANSWERING, ASKING = 20, 10  # SCHED_FIFO priorities; any of them goes before everything ordinary


def allowed():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(ASKING))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def command(words):
    """`words` as a command whose process asks under real-time priority."""
    return ["chrt", "--fifo", str(ASKING), *words]


def _schedule(pids, policy, priority):
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setscheduler(int(thread), policy, os.sched_param(priority))


@contextlib.contextmanager
def answering(field):
    """Within it all processes of `field` (name -> Running) have real-time priority."""
    everyone = [pid for running in field.values() for pid in running.proxy_pids + running.backend_pids]
    _schedule(everyone, os.SCHED_FIFO, ANSWERING)
    try:
        yield
    finally:
        _schedule(everyone, os.SCHED_OTHER, 0)
