"""Metrics and health as operators' tools read them."""

import re

import pytest

from harness import http
from harness.waiting import eventually

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+)$')


@pytest.fixture
def server(balancer, app_upstream, origin):
    return balancer({"upstream": [app_upstream(program="fault_app", count=2),
                                  {"name": "origin", "endpoints": [origin().endpoint]}],
                     "route": [{"host": "api.example.com", "path": "/stream", "upstream": "app"},
                               {"path": "/origin/*", "upstream": "origin"},
                               {"path": "/*", "upstream": "app"}]})


def admin(server, target: str, method: str = "GET") -> http.Response:
    with http.Connection(("127.0.0.1", server.admin_port)) as connection:
        return connection.request(method, target, {"Connection": "close"})


def test_the_page_is_prometheus_text(server):
    assert server.get("/hello").status == 200
    page = admin(server, "/metrics")
    assert page.header("content-type").startswith("text/plain; version=0.0.4")
    assert page.text.endswith("\n")
    types: dict[str, str] = {}
    helped, seen = set(), set()
    for line in page.text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ")[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} has two types"
            assert kind in ("counter", "gauge", "histogram")
            types[name] = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            float(match[3])
            family = match[1] if match[1] in types else re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert family in types, f"{line}: no type before it"
            assert (match[1], match[2]) not in seen, f"{line}: twice"
            seen.add((match[1], match[2]))
    assert helped == set(types)
    check_histograms(server.metrics(), [name for name, kind in types.items() if kind == "histogram"])


def check_histograms(samples: dict[str, float], names: list[str]) -> None:
    """Buckets only grow, and the last one is the count."""
    assert names
    for name in names:
        series: dict[str, list[tuple[float, float]]] = {}
        for sample, value in samples.items():
            if match := re.match(rf'{name}_bucket\{{(.*?),?le="([^"]+)"\}}', sample):
                series.setdefault(match[1], []).append((float(match[2].replace("+Inf", "inf")), value))
        for labels, buckets in series.items():
            buckets.sort()
            values = [value for _, value in buckets]
            assert values == sorted(values) and buckets[-1][0] == float("inf"), (name, labels)
            assert samples[f"{name}_count{{{labels}}}" if labels else f"{name}_count"] == values[-1]


def total(samples: dict[str, float], name: str, **labels: str) -> float:
    return sum(value for sample, value in samples.items()
               if re.match(rf"{name}(\{{|$)", sample) and all(f'{key}="{text}"' in sample for key, text in labels.items()))


def test_counts_add_up_with_the_requests_made(server):
    eventually(lambda: total(server.metrics(), "sidekick_endpoint_up") == 3)
    for _ in range(7):
        assert server.get("/hello").status == 200
    for _ in range(3):
        assert server.get("/throw").status == 500
    for _ in range(2):
        assert server.get("/nothing-here").status == 404
    for _ in range(4):
        assert server.request("GET", "/stream?bytes=1000", host="api.example.com").status == 200
    with server.connect() as connection:
        for number in range(5):
            assert connection.request("GET", f"/origin/{number}").status == 200
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.read_response().status == 400
    samples = server.metrics()
    requests = "sidekick_requests_total"
    assert total(samples, requests) == 21, {k: v for k, v in samples.items() if k.startswith(requests)}
    assert total(samples, requests, route="/*") == 12
    assert total(samples, requests, route="api.example.com/stream") == 4
    assert total(samples, requests, route="/origin/*") == 5
    assert total(samples, "sidekick_request_duration_seconds_count") == 21
    assert total(samples, "sidekick_response_body_bytes_total", route="api.example.com/stream") == 4000
    assert total(samples, "sidekick_rejected_total") == 1
    assert total(samples, "sidekick_worker_starts_total") == 2
    assert total(samples, "sidekick_endpoint_in_flight") == 0
    assert total(samples, "sidekick_endpoint_up") == 3
    assert total(samples, "sidekick_ready") == 1
    opened = {name: value for name, value in samples.items() if name.startswith("sidekick_upstream_connections_total")}
    assert sum(opened.values()) == 5 and sorted(opened.values()) == [1, 4]


def test_requests_under_way_are_seen_in_flight(server):
    with server.connect() as connection:
        connection.send(http.request_bytes("GET", "/slow?ms=600000"))
        eventually(lambda: total(server.metrics(), "sidekick_endpoint_in_flight", upstream="app") == 1)
        connection.reset()
    eventually(lambda: total(server.metrics(), "sidekick_endpoint_in_flight", upstream="app") == 0)


def test_health_is_answered_in_clear_and_by_the_admin_listener_only(server, balancer, origin):
    for path in ("/livez", "/healthz", "/readyz"):
        for answer in (server.get(path), admin(server, path)):
            assert answer.status == 200
            assert answer.json["status"] == "ok"
        assert server.request("HEAD", path).status == 200
    assert admin(server, "/hello").status == 404
    assert admin(server, "/metrics", "POST").status == 405
    assert server.get("/metrics").status == 404  # the application's
    over_tls = balancer({"upstream": [{"name": "o", "endpoints": [origin().endpoint]}], "route": [{"upstream": "o"}]},
                        tls=True, name="tls")
    assert over_tls.get("/livez", tls=True).body == b"origin"


def test_probes_are_neither_counted_nor_logged(server):
    before = total(server.metrics(), "sidekick_requests_total")
    for _ in range(5):
        assert server.get("/healthz").status == 200
    assert total(server.metrics(), "sidekick_requests_total") == before
    assert "/healthz" not in server.output()
