"""A worker that breaks the link's rules, or scribbles over the shared page, costs itself and nothing else."""

import concurrent.futures
import os
import signal

import pytest

from harness import http, log
from harness.load import Load
from harness.waiting import eventually

FATAL_LIES = ["garbage", "huge", "type", "slot", "generation", "window", "framing", "linebreak", "longer", "again", "hello"]


@pytest.fixture
def liars(build, balancer):
    def start(**route):
        command = [build.program("forging_worker")]
        workers = {"command": command, "count": 2, "backoff_min": "10ms", "backoff_max": "20ms", "crash_loop_count": 1000}
        server = balancer({"upstream": [{"name": "app", "workers": workers}],
                           "route": [{"path": "/*", "upstream": "app", **route}]})
        eventually(lambda: len(pids(server)) == 2)
        return server
    return start


def pids(server, requests: int = 16) -> set[int]:
    """Who answers; every one of these requests must be answered."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.get("/who/me"), range(requests)))
    assert [answer.status for answer in answers] == [200] * requests
    return {answer.json["pid"] for answer in answers}


def faults(server) -> list[dict]:
    return [line.document for line in log.parse(server.output()) if "broke the link's rules" in line.document["msg"]]


def test_every_broken_frame_ends_its_worker_only(liars):
    """A POST that has started is not repeated, so that each lie meets one worker. Meanwhile the other one answers: no
    GET fails, not even those that were under way on the broken link."""
    server = liars()
    with Load(server.connect, [("GET", "/who/{nonce}")], clients=4) as load:
        for number, lie in enumerate(FATAL_LIES, 1):
            before = set(server.workers())
            try:
                answer = server.request("POST", f"/lie/{lie}", body=b"")
                assert answer.status in (200, 502), (lie, answer)
                assert "stolen" not in str(answer.headers)
                if answer.status == 200 and answer.complete:  # the lie came after an honest answer
                    assert answer.body == b"ok" and lie == "generation", (lie, answer)
            except http.Closed:
                pass  # torn
            eventually(lambda: len(faults(server)) >= number, 10 * server.build.patience)
            eventually(lambda: len(server.workers()) == 2 and len(before & set(server.workers())) == 1)
            eventually(lambda: pids(server) == set(server.workers()))
        entries = load.stop()
    assert load.mixed_up == []
    assert [entry for entry in entries if entry.status != 200 or not entry.complete] == []
    assert len(faults(server)) == len(FATAL_LIES) and all(document["rule"] for document in faults(server))
    starts = [value for name, value in server.metrics().items() if name.startswith("sidekick_worker_starts_total")]
    assert sum(starts) == 2 + len(FATAL_LIES)


@pytest.mark.parametrize("lie", ["page", "page-silent"])
def test_forged_page_words_cost_that_worker_at_most(liars, lie):
    server = liars(response_header_timeout="500ms")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.get(f"/lie/{lie}"), range(4)))
    for answer in answers:
        assert answer.status in ((200, 502, 503, 504) if lie == "page" else (502, 503, 504)), answer
    eventually(lambda: pids(server))
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: worker not in server.workers() and len(server.workers()) == 2)
        eventually(lambda: len(pids(server)) == 2)
    assert server.running


def test_a_silent_worker_costs_its_requests_their_timeout(liars):
    server = liars(response_header_timeout="300ms")
    answer = server.get("/lie/silent")
    assert answer.status == 504
    assert answer.header("content-type") == "application/problem+json"
    assert pids(server)
    assert faults(server) == []
