"""HTTP as bytes: a client that sends exactly what a test says and reads exactly one answer at a time."""

import dataclasses
import json as json_module
import socket
import ssl
import struct


class Closed(Exception):
    """The peer closed or reset before a whole response was there; `received` holds what did come."""

    def __init__(self, text: str, received: bytes = b""):
        super().__init__(f"{text}; received {received[:300]!r}")
        self.received = received


@dataclasses.dataclass
class Response:
    """One response. Header names are lower case in `header()`; `headers` keeps order and spelling."""

    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    trailers: list[tuple[str, str]]
    complete: bool = True  # False: the connection ended inside the body
    raw_head: bytes = b""

    def header(self, name: str) -> str | None:
        """The only value of a header or None; several are an assertion failure."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} occurs {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json_module.loads(self.body)


def request_bytes(method: str, target: str, headers: dict[str, str] | list[tuple[str, str]] | None = None,
                  body: bytes | str | None = None, host: str = "localhost") -> bytes:
    """A plain HTTP/1.1 request: Host unless given, Content-Length when there is a body."""
    fields = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    names = {name.lower() for name, _ in fields}
    if "host" not in names:
        fields.insert(0, ("Host", host))
    if isinstance(body, str):
        body = body.encode()
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode("latin-1") + (body or b"")


class Connection:
    """One connection, plain or TLS, to (host, port) or to the path of a Unix socket. Every wait has `timeout` seconds."""

    def __init__(self, address: tuple[str, int] | str, tls: ssl.SSLContext | None = None, server_name: str = "localhost",
                 timeout: float = 10, source: str | None = None):
        self.timeout = timeout
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout=timeout,
                                                   source_address=(source, 0) if source else None)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- out ---

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, target: str, headers=None, body=None, host: str = "localhost") -> Response:
        """Sends one request and reads its response, also one that came while the server refused the rest of the body."""
        try:
            self.send(request_bytes(method, target, headers, body, host))
        except (BrokenPipeError, ConnectionResetError):
            if body is None:
                raise
        return self.read_response(method)

    def half_close(self) -> None:
        """Sends a FIN and keeps reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the connection with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    # --- in ---

    def receive(self, size: int = 65536) -> bytes:
        """What arrives next, b"" at the end of the stream; a reset is Closed."""
        try:
            return self.socket.recv(size)
        except (ConnectionResetError, ssl.SSLEOFError) as error:
            raise Closed(f"connection ended: {error}", self.buffer) from None
        except TimeoutError:
            raise TimeoutError(f"nothing arrived for {self.timeout} s; received so far {self.buffer[:300]!r}") from None

    def _fill(self, size: int = 65536) -> None:
        data = self.receive(size)
        if not data:
            raise Closed("end of stream", self.buffer)
        self.buffer += data

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._fill()
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def read_exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._fill(max(65536, min(size - len(self.buffer), 1 << 20)))
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read_head(self) -> tuple[str, int, str, list[tuple[str, str]], bytes]:
        raw = self.read_until(b"\r\n\r\n")
        lines = raw[:-4].decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        return version, int(status), reason[0] if reason else "", headers, raw

    def read_response(self, method: str = "GET", informational: bool = False) -> Response:
        """The next response; 1xx are skipped unless `informational`. A connection that ends inside a body gives a
        response with complete=False; one that ends before a whole head raises Closed."""
        while True:
            version, status, reason, headers, raw = self.read_head()
            if informational or not 100 <= status < 200 or status == 101:
                break
        response = Response(version, status, reason, headers, b"", [], raw_head=raw)
        if method == "HEAD" or 100 <= status < 200 or status in (204, 304):
            return response
        if (response.header("transfer-encoding") or "").lower() == "chunked":
            self._read_chunked(response)
        elif (length := response.header("content-length")) is not None:
            self._read_sized(response, int(length))
        else:
            response.body = self.read_to_end()
        return response

    def _read_sized(self, response: Response, length: int) -> None:
        try:
            response.body = self.read_exactly(length)
        except Closed:
            response.body, self.buffer, response.complete = self.buffer, b"", False

    def _read_chunked(self, response: Response) -> None:
        parts: list[bytes] = []
        try:
            while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
                parts.append(self.read_exactly(size))
                assert self.read_exactly(2) == b"\r\n", "a chunk is not followed by CRLF"
            while (line := self.read_until(b"\r\n")) != b"\r\n":
                name, _, value = line.decode("latin-1").partition(":")
                response.trailers.append((name, value.strip()))
        except Closed:
            response.complete = False
        response.body = b"".join(parts)

    def read_to_end(self) -> bytes:
        """Everything up to the end of the stream."""
        parts = [self.buffer]
        self.buffer = b""
        while data := self.receive():
            parts.append(data)
        return b"".join(parts)

    def at_end(self) -> bool:
        """True when the peer has closed or reset (waits for it up to the timeout); data instead is an assertion failure."""
        assert not self.buffer, f"unread data: {self.buffer[:300]!r}"
        try:
            data = self.receive()
        except Closed:
            return True
        assert not data, f"data instead of the end: {data[:300]!r}"
        return True


def client_tls(alpn: tuple[str, ...] = ("http/1.1",), verify: str | None = None) -> ssl.SSLContext:
    """A TLS client; it trusts anything unless `verify` names a file with certificates."""
    context = ssl.create_default_context(cafile=verify)
    if verify is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
