"""The task definition and packaging/Dockerfile speak of the same container."""

import json
import re
import shutil

import pytest

from terraform_runner import DIGEST, REPOSITORY, Terraform

pytestmark = pytest.mark.xdist_group("image")

DOCKERFILE = REPOSITORY / "packaging/Dockerfile"


def instruction(name: str) -> str:
    """The one instruction of that name in the final stage, without comments and continuations."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M).replace("\\\n", " ")
    final = re.split(r"^FROM ", text, flags=re.M)[-1]
    (found,) = re.findall(rf"^{name} +(.*)$", final, re.M)
    return found


@pytest.fixture(scope="module")
def applied(tree, stub, tmp_path_factory) -> dict:
    """The state after an apply with an image: only then is every value known."""
    folder = tmp_path_factory.mktemp("image") / "terraform"
    shutil.copytree(tree, folder, symlinks=True)
    terraform = Terraform(folder, stub.environment)
    terraform.run("apply", "-no-color", "-auto-approve", f"-var=image_digest={DIGEST}")
    return terraform.show()["values"]


@pytest.fixture(scope="module")
def container(applied) -> dict:
    (module,) = (child for child in applied["root_module"]["child_modules"] if child["address"] == "module.ecs")
    (definition,) = (found for found in module["resources"] if found["type"] == "aws_ecs_task_definition")
    (only,) = json.loads(definition["values"]["container_definitions"])
    return only


def test_user_port_and_health_check_are_those_of_the_image(container):
    assert container["user"] == instruction("USER")
    assert [str(mapping["containerPort"]) for mapping in container["portMappings"]] == [instruction("EXPOSE")]
    options, _, command = instruction("HEALTHCHECK").partition(" CMD ")
    assert container["healthCheck"]["command"] == ["CMD", *json.loads(command)]
    seconds = {name: int(value) for name, value in re.findall(r"--([a-z-]+)=(\d+)", options)}
    assert seconds == {"interval": container["healthCheck"]["interval"], "timeout": container["healthCheck"]["timeout"],
                       "start-period": container["healthCheck"]["startPeriod"],
                       "retries": container["healthCheck"]["retries"]}


def test_a_task_runs_what_the_image_runs_and_the_migration_is_run_by_its_name(applied, container):
    assert "command" not in container and "entryPoint" not in container
    assert json.loads(instruction("CMD")) == ["sidekick-lb"]
    assert not re.search(r"^ENTRYPOINT", DOCKERFILE.read_text(), re.M), "it would take the migration's name as an argument"
    overrides = re.search(r"--overrides '(.*?)'", applied["outputs"]["migrate_command"]["value"])[1]
    assert json.loads(overrides)["containerOverrides"][0]["command"] == ["sidekick-app", "migrate"]


def test_the_authorities_are_where_the_image_has_them(container):
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    text = DOCKERFILE.read_text()
    name = re.search(r"^ADD .* /settings/(\S+)$", text, re.M)[1]
    folder = re.search(r"^COPY --from=\S+ /settings/ (\S+/)$", text, re.M)[1]
    assert environment["PGSSLROOTCERT"] == folder + name
    assert environment["PGSSLMODE"] == "verify-full"


def test_a_task_is_stopped_as_the_image_expects(container):
    assert instruction("STOPSIGNAL") == "SIGTERM"
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert environment["SIDEKICK_STOP_TIMEOUT"] == f"{container['stopTimeout']}s"
    assert container["readonlyRootFilesystem"]
