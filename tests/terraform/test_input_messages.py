"""A wrong input's message names the variable, the value it got, and what it takes."""

import re

import pytest

from terraform_runner import CONFIGURATION

# variable: value, words of the message beside `variable = value`
WRONG = {
    "name": ("Side_Kick", '"Side_Kick"', "1 to 20 lower-case letters"),
    "region": ("oregon", '"oregon"', "such as us-west-2"),
    "vpc_cidr": ("10.0.0.1/16", '"10.0.0.1/16"', "/16 to /20"),
    "az_count": ("4", "4", "2 or 3"),
    "nat_mode": ("both", '"both"', "single, per_az or none"),
    "log_retention_days": ("31", "31", "CloudWatch takes 1, 3, 5"),
    "client_keep_alive_seconds": ("10", "10", "60 to 604800"),
    "image_digest": ("latest", '"latest"', "sha256: and 64 hexadecimal digits"),
    "task_memory": ("1024", "1024 with task_cpu = 2048", "2048: 4096 to 16384"),
    "max_count": ("1", "1", "from desired_count (2) to 1000"),
    "cpu_target_percent": ("95", "95", "10 to 80"),
    "keepalive_seconds": ("60", "60", "at least alb_idle_timeout_seconds + 5 = 65"),
    "request_deadline_seconds": ("58", "58", "1 to alb_idle_timeout_seconds - 5 = 55"),
    "stop_timeout_seconds": ("300", "300", "10 to 120"),
    "worker_count": ("65", "65", "from 1 to 64"),
    "db_engine_version": ("12", '"12"', "16 or 17"),
    "db_max_allocated_storage_gib": ("20", "20", "10 % = 22 to 65536"),
    "db_backup_retention_days": ("36", "36", "1 to 35"),
    "redis_engine_version": ("8.0", '"8.0" with redis_engine = "redis"', "7.0 and 7.1"),
    "redis_replica_count": ("0", "0", "1 to 5"),
    "error_ratio_max_percent": ("101", "101", "above 0 and at most 100"),
    "alarm_topic_arns": ('["ops"]', '["ops"]', "ARNs of SNS topics"),
}
ALONE = {  # Those that fail only when their neighbours are right.
    "drain_seconds": ("60", "60", "5 to stop_timeout_seconds - 5 = 55"),
    "pg_connections_per_worker": ("20", "20", "2 x max_count (8) tasks x worker_count (2) could open 640 connections; at most 320"),
}


def messages(root, *arguments: str) -> str:
    output = root.run("plan", "-no-color", *arguments, expect=1)
    return re.sub(r"\s+", " ", output)


@pytest.fixture(scope="module")
def all_at_once(root):
    return messages(root, *(f"-var={name}={value[0]}" for name, value in WRONG.items()))


@pytest.mark.parametrize("name", WRONG)
def test_message_names_variable_value_and_range(name, all_at_once):
    _, value, takes = WRONG[name]
    found = re.search(rf"\b{name} = {re.escape(value)}:? ?.*?{re.escape(takes)}", all_at_once)
    assert found, all_at_once


@pytest.mark.parametrize("name", ALONE)
def test_message_that_spans_variables(name, root):
    given, value, takes = ALONE[name]
    output = messages(root, f"-var={name}={given}")
    assert f"{name} = {value}:" in output and takes in output, output


def test_a_wrong_password_is_not_printed(root):
    output = messages(root, "-var=redis_auth_token=hush")
    assert "redis_auth_token (not shown, 4 characters)" in output and "hush" not in output


def test_every_message_begins_with_its_variable():
    text = (CONFIGURATION / "variables.tf").read_text()
    for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.S | re.M):
        for message in re.findall(r'error_message = "(.*)"$', body, re.M):
            assert message.startswith((f"{name} = ", f"{name} has ", f"{name} (")), f"{name}: {message}"
