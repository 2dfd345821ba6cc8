"""PostgreSQL and Redis go and come back behind the balancer, under load. Nobody gets another request's reply."""

import pytest

from harness.load import Load
from harness.programs import REPOSITORY
from harness.waiting import eventually

VERSION = (REPOSITORY / "VERSION").read_text().strip()


@pytest.fixture
def load_stack(balancer, app_upstream, run_program, work_dir):
    """load-app behind the balancer, with the two servers of this test. A busy machine is no outage: Redis may take longer
    than its default of 100 ms."""
    own = work_dir / "load-app.toml"
    own.write_text('[redis]\ncommand_timeout = "5s"\n')

    def start(postgres, redis, workers=2):
        assert run_program("load_app", "migrate", env={"DATABASE_URL": postgres.url()}).returncode == 0
        return balancer({"upstream": [app_upstream(program="load_app", count=workers, arguments=["--config", str(own)])],
                         "route": [{"path": "/*", "upstream": "app"}]},
                        env={"DATABASE_URL": postgres.url(), "REDIS_URL": redis.url()})
    return start


def test_postgres_restarts_under_load(load_stack, private_postgres, redis):
    server = load_stack(private_postgres, redis)
    eventually(lambda: server.get("/readyz").status == 200)
    ours = {server.pid, *server.workers()}
    targets = [("GET", "/rows/{nonce}"), ("GET", "/who/{nonce}"), ("POST", "/rows/{nonce}"), ("GET", "/cached/{nonce}")]
    with Load(server.connect, targets, clients=8) as load:
        load.wait_for(100)
        private_postgres.stop()
        load.wait_for(20, where=lambda entry: entry.status == 503)
        away = server.get("/rows/away")
        assert away.status == 503
        assert away.header("content-type") == "application/problem+json"
        assert int(away.header("retry-after")) >= 1 and away.json["status"] == 503
        assert server.get("/who/meanwhile").status == 200
        assert server.get("/healthz").status == 200
        assert server.get("/readyz").status == 503
        private_postgres.start()
        eventually(lambda: server.get("/readyz").status == 200, 30)
        load.wait_for(100, where=lambda entry: entry.status in (200, 201))
        entries = load.stop()
    assert load.mixed_up == []
    assert {entry.status for entry in entries} <= {200, 201, 503}, {entry.status for entry in entries}
    assert all(entry.complete for entry in entries)
    assert {server.pid, *server.workers()} == ours, "one of our processes ended"
    rows = private_postgres.sql("SELECT nonce FROM ledger_rows").splitlines()
    assert len(rows) == len(set(rows))
    created = {entry.nonce for entry in entries if entry.status == 201}
    assert created <= set(rows)


def test_postgres_is_killed_and_comes_back(load_stack, private_postgres, redis):
    server = load_stack(private_postgres, redis)
    eventually(lambda: server.get("/readyz").status == 200)
    ours = {server.pid, *server.workers()}
    with Load(server.connect, [("GET", "/rows/{nonce}"), ("GET", "/cached/{nonce}")], clients=6) as load:
        load.wait_for(50)
        private_postgres.sql("CHECKPOINT")  # this server keeps after a crash only what was written by then
        private_postgres.kill()
        load.wait_for(20, where=lambda entry: entry.status == 503)
        private_postgres.start()
        eventually(lambda: server.get("/readyz").status == 200, 30)
        load.wait_for(50, where=lambda entry: entry.status == 200)
        entries = load.stop()
    assert load.mixed_up == []
    assert {entry.status for entry in entries} <= {200, 503}
    assert {server.pid, *server.workers()} == ours


def test_redis_stops_under_load_and_the_cache_comes_back(stack, private_redis):
    server = stack(env={"REDIS_URL": private_redis.url()}, workers=2)
    eventually(lambda: server.get("/readyz").status == 200)
    ours = {server.pid, *server.workers()}
    items = [server.request("POST", "/v1/items", {"Content-Type": "application/json"}, f'{{"name": "item {n}"}}').json
             for n in range(10)]

    def read_all() -> set[str]:
        """Reads every item; returns where they came from."""
        sources = set()
        for item in items:
            answer = server.get(f"/v1/items/{item['id']}")
            assert (answer.status, answer.json) == (200, item)
            sources.add(answer.header("x-cache"))
        return sources
    read_all()
    assert read_all() == {"hit"}
    private_redis.stop()
    eventually(lambda: read_all() == {"miss"})
    eventually(lambda: server.get("/readyz").status == 503)
    assert server.get("/healthz").status == 200
    private_redis.start()
    eventually(lambda: server.get("/readyz").status == 200)
    eventually(lambda: read_all() == {"hit"})
    assert {server.pid, *server.workers()} == ours


def test_redis_replies_reach_their_requests_across_restarts(load_stack, private_postgres, private_redis):
    server = load_stack(private_postgres, private_redis)
    eventually(lambda: server.get("/readyz").status == 200)
    ours = {server.pid, *server.workers()}
    with Load(server.connect, [("GET", "/cached/{nonce}"), ("GET", "/who/{nonce}")], clients=8) as load:
        for end in (private_redis.stop, private_redis.kill):
            load.wait_for(50, where=lambda entry: entry.status == 200)
            end()
            load.wait_for(20, where=lambda entry: entry.status == 503)
            private_redis.start()
            eventually(lambda: server.get("/readyz").status == 200)
        load.wait_for(50, where=lambda entry: entry.status == 200)
        entries = load.stop()
    assert load.mixed_up == []
    assert {entry.status for entry in entries} <= {200, 503}
    assert {server.pid, *server.workers()} == ours


def test_without_a_postgres_at_the_start_what_needs_none_is_served(balancer, app_upstream, redis, free_port):
    server = balancer({"upstream": [app_upstream()], "route": [{"path": "/*", "upstream": "app"}]}, ready=False,
                      env={"DATABASE_URL": f"postgresql://nobody:x@127.0.0.1:{free_port()}/none", "REDIS_URL": redis.url()})
    root = eventually(lambda: (answer := server.get("/")).status == 200 and answer, 20 * server.build.patience)
    assert root.text == f'{{"status":"ok","version":"{VERSION}"}}'
    for target in ("/v1/items", "/v1/items/1"):
        away = server.get(target)
        assert away.status == 503
        assert away.header("content-type") == "application/problem+json"
        assert int(away.header("retry-after")) >= 1
    assert server.get("/livez").status == 200
    assert server.get("/healthz").status == 503
    assert server.get("/readyz").status == 503
