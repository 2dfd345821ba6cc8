"""A TCP proxy for tests: it counts, withholds, cuts and replays what passes between our process and a server."""

import socket
import struct
import threading
from collections.abc import Callable


class ProxiedConnection:
    """One pair of sockets. `sent` and `received` hold all bytes of our side and of the server's."""

    def __init__(self, ours: socket.socket, server: socket.socket):
        self.ours, self.server = ours, server
        self.sent = bytearray()
        self.received = bytearray()
        self.withheld = bytearray()
        self.lock = threading.Lock()


class TcpProxy:
    """Listens on 127.0.0.1:`port` and forwards to (host, port) of `upstream`.

    `hold_replies(connection) -> bool` is asked whenever bytes have arrived from either side: while it is true,
    the server's bytes are withheld; they leave in order once it is false. By default nothing is withheld.
    """

    def __init__(self, upstream: tuple[str, int], hold_replies: Callable[[ProxiedConnection], bool] | None = None):
        self.upstream = upstream
        self.hold_replies = hold_replies or (lambda _: False)
        self.connections: list[ProxiedConnection] = []
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def release_all(self) -> None:
        """Asks hold_replies again for every connection; call it after the answer has changed by itself."""
        for connection in list(self.connections):
            self._pass_on(connection)

    def cut_all(self, reset: bool = True) -> None:
        """Ends every connection, with an RST on both sides unless told otherwise."""
        for connection in list(self.connections):
            for side in (connection.ours, connection.server):
                try:
                    if reset:
                        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
                except OSError:
                    pass
                side.close()

    def stop(self) -> None:
        self._stopping.set()
        self._listener.close()
        self.cut_all(reset=False)
        for thread in self._threads:
            thread.join(5)

    def _start(self, function, *arguments) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                ours, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            try:
                server = socket.create_connection(self.upstream, timeout=5)
            except OSError:
                ours.close()
                continue
            for side in (ours, server):
                side.settimeout(None)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = ProxiedConnection(ours, server)
            self.connections.append(connection)
            self._start(self._forward_commands, connection)
            self._start(self._forward_replies, connection)

    def _forward_commands(self, connection: ProxiedConnection) -> None:
        self._pump(connection.ours, connection.server, lambda data: self._commands_arrived(connection, data))

    def _commands_arrived(self, connection: ProxiedConnection, data: bytes) -> None:
        with connection.lock:
            connection.sent += data
        connection.server.sendall(data)
        self._pass_on(connection)

    def _forward_replies(self, connection: ProxiedConnection) -> None:
        self._pump(connection.server, connection.ours, lambda data: self._replies_arrived(connection, data))

    def _replies_arrived(self, connection: ProxiedConnection, data: bytes) -> None:
        with connection.lock:
            connection.received += data
            connection.withheld += data
        self._pass_on(connection)

    def _pass_on(self, connection: ProxiedConnection) -> None:
        with connection.lock:
            if connection.withheld and not self.hold_replies(connection):
                try:
                    connection.ours.sendall(bytes(connection.withheld))
                except OSError:
                    pass
                connection.withheld.clear()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, arrived: Callable[[bytes], None]) -> None:
        try:
            while data := source.recv(65536):
                arrived(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for side in (source, sink):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
