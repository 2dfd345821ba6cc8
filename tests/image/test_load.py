"""Load on a task as large as Terraform's default, and on the smallest one that is worth having."""

import json
import pathlib
import re
import subprocess

import pytest

from task import Task

SCRIPT = pathlib.Path(__file__).with_name("mixed.lua")
SMALL_CONNECTIONS = 2000
SMALL_SECONDS = 10  # its memory is at its peak after the first few


def load(task: Task, connections: int, seconds: int) -> dict[str, float]:
    """wrk with the script's requests: requests, errors of each kind, and answers that were not 2xx."""
    done = subprocess.run(["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
                           "--timeout", "10s", "--script", str(SCRIPT), f"http://127.0.0.1:{task.port}"],
                          capture_output=True, text=True, check=False, timeout=seconds + 60)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(re.search(r"^\{.*\}$", done.stdout, re.M)[0])


@pytest.fixture
def item(database):
    """Item 1, which the script reads."""
    def create(task: Task) -> None:
        made = task.request("POST", "/v1/items", {"Content-Type": "application/json"}, '{"name": "first"}')
        assert made.json["id"] == 1
    return create


def test_a_task_of_fargates_size_serves_load_without_an_error(task, database, item, load_seconds, measured):
    full = task(database)
    full.ready()
    item(full)
    result = load(full, 64, load_seconds)
    measured(f"2 CPUs, 4 GiB, 64 connections, {load_seconds} s: {result['requests']} requests, {result['errors']} errors, "
             f"{result['other']} not 2xx; peak {full.peak_bytes() / 2**20:.0f} MiB of memory")
    assert result["requests"] > 0 and result["errors"] == result["other"] == 0
    assert full.out_of_memory_kills() == 0
    assert full.stop(60)[0] == 0


def test_two_thousand_connections_fit_into_half_a_gibibyte_and_one_cpu(task, database, item, measured):
    small = task(database, memory="512m", cpus="1", options=("--ulimit", "nofile=8192:8192"))
    small.ready()
    item(small)
    before = set(small.resident_bytes())
    result = load(small, SMALL_CONNECTIONS, SMALL_SECONDS)
    measured(f"1 CPU, 512 MiB, {SMALL_CONNECTIONS} connections, {SMALL_SECONDS} s: {result['requests']} requests, "
             f"{result['errors']} errors, {result['other']} not 2xx; peak {small.peak_bytes() / 2**20:.0f} MiB of memory")
    assert result["requests"] > 0 and result["connect"] == 0
    assert small.out_of_memory_kills() == 0
    assert set(small.resident_bytes()) == before, "a process was replaced"
    assert small.inspect()["Running"] and not small.inspect()["OOMKilled"]
    assert small.get("/").status == 200
    assert small.stop(60)[0] == 0
