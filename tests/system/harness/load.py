"""Clients that send one request after the other and keep a ledger of what they asked and what they got."""

import dataclasses
import itertools
import json
import threading

from . import http


@dataclasses.dataclass
class Entry:
    """One request. status 0: no answer came (`error` says how it failed)."""

    method: str
    nonce: str
    status: int = 0
    pid: int = 0
    error: str = ""
    complete: bool = True
    started_answer: bool = False


class Load:
    """`clients` threads, each with a connection of its own that it keeps while it may.

    `targets` is a list of (method, path): each request takes the next one, "{nonce}" in it replaced by a word that
    never occurs twice. An answer below 300 must carry the nonce of its request: one that does not is in `mixed_up`.
    A refused connection ends its client when `until_refused`; otherwise it is an entry with status 0. Between two
    requests a client rests for `pause` seconds.
    """

    def __init__(self, connect, targets: list[tuple[str, str]], clients: int = 4, prefix: str = "n",
                 until_refused: bool = False, pause: float = 0):
        self.connect = connect
        self.targets = targets
        self.until_refused = until_refused
        self.pause = pause
        self.entries: list[Entry] = []
        self.mixed_up: list[str] = []
        self._numbers = itertools.count()
        self._prefix = prefix
        self._lock = threading.Condition()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, timeout: float = 30) -> list[Entry]:
        """Lets each client finish the request it is at; returns the ledger."""
        self._stopping.set()
        return self.join(timeout)

    def join(self, timeout: float = 30) -> list[Entry]:
        for thread in self._threads:
            thread.join(timeout)
            assert not thread.is_alive(), "a client still waits for its answer"
        return self.entries

    def wait_for(self, count: int, timeout: float = 20, where=lambda entry: True) -> None:
        """Waits until `count` more entries than now match."""
        with self._lock:
            first = len(self.entries)
            done = self._lock.wait_for(lambda: sum(map(where, self.entries[first:])) >= count, timeout)
            assert done, f"{len(self.entries) - first} of {count} requests within {timeout} s"

    def _run(self, client: int) -> None:
        connection = None
        while not self._stopping.wait(self.pause):
            number = next(self._numbers)
            method, path = self.targets[(number + client) % len(self.targets)]
            entry = Entry(method, f"{self._prefix}{client}x{number}")
            try:
                connection = connection or self.connect()
            except OSError as error:
                if self.until_refused:
                    return
                entry.error = repr(error)
                self._note(entry)
                continue
            if not self._exchange(connection, entry, path.replace("{nonce}", entry.nonce)):
                connection.close()
                connection = None
            self._note(entry)
        if connection is not None:
            connection.close()

    def _exchange(self, connection: http.Connection, entry: Entry, target: str) -> bool:
        """False: the connection cannot be used again."""
        try:
            answer = connection.request(entry.method, target, None, b"" if entry.method == "POST" else None)
        except (OSError, http.Closed) as error:
            entry.error = repr(error)
            entry.started_answer = bool(getattr(error, "received", b""))
            return False
        entry.status, entry.complete = answer.status, answer.complete
        if answer.complete and answer.status < 300:
            document = json.loads(answer.body)
            entry.pid = document.get("pid", 0)
            if document.get("nonce") != entry.nonce:
                self.mixed_up.append(f"{entry.nonce} got {document}")
        return answer.complete and (answer.header("connection") or "").lower() != "close"

    def _note(self, entry: Entry) -> None:
        with self._lock:
            self.entries.append(entry)
            self._lock.notify_all()
