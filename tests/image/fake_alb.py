"""An application load balancer in small: what AWS's does to its targets, twenty times as fast.

It keeps connections to its targets, closes one that was idle for 60/20 s, and uses one again at any age below that; it
asks /healthz every 10/20 s and takes two answers as a verdict; and it goes on choosing a target for up to 17/20 s after
it was told to stop. An ALB repeats no request: a target that closes or resets a connection on which a request is
outstanding, or refuses one, makes it answer 502. Those are counted, with their stories.
"""

import asyncio
import collections
import dataclasses
import itertools
import random
import time

SCALE = 20
IDLE_SECONDS = 60 / SCALE
TAIL_SECONDS = 17 / SCALE  # a target was seen to get new requests for so long after "draining"
HEALTH_SECONDS = 10 / SCALE
HEALTH_VERDICT = 2
ANSWER_SECONDS = 60 / SCALE  # then an ALB answers 504
REGISTER_SECONDS = 20


class Failed(Exception):
    """The target ended the connection while it owed an answer."""


@dataclasses.dataclass
class Ledger:
    """What the clients got. `reused`: on a connection that had answered before; `oldest`: longest idle time before that."""

    statuses: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    by_target: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    reused: int = 0
    oldest: float = 0.0
    bad_gateway: list[str] = dataclasses.field(default_factory=list)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer
        self.answered = 0
        self.idle_since = time.monotonic()

    @property
    def idle(self) -> float:
        return time.monotonic() - self.idle_since

    async def request(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again; Failed when no whole answer came."""
        head = f"{method} {path} HTTP/1.1\r\nHost: app\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + (body or b""))
        try:
            raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = raw[:-4].split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            content = await self.reader.readexactly(int(fields["content-length"]))
        except asyncio.IncompleteReadError as error:
            raise Failed(f"FIN after {len(error.partial)} bytes of the answer") from None
        except ConnectionError as error:
            raise Failed(f"{type(error).__name__} instead of an answer") from None
        self.answered += 1
        self.idle_since = time.monotonic()
        return int(lines[0].split()[1]), content, fields.get("connection", "").lower() != "close"

    def close(self) -> None:
        self.writer.close()


class Target:
    """One registered task. `healthy` is the verdict, `chosen` whether requests go there."""

    def __init__(self, port: int):
        self.port = port
        self.healthy = False
        self.chosen = True
        self.outstanding = 0
        self.pool: collections.deque[_Connection] = collections.deque()  # the longest idle one first

    async def open(self) -> _Connection:
        return _Connection(*await asyncio.open_connection("127.0.0.1", self.port))

    def take(self, oldest: bool) -> _Connection | None:
        """A pooled connection that may still be used: the one that has been idle longest, or shortest. Those that are too
        old are closed."""
        while self.pool:
            connection = self.pool.popleft() if oldest else self.pool.pop()
            if connection.idle < IDLE_SECONDS and not connection.reader.at_eof():
                return connection
            connection.close()
        return None


class FakeAlb:
    def __init__(self, seed: int):
        self.ledger = Ledger()
        self.random = random.Random(seed)
        self.targets: list[Target] = []
        self._tasks: list[asyncio.Task] = []
        self._serving = True
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> "FakeAlb":
        return self

    async def __aexit__(self, *_) -> None:
        self._serving = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for target in self.targets:
            for connection in target.pool:
                connection.close()

    # --- targets ---

    async def register(self, port: int) -> Target:
        """Adds a target and waits until its health checks let it have requests."""
        target = Target(port)
        self.targets.append(target)
        self._tasks.append(asyncio.create_task(self._check_health(target)))
        end = time.monotonic() + REGISTER_SECONDS
        while not target.healthy:
            assert time.monotonic() < end, f"the target on port {port} was not healthy within {REGISTER_SECONDS} s"
            await asyncio.sleep(0.02)
        return target

    async def deregister(self, target: Target) -> None:
        """Draining: new requests still come for a while; the answers that are owed are awaited."""
        await asyncio.sleep(TAIL_SECONDS)
        target.chosen = False
        while target.outstanding:
            await asyncio.sleep(0.02)
        while target.pool:
            target.pool.popleft().close()

    async def _check_health(self, target: Target) -> None:
        in_a_row, last = 0, None
        while True:
            verdict = await self._probe(target)
            in_a_row = in_a_row + 1 if verdict == last else 1
            last = verdict
            if in_a_row >= HEALTH_VERDICT:
                target.healthy = verdict
            await asyncio.sleep(HEALTH_SECONDS)

    @staticmethod
    async def _probe(target: Target) -> bool:
        try:
            async with asyncio.timeout(1):
                connection = await target.open()
                try:
                    return (await connection.request("GET", "/healthz", None))[0] == 200
                finally:
                    connection.close()
        except (OSError, Failed, TimeoutError):
            return False

    # --- clients ---

    def clients(self, count: int, pauses: tuple[float, float], requests: list[tuple[str, str, bytes | None]],
                oldest: bool = True) -> None:
        """Starts `count` clients that take turns through `requests`, pausing between two for a part of the idle time
        limit that is drawn from `pauses`, each on the connection that has been idle longest, or shortest. "{number}"
        in a body becomes one that no other request has."""
        for _ in range(count):
            self._tasks.append(asyncio.create_task(self._client(pauses, requests, oldest)))

    async def _client(self, pauses: tuple[float, float], requests: list[tuple[str, str, bytes | None]], oldest: bool) -> None:
        while self._serving:
            for method, path, body in requests:
                number = b"%d" % next(self._numbers)
                await self.forward(method, path, body and body.replace(b"{number}", number), oldest)
                await asyncio.sleep(self.random.uniform(*pauses) * IDLE_SECONDS)

    async def forward(self, method: str, path: str, body: bytes | None = None, oldest: bool = True) -> int:
        """One client's request, on the connection that has been idle longest or shortest: the status that it gets."""
        chosen = [target for target in self.targets if target.chosen and target.healthy]
        chosen = chosen or [target for target in self.targets if target.chosen]  # an ALB fails open
        if not chosen:
            self.ledger.statuses[503] += 1
            return 503
        target = self.random.choice(chosen)
        target.outstanding += 1
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await self._exchange(target, method, path, body, oldest)
        except TimeoutError:
            status = 504
        finally:
            target.outstanding -= 1
        self.ledger.statuses[status] += 1
        self.ledger.by_target[target.port] += 1
        return status

    async def _exchange(self, target: Target, method: str, path: str, body: bytes | None, oldest: bool) -> int:
        connection = target.take(oldest)
        if connection is not None:
            self.ledger.reused += 1
            age = connection.idle
            self.ledger.oldest = max(self.ledger.oldest, age)
            story = f"request {connection.answered + 1} of a connection, after {age:.3f} s"
        else:
            story = "first request of a connection"
            try:
                connection = await target.open()
            except OSError as error:
                return self._bad_gateway(target, method, path, f"{story}: {type(error).__name__}")
        try:
            status, _, again = await connection.request(method, path, body)
        except Failed as failure:
            connection.close()
            return self._bad_gateway(target, method, path, f"{story}: {failure}")
        except BaseException:
            connection.close()
            raise
        if again:
            target.pool.append(connection)
        else:
            connection.close()
        return status

    def _bad_gateway(self, target: Target, method: str, path: str, story: str) -> int:
        self.ledger.bad_gateway.append(f"{method} {path} to port {target.port}, {story}")
        return 502
