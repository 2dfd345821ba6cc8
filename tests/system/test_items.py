"""/v1/items as its users see it, and what becomes of it when PostgreSQL or Redis misbehave.

Everything runs on a worker alone and behind the balancer (`server`): the same code, the same answers.
"""

import concurrent.futures
import json
import os
import subprocess
import threading
import time
import urllib.parse

import pytest

from harness import http


@pytest.fixture(params=["alone", "balancer"])
def serve(request, app, balancer, app_upstream):
    """(env) -> something that answers /v1/items with the dependencies that the environment names."""
    def start(env):
        if request.param == "alone":
            return app(env=env)
        return balancer({"upstream": [app_upstream()], "route": [{"path": "/*", "upstream": "app"}]}, env=env)
    return start


@pytest.fixture
def server(serve, dependencies):
    return serve(dependencies)


def send(server, method, target, body=None, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        fields.setdefault("Content-Type", "application/json")
    return server.request(method, target, fields, body)


def through(url, port):
    """The same URL with another port: a proxy in front of the same server."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def create(server, name, note=None):
    response = send(server, "POST", "/v1/items", {"name": name} | ({"note": note} if note else {}))
    assert response.status == 201, response
    return response.json


def problem(response, status):
    assert response.status == status, (response.status, response.text)
    assert response.header("content-type") == "application/problem+json"
    document = response.json
    assert document["status"] == status
    assert document["title"]
    return document


def eventually(check, seconds=15):
    """What check() returns once it is true; the last exception or falsehood after the time is up."""
    end = time.monotonic() + seconds
    while True:
        try:
            result = check()
            if result:
                return result
            trouble = f"still {result!r}"
        except (AssertionError, OSError, http.Closed) as error:
            trouble = repr(error)
        assert time.monotonic() < end, f"after {seconds} s: {trouble}"
        time.sleep(0.05)


# --- what it does ---


def test_an_item_lives_from_post_to_delete(server):
    made = send(server, "POST", "/v1/items", {"name": "Ätherwelle", "note": "with a note"})
    assert made.status == 201
    item = made.json
    assert set(item) == {"id", "name", "note", "version", "created_at", "updated_at"}
    assert (item["name"], item["note"], item["version"]) == ("Ätherwelle", "with a note", 1)
    place = f"/v1/items/{item['id']}"
    assert made.header("location") == place
    assert made.header("etag") == '"1"'

    first = server.get(place)
    assert (first.status, first.json) == (200, item)
    assert first.header("etag") == '"1"'
    assert first.header("x-cache") == "miss"
    second = server.get(place)
    assert (second.status, second.json) == (200, item)
    assert second.header("x-cache") == "hit"
    assert send(server, "GET", place, If_None_Match='W/"1"').status == 304

    changed = send(server, "PUT", place, {"name": "new name"}, If_Match='"1"')
    assert changed.status == 200
    assert changed.header("etag") == '"2"'
    assert (changed.json["name"], changed.json["note"], changed.json["version"]) == ("new name", None, 2)
    assert changed.json["created_at"] == item["created_at"]
    assert server.get(place).json == changed.json

    assert server.request("DELETE", place).status == 204
    gone = server.get(place)
    assert problem(gone, 404)["errors"][0]["field"] == "id"
    assert server.request("DELETE", place).status == 404


def test_a_new_item_is_found_though_its_absence_was_cached(server, database, postgres):
    missing = server.get("/v1/items/1")
    assert (missing.status, missing.header("x-cache")) == (404, "miss")
    assert server.get("/v1/items/1").header("x-cache") == "hit"
    assert create(server, "first")["id"] == 1
    assert server.get("/v1/items/1").status == 200


def test_lists_go_page_by_page(server):
    names = [f"item {number:02}" for number in range(25)]
    for name in names:
        create(server, name)
    found = []
    after = 0
    for size in (10, 10, 5):
        page = server.get(f"/v1/items?limit=10&after={after}").json
        assert len(page["items"]) == size
        found += [item["name"] for item in page["items"]]
        after = page["next_after"]
    assert after is None
    assert found == names
    assert len(server.get("/v1/items").json["items"]) == 20


def test_writers_with_the_same_etag_do_not_overwrite_each_other(server):
    place = f"/v1/items/{create(server, 'contended')['id']}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda number: send(server, "PUT", place, {"name": f"writer {number}"}, If_Match='"1"').status, range(8)))
    assert sorted(answers) == [200] + [412] * 7
    assert server.get(place).json["version"] == 2


# --- what it refuses ---


def test_malformed_json_is_400_and_names_the_place(server):
    document = problem(send(server, "POST", "/v1/items", '{"name": "a",\n "note" "b"}'), 400)
    error = document["errors"][0]
    assert (error["field"], error["in"], error["position"], error["line"], error["column"]) == ("note", "body", 22, 2, 9)
    assert "':'" in error["message"]


@pytest.mark.parametrize("body, field, position, message", [
    ('{"name": 5}', "name", 9, "must be a string, not a number"),
    ('{"name": ""}', "name", 9, "must have 1 to 200 characters, has 0"),
    (json.dumps({"name": "ä" * 201}, ensure_ascii=False), "name", 9, "must have 1 to 200 characters, has 201"),
    ('{"note": "x"}', "name", 0, "is required"),
    ('{"name": "x", "nte": "y"}', "nte", 21, "is not a known field; did you mean note?"),
    ('{"name": "x", "name": "y"}', "name", 22, "must not be given twice"),
    ('{"name": "a\\u0000b"}', "name", 9, "must not contain the character U+0000"),
    ('[1]', "body", 0, "must be an object, not an array"),
])
def test_a_wrong_body_is_422_and_names_field_and_position(server, body, field, position, message):
    document = problem(send(server, "POST", "/v1/items", body.encode()), 422)
    assert [(error["field"], error["position"], error["message"]) for error in document["errors"]] == [
        (field, position, message)]


def test_names_of_200_characters_fit_whatever_their_bytes(server):
    assert create(server, "ä" * 200)["name"] == "ä" * 200


def test_a_taken_name_is_409_and_names_field_and_position(server):
    create(server, "taken")
    document = problem(send(server, "POST", "/v1/items", '{"note": "x", "name": "taken"}'), 409)
    assert (document["errors"][0]["field"], document["errors"][0]["position"]) == ("name", 22)
    other = create(server, "other")
    problem(send(server, "PUT", f"/v1/items/{other['id']}", {"name": "taken"}, If_Match='"1"'), 409)


def test_a_stale_etag_is_412_and_a_missing_one_428(server):
    place = f"/v1/items/{create(server, 'versioned')['id']}"
    assert send(server, "PUT", place, {"name": "second"}, If_Match='"1"').status == 200
    document = problem(send(server, "PUT", place, {"name": "third"}, If_Match='"1"'), 412)
    assert document["errors"][0]["field"] == "If-Match"
    assert document["errors"][0]["in"] == "header"
    assert '"2"' in document["errors"][0]["message"]
    problem(send(server, "PUT", place, {"name": "third"}, If_Match='W/"2"'), 412)
    problem(send(server, "PUT", place, {"name": "third"}, If_Match="nonsense"), 412)
    problem(send(server, "PUT", place, {"name": "third"}), 428)
    problem(send(server, "DELETE", place, If_Match='"1"'), 412)
    assert send(server, "PUT", place, {"name": "third"}, If_Match='"7", "2"').status == 200
    assert send(server, "PUT", place, {"name": "fourth"}, If_Match="*").status == 200
    assert send(server, "DELETE", place, If_Match='"4"').status == 204
    problem(send(server, "PUT", place, {"name": "fifth"}, If_Match='"4"'), 404)


def test_ids_and_pages_that_are_none_are_422(server):
    error = problem(server.get("/v1/items/seven"), 422)["errors"][0]
    assert (error["field"], error["in"], error["position"]) == ("id", "path", 10)
    assert problem(server.get("/v1/items/99999999999999999999"), 422)["errors"][0]["field"] == "id"
    error = problem(server.get("/v1/items?after=1&limit=101"), 422)["errors"][0]
    assert (error["field"], error["in"], error["position"]) == ("limit", "query", 24)
    problem(server.get("/v1/items/4711"), 404)
    problem(server.get("/v2"), 404)
    refused = server.request("PATCH", "/v1/items/1")
    problem(refused, 405)
    assert refused.header("allow") == "GET, HEAD, PUT, DELETE"


def test_a_body_beyond_the_limit_is_413(server):
    problem(send(server, "POST", "/v1/items", b'{"name": "' + b"x" * 2_000_000 + b'"}'), 413)


# --- pipelining ---


def statements(sent: bytes) -> int:
    """How many Sync messages a client has sent on a cleartext connection."""
    at = 0
    while int.from_bytes(sent[at + 4:at + 8], "big") in (80877103, 80877104):  # asked for TLS, for GSSAPI
        at += 8
    at += int.from_bytes(sent[at:at + 4], "big") or len(sent)  # the startup packet
    count = 0
    while at + 5 <= len(sent):
        count += sent[at:at + 1] == b"S"
        at += 1 + int.from_bytes(sent[at + 1:at + 5], "big")
    return count


def test_twenty_requests_share_one_connection_to_postgres(app, database, migrate, postgres, tcp_proxy):
    """The proxy withholds every reply until 20 statements have come: only pipelining gets them there."""
    migrate(database)
    before = {}  # by connection: its statements before the twenty

    def hold(connection) -> bool:
        return connection in before and statements(connection.sent) < before[connection] + 20
    proxy = tcp_proxy(("127.0.0.1", postgres.port), hold)
    server = app(env={"DATABASE_URL": through(database, proxy.port)})
    eventually(lambda: server.get("/readyz").status == 200)
    assert len(proxy.connections) == 1
    before[proxy.connections[0]] = statements(proxy.connections[0].sent)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: server.get(f"/v1/items?limit=1&after={number}").status, range(20)))
    assert answers == [200] * 20
    assert statements(proxy.connections[0].sent) >= before[proxy.connections[0]] + 20


def test_twenty_requests_share_one_connection_to_redis(app, dependencies, redis, tcp_proxy, work_dir):
    config = work_dir / "patient.toml"
    config.write_text('[redis]\ncommand_timeout = "1500ms"\n')  # so that nobody goes on without Redis
    port = urllib.parse.urlsplit(redis.url()).port
    holding = threading.Event()

    def lookups(connection) -> int:
        return connection.sent.count(b"MGET")

    def hold(connection) -> bool:
        return holding.is_set() and 0 < lookups(connection) < 20
    proxy = tcp_proxy(("127.0.0.1", port), hold)
    server = app(env={**dependencies, "REDIS_URL": f"redis://127.0.0.1:{proxy.port}"},
                 arguments=("--config", str(config)))
    eventually(lambda: server.get("/readyz").status == 200)
    holding.set()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: server.get(f"/v1/items/{number + 1}").status, range(20)))
    assert answers == [404] * 20
    assert [lookups(connection) for connection in proxy.connections] == [20]
    holding.clear()
    assert server.get("/v1/items/1").header("x-cache") == "hit"


# --- outages ---


def test_reads_go_on_without_redis_and_the_cache_comes_back(serve, database, migrate, private_redis):
    migrate(database)
    server = serve({"DATABASE_URL": database, "REDIS_URL": private_redis.url()})
    place = f"/v1/items/{create(server, 'cached')['id']}"
    assert server.get(place).status == 200
    assert server.get(place).header("x-cache") == "hit"

    private_redis.stop()
    eventually(lambda: server.get("/readyz").json["redis"] != "ready")
    assert server.get(place).header("x-cache") == "miss"
    assert send(server, "PUT", place, {"name": "changed meanwhile"}, If_Match='"1"').status == 200
    assert server.get(place).json["name"] == "changed meanwhile"
    assert server.get("/healthz").status == 200

    private_redis.start()
    eventually(lambda: server.get("/readyz").status == 200)
    eventually(lambda: server.get(place).header("x-cache") == "hit")
    assert server.get(place).json["name"] == "changed meanwhile"


def test_a_restarted_postgres_means_503_and_then_normal(serve, migrate, private_postgres, redis):
    migrate(private_postgres.url())
    server = serve({"DATABASE_URL": private_postgres.url(), "REDIS_URL": redis.url()})
    item = create(server, "survivor")
    place = f"/v1/items/{item['id']}"

    private_postgres.stop()
    away = eventually(lambda: (answer := server.get("/v1/items")).status == 503 and answer)
    assert problem(away, 503)
    assert int(away.header("retry-after")) >= 1
    assert server.get("/").text == '{"status":"ok","version":"1.2.0"}'
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 503

    private_postgres.start()
    eventually(lambda: server.get("/v1/items").status == 200)
    assert server.get(place).json == item
    assert create(server, "after the restart")
    assert server.running


def test_no_database_at_all_is_503_for_items_only(serve):
    server = serve({})
    assert server.get("/").text == '{"status":"ok","version":"1.2.0"}'
    away = server.get("/v1/items/1")
    problem(away, 503)
    assert away.header("retry-after")


# --- the cache's promise ---


def test_a_row_read_before_a_write_is_not_cached_after_it(app, database, migrate, postgres, redis, tcp_proxy):
    """A reader has read the old row and is held up; meanwhile another process writes. The old row must not stay."""
    migrate(database)
    holding = threading.Event()
    proxy = tcp_proxy(("127.0.0.1", postgres.port), lambda _: holding.is_set())
    reader = app(env={"DATABASE_URL": through(database, proxy.port), "REDIS_URL": redis.url()}, name="reader")
    writer = app(env={"DATABASE_URL": database, "REDIS_URL": redis.url()}, name="writer")
    place = f"/v1/items/{create(writer, 'old')['id']}"

    holding.set()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(reader.get, place)
        eventually(lambda: any(b"old" in connection.withheld for connection in proxy.connections))
        assert send(writer, "PUT", place, {"name": "new"}, If_Match='"1"').status == 200
        holding.clear()
        proxy.release_all()
        assert slow.result().json["name"] == "old"
    assert reader.get(place).json["name"] == "new"
    assert writer.get(place).json["name"] == "new"


def test_many_readers_of_one_missing_key_cause_one_statement(app, database, migrate, postgres, redis, tcp_proxy):
    migrate(database)
    holding = threading.Event()
    proxy = tcp_proxy(("127.0.0.1", postgres.port), lambda _: holding.is_set())
    server = app(env={"DATABASE_URL": through(database, proxy.port), "REDIS_URL": redis.url()})
    place = f"/v1/items/{create(server, 'popular')['id']}"
    sent_before = sum(statements(connection.sent) for connection in proxy.connections)
    holding.set()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        readers = [pool.submit(server.get, place) for _ in range(16)]
        eventually(lambda: sum(statements(c.sent) for c in proxy.connections) > sent_before)
        time.sleep(0.3)  # room for a wrong second statement; its absence is what is tested
        holding.clear()
        proxy.release_all()
        assert {reader.result().status for reader in readers} == {200}
    assert sum(statements(connection.sent) for connection in proxy.connections) == sent_before + 1


# --- migrations ---


@pytest.mark.once
def test_migrations_run_once_however_often_and_however_many(build, database, postgres, run_program):
    command = build.command("sidekick-app", "migrate")
    runs = [subprocess.Popen(command, env={**os.environ, "DATABASE_URL": database}, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [run.communicate(timeout=30 * build.patience) for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, outputs
    again = run_program("sidekick-app", "migrate", env={"DATABASE_URL": database})
    assert again.returncode == 0
    assert "0 of 1 steps applied now" in again.stdout


@pytest.mark.once
def test_migrate_without_a_database_says_what_to_set(run_program):
    done = run_program("sidekick-app", "migrate")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr


@pytest.mark.once
def test_a_configuration_with_five_mistakes_shows_five_messages(run_program, work_dir):
    config = work_dir / "app.toml"
    config.write_text('listen = "x"\nio = 5\n[database]\nlanes = 0\n[cache]\nttl = "soon"\n[log]\nrequest = "both"\n')
    done = run_program("sidekick-app", "--config", str(config))
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 5, lines
    for place in ("app.toml:1:1: listen", "app.toml:2:1: io", "app.toml:4:1: database.lanes", "app.toml:6:1: cache.ttl",
                  "app.toml:8:1: log.request: there is no such setting; did you mean log.requests?"):
        assert any(place in line for line in lines), (place, lines)
