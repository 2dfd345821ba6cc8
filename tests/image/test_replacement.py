"""A task is replaced under requests: no client of the load balancer in front may see a 502.

Everything is twenty times as fast as in the task definition, so that the rare moment (a connection that is used again
when it is nearly too old, a request that comes after "draining") is there hundreds of times in seconds.
"""

import asyncio

import pytest

from fake_alb import IDLE_SECONDS, TAIL_SECONDS, FakeAlb
from sidekick_dev.build import REPOSITORY

STOP_SECONDS = 3
SCALED = {"SIDEKICK_STOP_TIMEOUT": "3s", "SIDEKICK_DRAIN_TIMEOUT": "2750ms", "SIDEKICK_KEEPALIVE_IDLE": "3750ms",
          "SIDEKICK_REQUEST_DEADLINE": "2500ms"}
DEREGISTRATION_SECONDS = 30 / 20
REQUESTS = [("GET", "/", None), ("POST", "/v1/items", b'{"name": "item {number}"}'), ("GET", "/v1/items?limit=2", None)]
IDLERS, BUSY = 60, 4


CONFIGURATION = "/etc/sidekick/sidekick.toml"


@pytest.fixture
def quick(task, work_dir):
    """(environment, name) -> Task, with a keep-alive that the profile for a real ALB's 60 s would refuse."""
    text = (REPOSITORY / "packaging/image/sidekick.toml").read_text()
    assert text.count('profile = "behind-alb"') == 1
    scaled = work_dir / "sidekick.toml"
    scaled.write_text(text.replace('profile = "behind-alb"', 'profile = "edge"'))
    mount = f"type=bind,source={scaled},target={CONFIGURATION},readonly"
    return lambda environment, name: task(environment, name=name, options=("--mount", mount))


async def start(quick, environment, name):
    started = await asyncio.to_thread(quick, environment, name)
    await asyncio.to_thread(started.ready)
    return started


async def replace_twice(quick, environment):
    """First as a deployment does it, then as somebody who stops a task by hand. The ledger and both ends."""
    first = await start(quick, environment, "first")
    async with FakeAlb(seed=7) as alb:
        target = await alb.register(first.port)
        alb.clients(IDLERS, (0.7, 0.995), REQUESTS)
        alb.clients(BUSY, (0.0, 0.02), REQUESTS, oldest=False)
        await asyncio.sleep(IDLE_SECONDS * 2)

        second = await start(quick, environment, "second")
        successor = await alb.register(second.port)
        await alb.deregister(target)
        await asyncio.sleep(max(0.0, DEREGISTRATION_SECONDS - TAIL_SECONDS))
        ends = [await asyncio.to_thread(first.stop, STOP_SECONDS)]

        third = await start(quick, environment, "third")
        await alb.register(third.port)
        stopping = asyncio.create_task(asyncio.to_thread(second.stop, STOP_SECONDS))  # SIGTERM at once ...
        await alb.deregister(successor)  # ... and still new requests for a while
        ends.append(await stopping)

        await asyncio.sleep(IDLE_SECONDS * 1.1)
        return alb.ledger, ends, [first.port, second.port, third.port]


def test_no_502_while_a_task_is_replaced(quick, database, measured):
    ledger, ends, ports = asyncio.run(replace_twice(quick, {**database, **SCALED}))
    measured(f"two replacements of a task: {sum(ledger.statuses.values())} requests, {ledger.reused} on a used connection, "
             f"idle for up to {ledger.oldest:.3f} of {IDLE_SECONDS:g} s; {len(ledger.bad_gateway)} times 502; "
             f"the ends took {ends[0][1]:.2f} and {ends[1][1]:.2f} s")
    assert ledger.bad_gateway == []
    assert set(ledger.statuses) == {200, 201}, ledger.statuses
    assert ledger.reused > 3 * IDLERS and ledger.oldest > 0.98 * IDLE_SECONDS
    assert all(ledger.by_target[port] > 0 for port in ports)
    assert [status for status, _ in ends] == [0, 0]
    assert all(seconds < STOP_SECONDS for _, seconds in ends)
