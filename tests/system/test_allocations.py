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
def counted(build, balancer, app_upstream, work_dir):
    library = build.program("sk_count_allocations.so")

    def start(tls):
        prefix = work_dir / "allocations"
        server = balancer({"server": {"threads": 1}, "upstream": [app_upstream(count=1)],
                           "route": [{"path": "/*", "upstream": "app"}]}, tls=tls,
                          env={"LD_PRELOAD": str(library), "SK_ALLOCATIONS": str(prefix)})
        return server, lambda: struct.unpack("Q", (work_dir / f"allocations.{server.pid}").read_bytes())[0]
    return start


def exchange(connections, rounds):
    for _ in range(rounds):
        for connection in connections:
            assert connection.request("GET", "/").status == 200


def allocations_per_request(server, read_count, connect):
    connections = [connect() for _ in range(CONNECTIONS)]
    exchange(connections, WARM_UP // CONNECTIONS)
    before = read_count()
    assert before > 0, "the counting library is not in the program"
    exchange(connections, MEASURED // CONNECTIONS)
    counted = read_count() - before
    for connection in connections:
        connection.close()
    return counted


def test_a_plain_request_allocates_nothing(counted):
    server, read_count = counted(tls=False)
    assert allocations_per_request(server, read_count, server.connect) <= BESIDE


def test_under_tls_only_openssl_allocates(counted):
    """OpenSSL takes and frees its two record buffers when a connection wakes and falls idle; ours adds nothing."""
    server, read_count = counted(tls=True)
    per_request = allocations_per_request(server, read_count, lambda: server.connect(tls=True)) / MEASURED
    assert per_request <= 4.5
