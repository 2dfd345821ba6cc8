"""Every entry of tests/cases/upstream-responses.json end to end: an endpoint says it, a client sees what became of it."""

import json
import re

import pytest

from harness import http
from harness.programs import REPOSITORY
from harness.waiting import eventually

CASES = json.loads((REPOSITORY / "tests/cases/upstream-responses.json").read_text())
SLOW = {"slow-header", "never"}
CLOSES = {"close-delimited", "http10", "truncated-cl", "truncated-chunk", "empty-close", "no-reason", "garbage",
          "status-bad", "status-4digit", "headers-1000"}

# What the client may see: status (or several); body; complete; or "aborted": a torn message or a closed connection.
OK = (200, b"ok")
EXPECTED = {
    "plain": OK, "extra-after-cl": OK, "cl-te": (502, (200, b"")), "two-cl": 502, "cl-bad": 502, "te-unknown": 502,
    "close-delimited": OK, "http10": OK, "truncated-cl": "aborted", "truncated-chunk": "aborted",
    "chunk-lf": (502, "aborted"), "204-body": (204, b""), "304-cl": (304, b""), "head-body": (200, b""), "1xx-many": OK,
    "1xx-flood": 502, "101-unasked": 502, "early-final": OK, "header-40k": 502, "headers-1000": 502, "lf-header": 502,
    "nul-header": 502, "obs-fold": (502, OK), "status-bad": 502, "status-4digit": 502, "no-reason": (502, OK),
    "garbage": 502, "empty-close": 502, "hop-by-hop": OK, "set-cookie-many": OK, "slow-header": 504, "never": 504,
}


def origin_bytes(case: dict) -> bytes:
    """The bytes with {{repeat N}} (of the line before it) and {{x*N}} written out."""
    text = case["origin_sends"]
    text = re.sub(r"\{\{(.)\*(\d+)\}\}", lambda match: match[1] * int(match[2]), text)
    if match := re.search(r"\{\{repeat (\d+)\}\}", text):
        text = text[:match.start()]
        if case["name"] == "headers-1000":
            head, _, line = text.rpartition("\r\n")[0].rpartition("\r\n")
            text = head + "\r\n" + (line + "\r\n") * int(match[1]) + "\r\n"
        else:
            text *= int(match[1])
    return text.encode("latin-1")


def behaviour(case: dict):
    def behave(connection, request):
        if request.target == "/next":
            connection.respond(200, b"next")
        elif case["name"] == "slow-header":
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":
                connection.send(bytes([byte]))
                if connection.stopping.wait(0.2):
                    return
        elif case["name"] == "never":
            connection.wait_closed()
        else:
            connection.send(origin_bytes(case))
            if case["name"] in CLOSES:
                connection.close()
    return behave


def outcome(connection: http.Connection, method: str):
    try:
        answer = connection.read_response(method)
    except http.Closed:
        return None
    return answer


def matches(expected, answer) -> bool:
    if isinstance(expected, tuple) and not (len(expected) == 2 and isinstance(expected[1], bytes)):
        return any(matches(one, answer) for one in expected)
    if expected == "aborted":
        return answer is None or not answer.complete
    if answer is None or not answer.complete:
        return False
    if isinstance(expected, int):
        return answer.status == expected
    return (answer.status, answer.body) == expected


def test_every_case_is_expected():
    assert {case["name"] for case in CASES} == set(EXPECTED)


@pytest.fixture
def served(balancer, origin):
    def start(case, **options):
        server = origin(behaviour(case))
        return server, balancer({
            "upstream": [{"name": "origin", "endpoints": [server.endpoint], "retries": 0}],
            "route": [{"upstream": "origin", "response_header_timeout": "700ms", "between_bytes_timeout": "2s", **options}]})
    return start


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_an_endpoint_says_reaches_the_client_safely(served, case):
    server, lb = served(case)
    method = "HEAD" if case["name"] == "head-body" else "GET"
    with lb.connect() as connection:
        if case["name"] == "early-final":
            method = "POST"
            connection.send(http.request_bytes("POST", "/case", body=b"x" * 1000))
        else:
            connection.send(http.request_bytes(method, "/case"))
        answer = outcome(connection, method)
        assert matches(EXPECTED[case["name"]], answer), answer
        check_details(case, answer)
        if answer is not None and answer.status in (502, 504):
            assert answer.header("content-type") == "application/problem+json"
            assert answer.header("proxy-status")
        if answer is not None and answer.complete and (answer.header("connection") or "") != "close":
            # Whatever the endpoint sent too much reaches nobody. Without retries, a request may still meet the pooled
            # connection that the endpoint is just closing.
            tries = 5 if case["name"] in CLOSES else 1
            following = [connection.request("GET", "/next") for _ in range(tries)][-1]
            assert (following.status, following.body) == (200, b"next")
    assert lb.get("/next").body == b"next"


def check_details(case: dict, answer) -> None:
    name = case["name"]
    if name == "204-body":
        assert answer.header("content-length") is None and answer.header("transfer-encoding") is None
    if name == "hop-by-hop":
        assert answer.header("x-int") is None and answer.header("keep-alive") is None
    if name == "set-cookie-many":
        assert answer.all("set-cookie") == ["a=1", "b=2"]
    if name == "http10":
        assert answer.version == "HTTP/1.1"
    if name == "close-delimited":
        assert answer.header("transfer-encoding") == "chunked"
    if name == "cl-te" and answer.status == 200:
        assert answer.header("content-length") is None
    if name == "304-cl":
        assert answer.body == b""


@pytest.mark.parametrize("name, reused", [("plain", True), ("extra-after-cl", False), ("204-body", False),
                                          ("head-body", False), ("http10", False), ("early-final", False)])
def test_a_connection_that_said_too_much_is_not_used_again(served, name, reused):
    (case,) = (case for case in CASES if case["name"] == name)
    server, lb = served(case)
    assert lb.request("HEAD" if name == "head-body" else "GET", "/case").status in (200, 204)
    eventually(lambda: lb.get("/next").body == b"next")
    first, second = server.wait_for_requests(2)[:2]
    assert (second.connection == first.connection) == reused
