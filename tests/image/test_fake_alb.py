"""The fake load balancer itself: it must see the faults that it is there for, and nothing else as one."""

import asyncio
import socket
import struct

import pytest

import fake_alb
from fake_alb import FakeAlb
from sidekick_dev import ports

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Target:
    """A server that answers the first request of a connection. `second` says what becomes of the next one that is not a
    health check: answer, close, reset, hold; `idle` after how many seconds without one it closes."""

    def __init__(self, second: str = "answer", idle: float = fake_alb.IDLE_SECONDS * 1.25):
        self.port = ports.free_port()
        self._second = second
        self._idle = idle

    async def __aenter__(self) -> "Target":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        ports.release(self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = True
        try:
            while True:
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self._idle)
                if not first and self._second == "reset":
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return writer.transport.abort()
                if not first and self._second == "hold":
                    await reader.read()  # until the other side has had enough
                if not first and self._second != "answer":
                    return
                writer.write(ANSWER)
                first = False
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def two_requests(target: Target, pause: float) -> fake_alb.Ledger:
    async with target, FakeAlb(seed=1) as alb:
        await alb.register(target.port)
        await alb.forward("GET", "/")
        await asyncio.sleep(pause)
        await alb.forward("GET", "/")
        return alb.ledger


def test_a_connection_is_used_again_just_before_its_limit():
    ledger = asyncio.run(two_requests(Target(), fake_alb.IDLE_SECONDS * 0.9))
    assert ledger.bad_gateway == [] and ledger.statuses == {200: 2}
    assert ledger.reused == 1 and ledger.oldest >= fake_alb.IDLE_SECONDS * 0.9


def test_one_beyond_its_limit_is_not():
    ledger = asyncio.run(two_requests(Target(), fake_alb.IDLE_SECONDS * 1.02))
    assert ledger.bad_gateway == [] and ledger.statuses == {200: 2} and ledger.reused == 0


def test_a_connection_that_the_target_closed_while_it_was_idle_is_no_fault():
    ledger = asyncio.run(two_requests(Target(idle=0.05), 0.5))
    assert ledger.bad_gateway == [] and ledger.statuses == {200: 2} and ledger.reused == 0


@pytest.mark.parametrize("second, story", [("close", "FIN after 0 bytes"), ("reset", "ConnectionResetError")])
def test_a_connection_that_ends_under_a_request_is_a_502(second, story):
    ledger = asyncio.run(two_requests(Target(second), 0.1))
    assert ledger.statuses == {200: 1, 502: 1}
    (told,) = ledger.bad_gateway
    assert story in told and "request 2 of a connection" in told


def test_a_target_that_refuses_connections_is_a_502():
    async def refused():
        async with FakeAlb(seed=1) as alb:
            async with Target(idle=0.05) as target:
                await alb.register(target.port)
            await alb.forward("GET", "/")
            return alb.ledger
    ledger = asyncio.run(refused())
    assert ledger.statuses == {502: 1} and "ConnectionRefusedError" in ledger.bad_gateway[0]


def test_an_answer_that_does_not_come_is_a_504():
    ledger = asyncio.run(two_requests(Target("hold"), 0.1))
    assert ledger.statuses == {200: 1, 504: 1} and ledger.bad_gateway == []


def test_a_draining_target_still_gets_requests_and_then_none():
    async def drain():
        async with Target() as target, FakeAlb(seed=1) as alb:
            registered = await alb.register(target.port)
            draining = asyncio.create_task(alb.deregister(registered))
            await asyncio.sleep(fake_alb.TAIL_SECONDS / 2)
            late = await alb.forward("GET", "/")
            await draining
            return late, await alb.forward("GET", "/")
    assert asyncio.run(drain()) == (200, 503)
