"""What must hold of a plan whatever it deploys: who is let in, what is encrypted, what is allowed.

`violations(plan)` takes `terraform show -json` of a plan and returns sentences; an empty list is a pass. Exceptions are
listed with their reason, by type and purpose, so that a new one has to be argued for.
"""

import json
import re
from collections.abc import Callable, Iterator

ANYWHERE = ("0.0.0.0/0", "::/0")

# Actions for which AWS knows no resource to narrow them to.
ACTIONS_WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken", "logs:DescribeLogGroups", "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
}
MANAGED_POLICIES = {"AmazonRDSEnhancedMonitoringRole"}
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|TOKEN|PRIVATE|API_?KEY|CREDENTIAL", re.I)


class Resource:
    def __init__(self, change: dict):
        self.address: str = change["address"]
        self.type: str = change["type"]
        self.values: dict = change["change"]["after"]
        self.unknown: dict = change["change"].get("after_unknown") or {}

    def has(self, name: str) -> bool:
        """Whether the argument is set, now or at apply."""
        return bool(self.values.get(name)) or bool(self.unknown.get(name))

    def block(self, name: str) -> dict:
        blocks = self.values.get(name) or []
        return blocks[0] if blocks else {}


def resources_of(plan: dict) -> list[Resource]:
    return [Resource(change) for change in plan["resource_changes"]
            if change["mode"] == "managed" and change["change"]["after"] is not None]


def violations(plan: dict) -> list[str]:
    resources = resources_of(plan)
    found = []
    for resource in resources:
        for rule in RULES.get(resource.type, []) + RULES["*"]:
            found += [f"{resource.address}: {complaint}" for complaint in rule(resource)]
    found += companions_missing(resources)
    return found


# ---- network ---------------------------------------------------------------------------------------------------------


def ingress_is_for_clients(resource: Resource) -> Iterator[str]:
    cidr = resource.values.get("cidr_ipv4") or resource.values.get("cidr_ipv6")
    port = (resource.values.get("from_port"), resource.values.get("to_port"))
    if cidr and (".aws_vpc_security_group_ingress_rule.alb[" not in resource.address or port not in ((80, 80), (443, 443), (7500, 7500))):
        yield f"lets {cidr} in on {port}; only the load balancer's 80, 443 and 7500 are for addresses"
    if resource.values.get("ip_protocol") != "tcp":
        yield f"protocol {resource.values.get('ip_protocol')}, expected tcp"


def egress_is_narrow(resource: Resource) -> Iterator[str]:
    cidr = resource.values.get("cidr_ipv4") or resource.values.get("cidr_ipv6")
    if cidr in ANYWHERE and (resource.values.get("from_port"), resource.values.get("to_port")) != (443, 443):
        yield f"lets everything out to {cidr}; only 443 may go anywhere"
    if resource.values.get("ip_protocol") != "tcp":
        yield f"protocol {resource.values.get('ip_protocol')}, expected tcp"


def group_has_no_inline_rules(resource: Resource) -> Iterator[str]:
    if resource.values.get("ingress") or resource.values.get("egress"):
        yield "has rules inside; each rule is a resource of its own"


def subnet_gives_no_addresses(resource: Resource) -> Iterator[str]:
    if resource.values.get("map_public_ip_on_launch"):
        yield "gives every machine a public address"


def must_be(name: str, wanted: object) -> Callable[[Resource], Iterator[str]]:
    def rule(resource: Resource) -> Iterator[str]:
        if resource.values.get(name) != wanted:
            yield f"{name} is {resource.values.get(name)!r}, expected {wanted!r}"
    return rule


def must_have(name: str) -> Callable[[Resource], Iterator[str]]:
    def rule(resource: Resource) -> Iterator[str]:
        if not resource.has(name):
            yield f"{name} is not set"
    return rule


def service_is_private(resource: Resource) -> Iterator[str]:
    if resource.block("network_configuration").get("assign_public_ip") is not False:
        yield "tasks get public addresses"
    breaker = resource.block("deployment_circuit_breaker")
    if not (breaker.get("enable") and breaker.get("rollback")):
        yield "a failing deployment is not rolled back"


# ---- encryption ------------------------------------------------------------------------------------------------------


def listener_speaks_tls(resource: Resource) -> Iterator[str]:
    if resource.values.get("protocol") == "HTTPS" and not str(resource.values.get("ssl_policy") or "").startswith("ELBSecurityPolicy-TLS13-1-2-"):
        yield f"ssl_policy is {resource.values.get('ssl_policy')!r}, expected one of TLS 1.2 and 1.3"


def parameters_force_tls(resource: Resource) -> Iterator[str]:
    parameters = {each["name"]: each["value"] for each in resource.values.get("parameter") or []}
    if parameters.get("rds.force_ssl") != "1":
        yield "rds.force_ssl is not 1"


def registry_is_encrypted(resource: Resource) -> Iterator[str]:
    if resource.block("encryption_configuration").get("encryption_type") != "KMS":
        yield "images are not encrypted with a key of ours"
    if not resource.block("image_scanning_configuration").get("scan_on_push"):
        yield "images are not scanned"


# ---- identities ------------------------------------------------------------------------------------------------------


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]


def policy_is_narrow(resource: Resource) -> Iterator[str]:
    text = resource.values.get("policy")
    if text is None:
        if not resource.unknown.get("policy"):
            yield "has no policy"
        return
    for statement in json.loads(text)["Statement"]:
        actions = as_list(statement.get("Action", []))
        if "NotAction" in statement or "NotResource" in statement:
            yield "says what is not meant (NotAction, NotResource)"
        if statement["Effect"] != "Allow":
            continue
        for action in actions:
            if "*" in action:
                yield f"allows {action}"
        if "*" in as_list(statement.get("Resource", [])) and not set(actions) <= ACTIONS_WITHOUT_RESOURCE:
            yield f"allows {', '.join(actions)} on every resource"


def key_policy_is_narrow(resource: Resource) -> Iterator[str]:
    if not resource.values.get("enable_key_rotation"):
        yield "the key is not rotated"
    if resource.values.get("policy") is None:
        return  # AWS's default: the account decides by IAM. Or it is known only at apply.
    for statement in json.loads(resource.values["policy"])["Statement"]:
        principal = statement["Principal"]
        is_account = str(principal.get("AWS", "")).endswith(":root") if isinstance(principal, dict) else False
        if is_account:
            continue  # The form AWS documents; without it a key can become unmanageable.
        if principal == "*" or "Condition" not in statement:
            yield f"statement {statement.get('Sid')} is open to {principal} without a condition"
        if any("*" in action for action in as_list(statement["Action"])):
            yield f"statement {statement.get('Sid')} allows a wildcard"


def role_is_for_this_account(resource: Resource) -> Iterator[str]:
    for statement in json.loads(resource.values["assume_role_policy"])["Statement"]:
        if "aws:SourceAccount" not in json.dumps(statement.get("Condition", {})):
            yield "may be assumed for other accounts (no aws:SourceAccount)"


def bucket_policy_is_narrow(resource: Resource) -> Iterator[str]:
    if resource.values.get("policy") is None:
        return  # Known only at apply; the tests of the module read it there.
    for statement in json.loads(resource.values["policy"])["Statement"]:
        if statement["Effect"] == "Allow" and statement["Principal"] == "*":
            yield "lets everybody in"


def attachment_is_known(resource: Resource) -> Iterator[str]:
    name = str(resource.values.get("policy_arn")).rpartition("/")[2]
    if name not in MANAGED_POLICIES:
        yield f"attaches {name}; AWS's own policies are too wide, {', '.join(MANAGED_POLICIES)} excepted"


# ---- tasks -----------------------------------------------------------------------------------------------------------


def container_is_locked_down(resource: Resource) -> Iterator[str]:
    text = resource.values.get("container_definitions")
    if text is None:
        return  # Known only at apply: the check runs on the applied state too.
    for container in json.loads(text):
        if container.get("readonlyRootFilesystem") is not True:
            yield "its root file system can be written"
        if str(container.get("user", "0")).split(":")[0] in ("", "0", "root"):
            yield "runs as root"
        if "ALL" not in container.get("linuxParameters", {}).get("capabilities", {}).get("drop", []):
            yield "keeps capabilities"
        if container.get("privileged"):
            yield "is privileged"
        for variable in container.get("environment", []):
            if SECRET_WORDS.search(variable["name"]) or re.search(r"://[^/]*:[^/]*@", variable["value"]):
                yield f"{variable['name']} in the environment looks like a secret; use secrets"


# ---- all -------------------------------------------------------------------------------------------------------------


def is_tagged(resource: Resource) -> Iterator[str]:
    if "tags_all" not in resource.values and "tags_all" not in resource.unknown:
        return
    tags = resource.values.get("tags_all") or {}
    if resource.unknown.get("tags_all") is not True and "Project" not in tags:
        yield "has no tag Project"


DATABASE = [must_be("storage_encrypted", True), must_have("kms_key_id"), must_be("publicly_accessible", False),
            must_be("manage_master_user_password", True), must_be("password", None), must_have("master_user_secret_kms_key_id"),
            must_be("performance_insights_enabled", True), must_have("performance_insights_kms_key_id")]
CACHE = [must_be("transit_encryption_enabled", True), must_be("transit_encryption_mode", "required"),
         must_be("at_rest_encryption_enabled", "true"), must_have("kms_key_id")]
PUBLIC_ACCESS = [must_be(name, True) for name in
                 ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")]

RULES: dict[str, list[Callable[[Resource], Iterator[str]]]] = {
    "*": [is_tagged],
    "aws_cloudwatch_log_group": [must_have("retention_in_days"), must_have("kms_key_id")],
    "aws_db_instance": DATABASE,
    "aws_db_parameter_group": [parameters_force_tls],
    "aws_ecr_repository": [registry_is_encrypted, must_be("image_tag_mutability", "IMMUTABLE")],
    "aws_ecs_service": [service_is_private],
    "aws_ecs_task_definition": [container_is_locked_down],
    "aws_elasticache_replication_group": CACHE,
    "aws_iam_role": [role_is_for_this_account],
    "aws_iam_role_policy": [policy_is_narrow],
    "aws_iam_role_policy_attachment": [attachment_is_known],
    "aws_kms_key": [key_policy_is_narrow],
    "aws_lb": [must_be("drop_invalid_header_fields", True)],
    "aws_lb_listener": [listener_speaks_tls],
    "aws_s3_bucket_policy": [bucket_policy_is_narrow],
    "aws_s3_bucket_public_access_block": PUBLIC_ACCESS,
    "aws_secretsmanager_secret": [must_have("kms_key_id")],
    "aws_secretsmanager_secret_version": [must_be("secret_string", None)],
    "aws_security_group": [group_has_no_inline_rules],
    "aws_sns_topic": [must_have("kms_master_key_id")],
    "aws_subnet": [subnet_gives_no_addresses],
    "aws_vpc_security_group_egress_rule": [egress_is_narrow],
    "aws_vpc_security_group_ingress_rule": [ingress_is_for_clients],
}


def companions_missing(resources: list[Resource]) -> list[str]:
    """A bucket is closed and encrypted by resources of their own; a group's rules are only in rule resources."""
    types = {resource.type for resource in resources}
    found = []
    if "aws_s3_bucket" in types:
        for companion in ("aws_s3_bucket_public_access_block", "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_policy"):
            if companion not in types:
                found.append(f"there is a bucket, but no {companion}")
    if "aws_security_group_rule" in types:
        found.append("aws_security_group_rule is used; use one aws_vpc_security_group_*_rule per port")
    return found
