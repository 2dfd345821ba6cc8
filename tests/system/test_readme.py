"""What the README tells a newcomer is done here, word by word, with free ports in place of its own."""

import pathlib
import re

import pytest

from harness import http
from harness.waiting import eventually
from sidekick_dev.process import Process

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
NODE_SERVER = ("require('http').createServer((request, response) => response.end('node ' + process.pid))"
               ".listen(process.env.PORT, '127.0.0.1')\n")

pytestmark = pytest.mark.once


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.fixture
def node_server(work_dir):
    path = work_dir / "server.js"
    path.write_text(NODE_SERVER)
    return path


def get(port: int, target: str) -> http.Response:
    with http.Connection(("127.0.0.1", port)) as connection:
        return connection.request("GET", target, {"Connection": "close"})


def test_the_two_commands_lead_the_page():
    first = blocks("bash")[0].splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["./dev up -d", "./dev test"]


def test_sidekick_in_front_of_a_node_server(balancer, run_program, program, work_dir, node_server, free_port):
    node_port, our_port = free_port(), free_port()
    config = blocks("toml")[0].replace("127.0.0.1:3000", f"127.0.0.1:{node_port}").replace(
        "127.0.0.1:8081", f"127.0.0.1:{our_port}")
    assert str(node_port) in config and str(our_port) in config
    path = work_dir / "sidekick.toml"
    path.write_text(config)
    node = Process("node", ["node", str(node_server)], work_dir / "node.log", env={"PORT": str(node_port)})
    try:
        eventually(lambda: get(node_port, "/").status == 200)
        checked = run_program("sidekick-lb", "check", "--config", str(path))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        program("sidekick-lb", "--config", str(path))
        answer = eventually(lambda: (a := get(our_port, "/hello")).status == 200 and a)
        assert answer.text.startswith("node ")
    finally:
        node.stop()


def test_a_node_server_as_supervised_workers(program, work_dir, node_server, free_port):
    our_port = free_port()
    upstream = blocks("toml")[1].replace('"server.js"', f'"{node_server}"')
    config = re.sub(r"\[\[upstream\]\].*?(?=\[\[route\]\])", lambda _: upstream + "\n", blocks("toml")[0], flags=re.S)
    path = work_dir / "sidekick.toml"
    path.write_text(config.replace("127.0.0.1:8081", f"127.0.0.1:{our_port}"))
    program("sidekick-lb", "--config", str(path))
    seen = set()

    def both_have_answered():
        answer = get(our_port, "/")
        assert answer.status == 200, answer
        seen.add(answer.text)
        return len(seen) == 2
    eventually(both_have_answered)
    assert all(text.startswith("node ") for text in seen)


def test_a_first_route_in_cpp(app):
    shown = blocks("cpp")[0]
    assert shown.strip() in (REPOSITORY / "examples/hello/main.cpp").read_text()
    hello = app(program="hello", name="hello")
    command, answer = re.search(r"curl http://127\.0\.0\.1:7600(\S+)\s+# (.*)", README).groups()
    assert get(hello.port, command).text == answer
