"""In its steady state the balancer allocates nothing for a plain keep-alive request, and nothing of its own under TLS."""

import struct

import pytest

pytestmark = pytest.mark.unsanitized

CONNECTIONS = 8
WARM_UP = 400
MEASURED = 1000
# Timers, log lines about other things, a metrics page: whatever happens beside requests.
BESIDE = 20


@pytest.fixture
def counted(build, balancer, app_upstream, work_dir, free_port):
    library = build.program("sk_count_allocations.so")

    def start(tls, server_timing=None, **route):
        port = free_port()
        listener = {"listener": [{"address": f"127.0.0.1:{port}", "server_timing": server_timing}]} if server_timing else {}
        prefix = work_dir / "allocations"
        server = balancer({"server": {"threads": 1}, "upstream": [app_upstream(count=1)],
                           "route": [{"path": "/*", "upstream": "app", **route}], **listener}, tls=tls,
                          env={"LD_PRELOAD": str(library), "SK_ALLOCATIONS": str(prefix)}, port=port)

        def read_counts():
            """All allocations so far, and those that OpenSSL made."""
            return struct.unpack("QQ", (work_dir / f"allocations.{server.pid}").read_bytes())
        return server, read_counts
    return start


def exchange(connections, rounds):
    for _ in range(rounds):
        for connection in connections:
            assert connection.request("GET", "/").status == 200


def allocations_while_measured(read_counts, connect):
    connections = [connect() for _ in range(CONNECTIONS)]
    exchange(connections, WARM_UP // CONNECTIONS)
    before = read_counts()
    assert before[0] > 0, "the counting library is not in the program"
    exchange(connections, MEASURED // CONNECTIONS)
    after = read_counts()
    for connection in connections:
        connection.close()
    return after[0] - before[0], after[1] - before[1]


def test_a_plain_request_allocates_nothing(counted):
    server, read_counts = counted(tls=False)
    everybody, _ = allocations_while_measured(read_counts, server.connect)
    assert everybody <= BESIDE


def test_a_budget_and_server_timing_allocate_nothing(counted):
    server, read_counts = counted(tls=False, server_timing="loopback",
                                  budget={"p50": "1us", "p99": "2us", "deadline": "30s"})
    assert "total;dur=" in server.get("/").header("server-timing")
    everybody, _ = allocations_while_measured(read_counts, server.connect)
    assert everybody <= BESIDE
    assert server.metrics()['sidekick_budget_requests_total{route="/*"}'] > MEASURED


def test_under_tls_only_openssl_allocates(counted):
    """It takes and frees its record buffers whenever a connection wakes and falls idle; we add nothing."""
    server, read_counts = counted(tls=True)
    everybody, openssl = allocations_while_measured(read_counts, lambda: server.connect(tls=True))
    assert openssl >= MEASURED, "OpenSSL's allocations were not told from others"
    assert everybody - openssl <= BESIDE
