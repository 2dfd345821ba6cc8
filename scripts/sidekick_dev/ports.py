"""Ports on loopback that nobody else takes between choosing and using them."""

import random
import socket

# Below the range from which Linux takes the local ports of outgoing connections.
FIRST, LAST = 10_000, 32_000
TRIES = 500

_held: dict[int, socket.socket] = {}


def free_port() -> int:
    """A TCP port of 127.0.0.1, this process's own until it ends or calls release().

    The same number's UDP port is held as a lock: parallel test runs that follow this rule never meet,
    although the TCP port itself stays unbound for the server to come.
    """
    for _ in range(TRIES):
        port = random.randint(FIRST, LAST)
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind(("127.0.0.1", port))
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _held[port] = lock
        return port
    raise RuntimeError(f"no free port of 127.0.0.1 between {FIRST} and {LAST} after {TRIES} tries")


def release(port: int) -> None:
    """Gives a port of free_port() back."""
    lock = _held.pop(port, None)
    if lock is not None:
        lock.close()
