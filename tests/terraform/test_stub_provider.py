"""The stub provider's own tests, and that it is not a yes-man: configurations that must fail do, for the right reason."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from terraform_runner import CONFIGURATION, Terraform

pytestmark = pytest.mark.xdist_group("stub")

HEAD = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'

BROKEN = {
    "misspelt argument": (
        'resource "aws_vpc" "x" {\n  cidr_blok = "10.0.0.0/16"\n}', "Did you mean \"cidr_block\"?"),
    "misspelt block": (
        'resource "aws_lb_target_group" "x" {\n  helth_check {}\n}', "Did you mean \"health_check\"?"),
    "unknown resource type": (
        'resource "aws_loadbalancer" "x" {}', "does not support resource type"),
    "wrong type": (
        'resource "aws_vpc" "x" {\n  enable_dns_support = "perhaps"\n}', "a bool is required"),
    "missing argument": (
        'resource "aws_db_instance" "x" {}', "The argument \"instance_class\" is required"),
    "missing argument in a block": (
        'resource "aws_ecs_service" "x" {\n  name = "x"\n  deployment_circuit_breaker {\n    enable = true\n  }\n}',
        "The argument \"rollback\" is required"),
    "block given twice": (
        'resource "aws_lb_target_group" "x" {\n  health_check {}\n  health_check {}\n}', "No more than 1 \"health_check\" blocks"),
    "value out of range": (
        'resource "aws_lb" "x" {\n  idle_timeout = 5000\n}', "expected a number from 1 to 4000"),
    "value not in the list": (
        'resource "aws_flow_log" "x" {\n  traffic_type = "SOME"\n}', "expected one of ACCEPT, REJECT, ALL"),
    "arguments that exclude each other": (
        'resource "aws_lb_target_group" "x" {\n  load_balancing_algorithm_type = "least_outstanding_requests"\n  slow_start = 30\n}',
        "slow_start cannot be combined"),
    "ephemeral value in an ordinary argument": (
        'variable "v" {\n  type      = string\n  ephemeral = true\n  default   = "x"\n}\n'
        'resource "aws_secretsmanager_secret_version" "x" {\n  secret_id     = "s"\n  secret_string = var.v\n}',
        "Ephemeral values are not valid"),
    "computed attribute set": (
        'resource "aws_vpc" "x" {\n  arn = "arn:aws:ec2:x"\n}', "Can't configure a value for \"arn\""),
    "unknown attribute read": (
        'resource "aws_vpc" "x" {}\noutput "o" {\n  value = aws_vpc.x.nothing\n}', "no argument, nested block, or exported attribute named \"nothing\""),
}


@pytest.fixture(scope="module")
def complaints(stub, tmp_path_factory) -> dict[str, str]:
    """Case -> what `terraform validate` says of it; all in one run, each in a file of its own."""
    folder = tmp_path_factory.mktemp("broken")
    files = {f"case_{number}.tf": case for number, case in enumerate(BROKEN)}
    (folder / "versions.tf").write_text(HEAD)
    for file, case in files.items():
        (folder / file).write_text(BROKEN[case][0].replace('"x" {', f'"{file[:-3]}" {{').replace("aws_vpc.x.", f"aws_vpc.{file[:-3]}.") + "\n")
    terraform = Terraform(folder, stub.environment)
    terraform.init()
    said: dict[str, str] = {case: "" for case in BROKEN}
    for each in json.loads(terraform.run("validate", "-json", expect=1))["diagnostics"]:
        said[files[each["range"]["filename"]]] += f"{each['summary']}: {each['detail']}\n"
    return said


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_configuration_is_refused(case, complaints):
    assert BROKEN[case][1] in re.sub(r"\s+", " ", complaints[case]), complaints[case]


def test_every_type_in_use_is_in_the_extracted_schema():
    schema = json.loads((CONFIGURATION / "stub-provider/schema/aws.json").read_text())
    used = {"resource": set(), "data": set()}
    for file in CONFIGURATION.rglob("*.tf"):
        for kind, name in re.findall(r'^(resource|data) "(aws_\w+)"', file.read_text(), re.M):
            used[kind].add(name)
    assert set(schema["resources"]) == used["resource"]
    assert set(schema["data_sources"]) == used["data"]


def test_its_own_tests_pass():
    if shutil.which("node") is None:
        pytest.fail("node is not installed: apt-get install nodejs")
    files = sorted(str(file) for file in (CONFIGURATION / "stub-provider/test").glob("*.test.mjs"))
    assert len(files) == 3
    done = subprocess.run(["node", "--test", *files], text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"pass (\d+)", done.stdout), done.stdout


def test_it_runs_a_command_and_passes_its_exit_code(terraform_binary, tmp_path):
    main = CONFIGURATION / "stub-provider/main.mjs"
    def run(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(["node", str(main), "--", *command], text=True, capture_output=True, timeout=30, check=False)
    assert run("sh", "-c", "exit 7").returncode == 7
    assert "hashicorp/aws" in run("sh", "-c", "echo $TF_REATTACH_PROVIDERS").stdout
    missing = run(str(pathlib.Path(tmp_path) / "nothing"))
    assert missing.returncode == 127 and "cannot run" in missing.stderr
