"""Workers that die, freeze or fail while requests are under way. A ledger compares three views of every request:
what the client got, which rows stand in PostgreSQL, and what the access log says."""

import collections
import concurrent.futures
import os
import signal

import pytest

from harness import http, log
from harness.load import Load
from harness.waiting import eventually


@pytest.fixture
def ledger(database, postgres, run_program):
    """Rows of the table that POST /rows/:nonce writes: [(nonce, pid)]."""
    assert run_program("load_app", "migrate", env={"DATABASE_URL": database}).returncode == 0
    name = database.rpartition("/")[2]

    def rows() -> list[tuple[str, int]]:
        text = postgres.sql("SELECT nonce, pid FROM ledger_rows", name)
        return [(nonce, int(pid)) for nonce, pid in (line.split("|") for line in text.splitlines())]
    return rows


@pytest.fixture
def pair(balancer, app_upstream, ledger, database, redis):
    """The balancer in front of two workers of load-app."""
    def start(program="load_app", **route):
        server = balancer({
            "upstream": [app_upstream(program=program, count=2)],
            "route": [{"path": "/*", "upstream": "app", **route}]},
            env={"DATABASE_URL": database, "REDIS_URL": redis.url()})
        eventually(lambda: len(server.workers()) == 2)
        both_answer(server)
        return server
    return start


def both_answer(server) -> set[int]:
    """Waits until requests reach both workers; returns their pids. Least-request spreads what comes at once."""
    def pids():
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: server.get(f"/who/p{n}"), range(16)))
        found = {answer.json["pid"] for answer in answers if answer.status == 200}
        return found if len(found) == 2 else None
    return eventually(pids, 20 * server.build.patience)


def statuses_in_log(server) -> dict[str, list[int]]:
    """By the last part of the url: the status of every completed line."""
    found = collections.defaultdict(list)
    for line in log.parse(server.output()):
        if line.kind.startswith("completed"):
            found[line.url.rpartition("/")[2]].append(line.document["statusCode"])
    return found


def test_killing_a_worker_under_load_loses_no_get_and_doubles_no_post(pair, ledger):
    server = pair()
    victim = server.workers()[0]
    targets = [("GET", "/who/{nonce}"), ("POST", "/rows/{nonce}"), ("GET", "/rows/{nonce}"), ("POST", "/rows/{nonce}?ms=5")]
    with Load(server.connect, targets, clients=8) as load:
        load.wait_for(200)
        os.kill(victim, signal.SIGKILL)
        load.wait_for(200)
        eventually(lambda: len(server.workers()) == 2 and victim not in server.workers(), 20 * server.build.patience)
        load.wait_for(100)
        entries = load.stop()
    assert server.terminate() == 0

    assert load.mixed_up == []
    assert [entry for entry in entries if entry.method == "GET" and entry.status != 200] == []
    assert [entry for entry in entries if entry.method == "POST" and entry.status not in (201, 502)] == []
    times = collections.Counter(nonce for nonce, _ in ledger())
    written_by = dict(ledger())
    assert max(times.values()) == 1, "a POST ran twice"
    logged = statuses_in_log(server)
    for entry in entries:
        if entry.status == 201:
            assert times[entry.nonce] == 1 and written_by[entry.nonce] == entry.pid, entry
        assert logged[entry.nonce] == [entry.status], entry
    assert set(times) <= {entry.nonce for entry in entries if entry.method == "POST"}


def test_a_post_that_had_started_is_502_and_ran_once(pair, ledger):
    server = pair()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.request, "POST", "/rows/started?ms=30000", body=b"", timeout=30)
        ((nonce, pid),) = eventually(ledger)
        os.kill(pid, signal.SIGKILL)
        result = answer.result()
    assert result.status == 502
    assert result.header("content-type") == "application/problem+json"
    assert (result.json["status"], nonce) == (502, "started")
    assert server.get("/who/after").status == 200
    assert [nonce for nonce, _ in ledger()] == ["started"]


def test_posts_that_had_not_started_succeed_elsewhere(pair, ledger):
    server = pair()
    frozen, other = server.workers()
    os.kill(frozen, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(server.request, "POST", f"/rows/n{number}?ms=200", body=b"payload", timeout=30)
                   for number in range(12)]
        # Half of them wait in the frozen worker's socket; the others were noted by its neighbour.
        eventually(lambda: len(ledger()) >= 4)
        os.kill(frozen, signal.SIGKILL)
        results = [answer.result() for answer in answers]
    assert [result.status for result in results] == [201] * 12
    rows = ledger()
    assert sorted(nonce for nonce, _ in rows) == sorted(f"n{number}" for number in range(12))
    assert frozen not in {pid for _, pid in rows}


def test_a_frozen_worker_never_runs_what_was_answered_elsewhere(pair, ledger):
    server = pair(response_header_timeout="500ms")
    frozen, other = server.workers()
    os.kill(frozen, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            results = list(pool.map(
                lambda number: server.request("POST", f"/rows/n{number}", body=b"payload", timeout=30), range(12)))
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert [result.status for result in results] == [201] * 12
    assert {result.json["pid"] for result in results} == {other}
    # Once it answers again it has read everything that had waited in its socket.
    eventually(lambda: frozen not in server.workers() or frozen in both_answer(server), 30 * server.build.patience)
    rows = ledger()
    assert sorted(nonce for nonce, _ in rows) == sorted(f"n{number}" for number in range(12))
    assert {pid for _, pid in rows} == {other}


def test_a_post_that_had_started_in_a_frozen_worker_is_504_and_not_repeated(pair, ledger):
    server = pair(response_header_timeout="1500ms")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.request, "POST", "/rows/started?ms=400", body=b"", timeout=30)
        ((_, pid),) = eventually(ledger)
        os.kill(pid, signal.SIGSTOP)
        try:
            result = answer.result()
        finally:
            os.kill(pid, signal.SIGCONT)
    assert result.status == 504, result
    assert [nonce for nonce, _ in ledger()] == ["started"]


def test_a_worker_that_ends_itself_costs_only_its_own_request(pair):
    server = pair()
    with Load(server.connect, [("GET", "/who/{nonce}")], clients=4) as load:
        load.wait_for(50)
        assert server.request("POST", "/exit", body=b"").status == 502
        load.wait_for(100)
        entries = load.stop()
    assert [entry for entry in entries if entry.status != 200] == []
    assert load.mixed_up == []


# --- a handler that fails after its answer has begun ---


@pytest.fixture(params=["balancer", "alone"])
def faulty(request, app, app_upstream, balancer):
    def start(program):
        if request.param == "alone":
            return app(program=program)
        return balancer({"upstream": [app_upstream(program=program)], "route": [{"path": "/*", "upstream": "app"}]})
    return start


def broken_off(connection, target: str) -> http.Response | None:
    """The answer as far as it came; None where the reset overtook even its head."""
    try:
        answer = connection.request("GET", target)
    except http.Closed:
        return None
    assert not answer.complete, answer
    return answer


@pytest.mark.parametrize("failure", ["error", "throw"])
@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_stream_that_fails_looks_truncated(faulty, failure, size):
    server = faulty("fault_app")
    with server.connect() as connection:
        whole = connection.request("GET", f"/stream?bytes={size}")
        assert whole.complete and len(whole.body) == size
        if cut := broken_off(connection, f"/stream?bytes={size}&fail={failure}"):
            assert cut.header("transfer-encoding") == "chunked"
            assert len(cut.body) <= size // 2
    assert server.get("/hello").status == 200


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_a_declared_length_that_is_not_kept_looks_truncated(faulty, size):
    server = faulty("load_app")
    with server.connect() as connection:
        assert connection.request("GET", f"/sized?bytes={size}&sent={size}").complete
        if cut := broken_off(connection, f"/sized?bytes={size}&sent={size // 2}"):
            assert cut.header("content-length") == str(size)
            assert len(cut.body) <= size // 2
    assert server.get("/who/after").json["nonce"] == "after"


def test_a_handler_that_fails_before_its_answer_is_500(faulty):
    server = faulty("fault_app")
    with server.connect() as connection:
        for target in ("/throw", "/stream?bytes=10&fail=head"):
            answer = connection.request("GET", target)
            assert answer.status == 500 and answer.complete
            assert answer.header("content-type") == "application/problem+json"
        assert connection.request("GET", "/hello").status == 200
