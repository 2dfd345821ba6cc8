"""Each rule of the policy catches what it is for. That the plans of root and examples break none is in
test_configuration.py, where they are applied anyhow."""

import copy
import json
import shutil

import pytest

import policy
from terraform_runner import DIGEST, Terraform

pytestmark = pytest.mark.xdist_group("policy")


@pytest.fixture(scope="module")
def good_plan(tree, stub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy") / "terraform"
    shutil.copytree(tree, folder, symlinks=True)
    arguments = (f"-var=image_digest={DIGEST}", "-var=access_logs=true",
                 "-var=certificate_arn=arn:aws:acm:us-west-2:123456789012:certificate/c")
    terraform = Terraform(folder, stub.environment)
    terraform.run("apply", "-no-color", "-auto-approve", *arguments)
    plan = terraform.plan("settled.tfplan", *arguments)  # Here nothing is unknown any more.
    assert len(policy.resources_of(plan)) > 90
    assert policy.violations(plan) == []
    return plan


def container(**changed):
    def change(values):
        definitions = json.loads(values["container_definitions"])
        definitions[0].update(changed)
        values["container_definitions"] = json.dumps(definitions)
    return change


def statement(key, index, **changed):
    def change(values):
        document = json.loads(values[key])
        document["Statement"][index].update(changed)
        values[key] = json.dumps(document)
    return change


def condition_gone(key, index):
    def change(values):
        document = json.loads(values[key])
        document["Statement"][index].pop("Condition")
        values[key] = json.dumps(document)
    return change


BREAKS = {
    "ssh to the load balancer": ("aws_vpc_security_group_ingress_rule", {"from_port": 22, "to_port": 22}, "lets 0.0.0.0/0 in"),
    "database for everybody": ("module.security_groups.aws_vpc_security_group_ingress_rule.postgres_from_ecs",
                               {"cidr_ipv4": "0.0.0.0/0"}, "lets 0.0.0.0/0 in"),
    "everything out": ("module.security_groups.aws_vpc_security_group_egress_rule.ecs_https[0]",
                       {"from_port": 0, "to_port": 65535}, "only 443 may go anywhere"),
    "any protocol": ("aws_vpc_security_group_ingress_rule", {"ip_protocol": "-1"}, "protocol -1"),
    "inline rules": ("aws_security_group", {"ingress": [{"from_port": 80}]}, "has rules inside"),
    "public addresses": ("aws_subnet", {"map_public_ip_on_launch": True}, "public address"),
    "database in clear": ("aws_db_instance", {"storage_encrypted": False}, "storage_encrypted is False"),
    "database for the internet": ("aws_db_instance", {"publicly_accessible": True}, "publicly_accessible is True"),
    "database password in the state": ("aws_db_instance", {"password": "x"}, "password is 'x'"),
    "database without forced TLS": ("aws_db_parameter_group", {"parameter": []}, "rds.force_ssl is not 1"),
    "cache in clear": ("aws_elasticache_replication_group", {"transit_encryption_enabled": False}, "transit_encryption_enabled is False"),
    "images in clear": ("aws_ecr_repository", {"encryption_configuration": []}, "not encrypted with a key of ours"),
    "images that move": ("aws_ecr_repository", {"image_tag_mutability": "MUTABLE"}, "expected 'IMMUTABLE'"),
    "old TLS": ("module.alb.aws_lb_listener.forward[\"443\"]", {"ssl_policy": "ELBSecurityPolicy-2016-08"}, "ssl_policy is"),
    "log without a key": ("aws_cloudwatch_log_group", {"kms_key_id": None}, "kms_key_id is not set"),
    "log without an end": ("aws_cloudwatch_log_group", {"retention_in_days": 0}, "retention_in_days is not set"),
    "secret without a key": ("aws_secretsmanager_secret", {"kms_key_id": None}, "kms_key_id is not set"),
    "public bucket": ("aws_s3_bucket_public_access_block", {"block_public_acls": False}, "block_public_acls is False"),
    "bucket for everybody": ("aws_s3_bucket_policy", statement("policy", 1, Effect="Allow"), "lets everybody in"),
    "action wildcard": ("module.iam.aws_iam_role_policy.execution", statement("policy", 1, Action="ecr:*"), "allows ecr:*"),
    "every resource": ("module.iam.aws_iam_role_policy.execution", statement("policy", 3, Resource="*"), "on every resource"),
    "not action": ("module.iam.aws_iam_role_policy.execution", statement("policy", 3, NotAction="s3:x"), "not meant"),
    "role for others": ("module.iam.aws_iam_role.this[\"task\"]", condition_gone("assume_role_policy", 0), "other accounts"),
    "wide managed policy": ("aws_iam_role_policy_attachment", {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "too wide"),
    "key not rotated": ("aws_kms_key", {"enable_key_rotation": False}, "not rotated"),
    "key open to a service": ("aws_kms_key", condition_gone("policy", 1), "without a condition"),
    "container as root": ("aws_ecs_task_definition", container(user="0"), "runs as root"),
    "container writable": ("aws_ecs_task_definition", container(readonlyRootFilesystem=False), "can be written"),
    "container with capabilities": ("aws_ecs_task_definition", container(linuxParameters={}), "keeps capabilities"),
    "secret in the environment": ("aws_ecs_task_definition", container(environment=[{"name": "DB_PASSWORD", "value": "x"}]), "looks like a secret"),
    "password in a URL": ("aws_ecs_task_definition", container(environment=[{"name": "URL", "value": "redis://:x@h/0"}]), "looks like a secret"),
    "tasks with public addresses": ("aws_ecs_service", {"network_configuration": [{"assign_public_ip": True}]}, "public addresses"),
    "no rollback": ("aws_ecs_service", {"deployment_circuit_breaker": []}, "not rolled back"),
    "untagged": ("aws_vpc", {"tags_all": {}}, "no tag Project"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_rule_is_found(case, good_plan):
    target, change, complaint = BREAKS[case]
    plan = copy.deepcopy(good_plan)
    chosen = next(each for each in plan["resource_changes"]
                  if each["change"]["after"] is not None and target in (each["address"], each["type"])
                  and (target != "aws_vpc_security_group_ingress_rule" or each["change"]["after"].get("cidr_ipv4")))
    if callable(change):
        change(chosen["change"]["after"])
    else:
        chosen["change"]["after"].update(change)
    found = policy.violations(plan)
    assert any(chosen["address"] in each and complaint in each for each in found), found


def test_a_bucket_without_its_companions_is_found(good_plan):
    plan = copy.deepcopy(good_plan)
    plan["resource_changes"] = [each for each in plan["resource_changes"] if each["type"] != "aws_s3_bucket_public_access_block"]
    assert any("no aws_s3_bucket_public_access_block" in each for each in policy.violations(plan))
