"""A worker behind the balancer, over the link: streams, clients that leave, a worker that is told to end."""

import concurrent.futures
import json
import os
import pathlib
import signal
import time

import pytest

from harness import http


@pytest.fixture
def served(balancer, app_upstream):
    """The balancer in front of `count` workers of fault-app."""
    def start(count=1, **config):
        return balancer({"upstream": [app_upstream(program="fault_app", count=count)],
                         "route": [{"path": "/*", "upstream": "app"}], **config})
    return start


def logged(server, text, count=1, seconds=10):
    end = time.monotonic() + seconds
    while len(server.log_lines(text)) < count:
        assert time.monotonic() < end, f"{text!r} is not {count} times in the log"
        time.sleep(0.02)
    return server.log_lines(text)


def resident_bytes(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("failure", ["error", "throw"])
def test_a_handler_that_fails_mid_body_yields_a_truncated_message(served, failure):
    server = served()
    with server.connect() as connection:
        connection.send(http.request_bytes("GET", f"/stream?bytes=200000&fail={failure}"))
        try:
            assert not connection.read_response("GET").complete, "a failed stream looked complete"
        except http.Closed:
            pass
    assert server.get("/hello").text == "hello"


def test_streams_and_bodies_of_any_size_pass_whole(served):
    server = served()
    for size in (0, 1, 16384, 16385, 5_000_000):
        response = server.get(f"/stream?bytes={size}")
        assert (response.status, len(response.body), response.complete) == (200, size, True)
        assert server.request("POST", "/count", body=b"x" * size).json == {"bytes": size}


def test_a_client_that_leaves_interrupts_its_handler_in_the_worker(served):
    server = served()
    connection = server.connect()
    connection.send(http.request_bytes("GET", "/slow?ms=60000"))
    logged(server, "/slow")
    connection.reset()
    end = time.monotonic() + 10
    while server.get("/cancelled").text != "1":
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_stalled_response_and_a_stalled_upload_delay_nobody(served):
    """One client asks for 64 MiB and reads nothing, another one stops in the middle of its body."""
    server = served()
    (worker,) = server.workers()
    assert len(server.get("/stream?bytes=5000000").body) == 5_000_000  # code and buffers of the first use
    assert server.request("POST", "/count", body=b"x" * 300_000).status == 200
    before = {pid: resident_bytes(pid) for pid in (server.pid, worker)}
    with server.connect() as stalled, server.connect() as uploading:
        stalled.send(http.request_bytes("GET", f"/stream?bytes={64 << 20}"))
        uploading.send(b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 100_000)
        logged(server, "/count")
        with server.connect() as connection:
            for _ in range(200):
                assert connection.request("GET", "/hello").text == "hello"
        if not server.build.sanitized:  # their quarantine of freed memory grows by itself
            for pid, resident in before.items():
                assert resident_bytes(pid) - resident < 4 << 20, f"process {pid} has grown"


def test_a_worker_that_is_told_to_end_answers_what_it_began(served):
    server = served(count=2)
    logged(server, "worker ready", 2)  # the second one shall serve what the first one no longer takes
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(server.get, "/slow?ms=700") for _ in range(8)]
        logged(server, "/slow", 8)
        first = server.workers()[0]
        os.kill(first, signal.SIGTERM)
        quick = [server.get("/hello").status for _ in range(20)]
        assert [answer.result().status for answer in slow] == [200] * 8
    assert quick == [200] * 20


def test_a_worker_that_ends_by_itself_is_replaced_without_alarm(served):
    """Told to end by somebody else, it says so, answers what it began, closes its link and exits: all in order."""
    server = served(count=2)
    logged(server, "worker ready", 2)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for replaced in range(1, 4):
            answers = [pool.submit(server.get, "/hello") for _ in range(100)]
            leaving = server.workers()[0]
            os.kill(leaving, signal.SIGTERM)
            ended = json.loads(logged(server, '"worker ended"', replaced)[-1])
            assert (ended["workerPid"], ended.get("exitCode"), ended["level"]) == (leaving, 0, 30)
            assert {answer.result().status for answer in answers} == {200}
            logged(server, "worker ready", 2 + replaced)
    assert not server.log_lines("link ended")


def test_no_worker_is_left_when_the_balancer_ends(served):
    server = served(count=2)
    workers = server.workers()
    assert len(workers) == 2
    assert server.terminate() == 0
    assert not [pid for pid in workers if pathlib.Path(f"/proc/{pid}").exists()]


def test_workers_end_when_the_balancer_is_killed(served):
    server = served(count=2)
    workers = server.workers()
    server.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while alive := [pid for pid in workers if pathlib.Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"still there: {alive}"
        time.sleep(0.05)
