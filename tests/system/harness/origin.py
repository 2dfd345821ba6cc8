"""An origin server that records each request byte for byte and answers as a test says, however wrongly."""

import dataclasses
import pathlib
import socket
import struct
import threading
import time
from collections.abc import Callable


@dataclasses.dataclass
class RecordedRequest:
    """A request as it arrived."""

    connection: int  # number of its connection, from 0 in order of accepting
    head: bytes      # up to and with the empty line
    body: bytes = b""  # decoded when chunked
    raw_body: bytes = b""
    trailers: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head[:-4].decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} occurs {len(values)} times: {values}"
        return values[0] if values else None


class OriginConnection:
    """What a behaviour acts through: one accepted connection."""

    def __init__(self, number: int, stream: socket.socket, stopping: threading.Event):
        self.number = number
        self.socket = stream
        self.stopping = stopping
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def respond(self, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None,
                reason: str = "OK") -> None:
        """A well-formed response with Content-Length."""
        fields = {"Content-Length": str(len(body)), **(headers or {})}
        head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(head.encode("latin-1") + b"\r\n" + body)

    def close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def reset(self) -> None:
        """Ends with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait(self, event: threading.Event, timeout: float = 20) -> bool:
        """Waits for a test's event; also returns when the origin stops."""
        end = time.monotonic() + timeout
        while not self.stopping.is_set() and time.monotonic() < end:
            if event.wait(0.02):
                return True
        return event.is_set()

    def wait_closed(self, timeout: float = 20) -> bool:
        """True once the peer has closed or reset; reads and drops what it sends until then."""
        end = time.monotonic() + timeout
        while not self.stopping.is_set() and time.monotonic() < end:
            try:
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
        return False

    # --- reading, used by the origin itself and by behaviours that read on their own ---

    def fill(self) -> bool:
        """Reads more into the buffer; False at the end of the stream or when the origin stops."""
        while not self.stopping.is_set():
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return False
            self.buffer += data
            return bool(data)
        return False

    def read_until(self, mark: bytes) -> bytes | None:
        while mark not in self.buffer:
            if not self.fill():
                return None
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def read_exactly(self, size: int) -> bytes | None:
        while len(self.buffer) < size:
            if not self.fill():
                return None
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read_body(self, request: RecordedRequest) -> bool:
        """Completes request.body, raw_body and trailers; False when the connection ended first."""
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            return self._read_chunked(request)
        body = self.read_exactly(int(request.header("content-length") or 0))
        request.body = request.raw_body = body or b""
        return body is not None

    def _read_chunked(self, request: RecordedRequest) -> bool:
        while True:
            line = self.read_until(b"\r\n")
            if line is None:
                return False
            request.raw_body += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            chunk = self.read_exactly(size + 2)
            if chunk is None:
                return False
            request.raw_body += chunk
            request.body += chunk[:-2]
        while (line := self.read_until(b"\r\n")) is not None:
            request.raw_body += line
            if line == b"\r\n":
                return True
            name, _, value = line.decode("latin-1").partition(":")
            request.trailers.append((name, value.strip()))
        return False


Behaviour = Callable[[OriginConnection, RecordedRequest], None]


def answer(status: int = 200, body: bytes = b"origin", headers: dict[str, str] | None = None) -> Behaviour:
    """The usual behaviour: the same well-formed response to every request (without a body to HEAD)."""
    def behave(connection: OriginConnection, request: RecordedRequest) -> None:
        if request.method == "HEAD":
            connection.respond(status, b"", {"Content-Length": str(len(body)), **(headers or {})})
        else:
            connection.respond(status, body, headers)
    return behave


def send_raw(data: bytes, close: bool = False) -> Behaviour:
    """Exactly these bytes for every request; then the end of the connection if `close`."""
    def behave(connection: OriginConnection, _: RecordedRequest) -> None:
        connection.send(data)
        if close:
            connection.close()
    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request meets the first behaviour and so on; the last one repeats."""
    lock = threading.Lock()
    remaining = list(behaviours)

    def behave(connection: OriginConnection, request: RecordedRequest) -> None:
        with lock:
            chosen = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        chosen(connection, request)
    return behave


class Origin:
    """Listens on 127.0.0.1 (or on a Unix socket) with one thread per connection.

    For every request it reads the head, then the body unless read_body=False (so that a behaviour can answer
    early or read by itself), records it in `requests` and calls `behaviour(connection, request)`.
    `behaviour` may be replaced while it runs. Errors inside a behaviour are kept in `errors`; the fixture fails
    a test that left some, apart from a peer that went away.
    """

    def __init__(self, behaviour: Behaviour | None = None, unix: pathlib.Path | str | None = None,
                 read_body: bool = True, accept: bool = True):
        self.behaviour = behaviour or answer()
        self.read_body = read_body
        self.requests: list[RecordedRequest] = []
        self.connections: list[OriginConnection] = []
        self.errors: list[BaseException] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.unix = str(unix) if unix else None
        if self.unix:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(self.unix)
        else:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", 0))
        self.port = 0 if self.unix else self._listener.getsockname()[1]
        self._listener.listen(512)
        self._listener.settimeout(0.05)
        if accept:
            self._start(self._accept)

    @property
    def endpoint(self) -> str:
        """As an upstream's `endpoints` name it."""
        return f"unix:{self.unix}" if self.unix else f"127.0.0.1:{self.port}"

    def wait_for_requests(self, count: int, timeout: float = 10) -> list[RecordedRequest]:
        """Waits until `count` requests have been recorded; returns all of them."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert arrived, f"{len(self.requests)} of {count} requests reached the origin within {timeout} s"
            return list(self.requests)

    def stop(self) -> None:
        self._stopping.set()
        self._listener.close()
        for connection in list(self.connections):
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, function, *arguments) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                stream, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            stream.settimeout(0.05)
            if not self.unix:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = OriginConnection(len(self.connections), stream, self._stopping)
            self.connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: OriginConnection) -> None:
        try:
            while (head := connection.read_until(b"\r\n\r\n")) is not None:
                request = RecordedRequest(connection.number, head)
                if self.read_body and not connection.read_body(request):
                    return
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                connection.socket.settimeout(20)
                self.behaviour(connection, request)
                if connection.socket.fileno() < 0:
                    return
                connection.socket.settimeout(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the peer may leave at any time
        except OSError as error:
            if not self._stopping.is_set():
                self.errors.append(error)
        except Exception as error:  # noqa: BLE001  (kept for the test's verdict)
            self.errors.append(error)
        finally:
            connection.close()
