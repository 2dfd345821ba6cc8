"""Root and examples from `fmt` to `destroy`."""

import json
import re

import pytest

import policy
from terraform_runner import CONFIGURATION, DIGEST, REPOSITORY, Terraform, changes, planned

OTHER_DIGEST = "sha256:" + "b" * 64
PRODUCTION = ("-var=domain_name=app.example.com", "-var=zone_id=Z0123456789", "-var=alarm_email=ops@example.com",
              "-var=redis_auth_token=0123456789abcdef")
PLACES = (".", "examples/minimal", "examples/production", "examples/remote-state")
LIFECYCLES = {  # name: place, arguments
    "root": (".", ()),
    "root without NAT, with exec and logs": (".", (
        f"-var=image_digest={DIGEST}", "-var=enable_execute_command=true", "-var=access_logs=true", "-var=nat_mode=none",
        '-var=interface_endpoints=["ecr.api","ecr.dkr","logs","secretsmanager","ssmmessages"]')),
    "minimal": ("examples/minimal", (f"-var=image_digest={DIGEST}",)),
    "production": ("examples/production", (f"-var=image_digest={DIGEST}", *PRODUCTION)),
}


def test_files_are_formatted(terraform_binary):
    Terraform(CONFIGURATION, {}).run("fmt", "-check", "-recursive", "-diff", "-no-color")


@pytest.mark.parametrize("place", PLACES)
def test_it_is_valid_without_warnings(place, tree, stub):
    report = json.loads(Terraform(tree / place, stub.environment).run("validate", "-json"))
    assert report["valid"] and report["diagnostics"] == []


@pytest.mark.parametrize("name", LIFECYCLES)
def test_apply_settles_breaks_no_rule_and_destroy_leaves_nothing(name, own_copy):
    place, arguments = LIFECYCLES[name]
    terraform = own_copy(place)
    terraform.run("apply", "-no-color", "-auto-approve", *arguments)
    settled = terraform.plan("settled.tfplan", *arguments)  # Here nothing is unknown any more.
    assert changes(settled) == {}
    assert policy.violations(settled) == []
    terraform.run("destroy", "-no-color", "-auto-approve", *arguments)
    assert json.loads((terraform.folder / "terraform.tfstate").read_text())["resources"] == []


def test_the_commands_of_the_readme_need_no_flags(own_copy):
    terraform = own_copy()
    terraform.run("init", "-no-color")
    plan = terraform.run("plan", "-no-color")
    assert re.search(r"Plan: \d+ to add, 0 to change, 0 to destroy", plan)
    assert "Warning" not in plan


def test_image_arrives_tasks_rise_and_the_next_image_changes_task_and_service_only(own_copy):
    terraform = own_copy()

    empty = terraform.plan("empty.tfplan")
    service = planned(empty, "aws_ecs_service")["module.ecs.aws_ecs_service.this"]
    assert service["desired_count"] == 0
    assert planned(empty, "aws_appautoscaling_target") == {}
    terraform.run("apply", "-no-color", "empty.tfplan")

    first = terraform.plan("first.tfplan", f"-var=image_digest={DIGEST}")
    assert planned(first, "aws_ecs_service")["module.ecs.aws_ecs_service.this"]["desired_count"] == 2
    assert changes(first) == {
        "module.ecs.terraform_data.has_image": ["update"],
        "module.ecs.aws_ecs_task_definition.this": ["delete", "create"],
        "module.ecs.aws_ecs_service.this": ["delete", "create"],
        "module.ecs.aws_appautoscaling_target.this[0]": ["create"],
        'module.ecs.aws_appautoscaling_policy.this["requests"]': ["create"],
        'module.ecs.aws_appautoscaling_policy.this["cpu"]': ["create"],
    }
    terraform.run("apply", "-no-color", "first.tfplan")
    definition = state_resource(terraform, "module.ecs.aws_ecs_task_definition.this")
    assert json.loads(definition["container_definitions"])[0]["image"].endswith("/sidekick@" + DIGEST)

    # From now on autoscaling owns the count.
    more = terraform.plan("more.tfplan", f"-var=image_digest={DIGEST}", "-var=desired_count=3")
    assert changes(more) == {"module.ecs.aws_appautoscaling_target.this[0]": ["update"]}

    second = terraform.plan("second.tfplan", f"-var=image_digest={OTHER_DIGEST}")
    assert changes(second) == {
        "module.ecs.aws_ecs_task_definition.this": ["delete", "create"],
        "module.ecs.aws_ecs_service.this": ["update"],
    }


def test_the_task_gets_its_database_by_address_and_secret(own_copy):
    terraform = own_copy()
    secrets = {**terraform.environment, "TF_VAR_app_secrets": '{"API_KEY":"hush-hush-hush"}',
               "TF_VAR_redis_auth_token": "0123456789abcdef"}
    terraform.environment = secrets
    terraform.run("apply", "-no-color", "-auto-approve", f"-var=image_digest={DIGEST}", '-var=app_secret_keys=["API_KEY"]')
    definition = state_resource(terraform, "module.ecs.aws_ecs_task_definition.this")
    container = json.loads(definition["container_definitions"])[0]
    database = state_resource(terraform, "module.rds.aws_db_instance.this")
    environment = {each["name"]: each["value"] for each in container["environment"]}
    by_secret = {each["name"]: each["valueFrom"] for each in container["secrets"]}
    assert environment["PGHOST"] == database["address"]
    assert (environment["PGPORT"], environment["PGDATABASE"], environment["PGSSLMODE"]) == ("5432", "sidekick", "verify-full")
    arn = database["master_user_secret"][0]["secret_arn"]
    assert by_secret["PGUSER"] == f"{arn}:username::" and by_secret["PGPASSWORD"] == f"{arn}:password::"
    app_secret = state_resource(terraform, "module.kms.aws_secretsmanager_secret.app")["arn"]
    assert by_secret["API_KEY"] == f"{app_secret}:API_KEY::" and by_secret["REDIS_URL"] == f"{app_secret}:REDIS_URL::"
    assert sorted(by_secret) == ["API_KEY", "PGPASSWORD", "PGUSER", "REDIS_URL"]

    state = (terraform.folder / "terraform.tfstate").read_text()
    assert "hush-hush-hush" not in state  # write-only
    holders = [resource["type"] for resource in json.loads(state)["resources"] if "0123456789abcdef" in json.dumps(resource)]
    assert holders == ["aws_elasticache_replication_group"]  # said in the variable's description


def state_resource(terraform: Terraform, address: str) -> dict:
    def walk(module):
        yield from module.get("resources", [])
        for child in module.get("child_modules", []):
            yield from walk(child)
    for resource in walk(terraform.show()["values"]["root_module"]):
        if resource["address"] == address:
            return resource["values"]
    raise AssertionError(f"{address} is not in the state")


def test_the_state_bucket_cannot_be_destroyed(own_copy):
    terraform = own_copy("examples/remote-state")
    terraform.run("apply", "-no-color", "-auto-approve")
    settled = terraform.plan("settled.tfplan")
    assert changes(settled) == {} and policy.violations(settled) == []
    assert "Instance cannot be destroyed" in terraform.run("destroy", "-no-color", "-auto-approve", expect=1)


def test_the_root_has_no_backend_and_the_example_of_one_is_valid(own_copy):
    assert not [file for file in CONFIGURATION.glob("*.tf") if re.search(r"^\s*backend\b", file.read_text(), re.M)]
    terraform = own_copy()
    (terraform.folder / "backend.tf.example").rename(terraform.folder / "backend.tf")
    terraform.init()
    report = json.loads(terraform.run("validate", "-json"))
    assert report["valid"] and report["diagnostics"] == []


def test_the_default_version_is_the_repositorys():
    default = re.search(r'variable "app_version" \{.*?default\s*=\s*"([^"]+)"', (CONFIGURATION / "variables.tf").read_text(), re.S)[1]
    assert default == (REPOSITORY / "VERSION").read_text().strip()


def test_names_passed_as_strings_are_the_resources(default_plan):
    """Where a reference would be a cycle, a name is passed; it must be the same."""
    plan = default_plan
    service = planned(plan, "aws_ecs_service")["module.ecs.aws_ecs_service.this"]
    alarms = planned(plan, "aws_cloudwatch_metric_alarm")
    cpu = alarms['module.observability.aws_cloudwatch_metric_alarm.plain["ecs-cpu"]']
    assert cpu["dimensions"]["ServiceName"] == service["name"]
    names = {alarm["alarm_name"] for alarm in alarms.values()}
    assert set(service["alarms"][0]["alarm_names"]) <= names
    groups = {group["name"] for group in planned(plan, "aws_cloudwatch_log_group").values()}
    policy = json.loads(planned(plan, "aws_kms_key")["module.kms.aws_kms_key.this"]["policy"])
    arns = policy["Statement"][1]["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert {arn.split(":log-group:")[1] for arn in arns} == groups
