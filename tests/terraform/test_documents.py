"""What the documents say is what the configuration has."""

import re

from terraform_runner import CONFIGURATION, REPOSITORY

README = CONFIGURATION / "README.md"
DEPLOY = REPOSITORY / "docs/deploy-aws.md"


def declared(kind: str, file: str) -> dict[str, str]:
    """Name -> description, of variables or outputs."""
    text = (CONFIGURATION / file).read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n  description = "(.*)"$', text, re.M))


def table(title: str) -> set[str]:
    section = README.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.M))


def test_every_variable_is_in_the_readme():
    assert table("Inputs") == set(declared("variable", "variables.tf"))


def test_every_output_is_in_the_readme():
    assert table("Outputs") == set(declared("output", "outputs.tf"))


def test_defaults_in_the_readme_are_the_true_ones():
    section = README.read_text().split("## Inputs\n")[1].split("\n## ")[0]
    shown = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]*)`? \|", section, re.M))
    text = (CONFIGURATION / "variables.tf").read_text()
    for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.S | re.M):
        default = re.search(r"^  default\s+=\s+(.*)$", body, re.M)[1].strip('"')
        assert shown[name].strip() == default, name


def test_files_that_documents_name_exist():
    for document in (README, DEPLOY, CONFIGURATION / "stub-provider/README.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_documents_say_what_was_never_tried_on_aws():
    assert "never been applied to a real AWS account" in DEPLOY.read_text()
    assert "Verified against the stub only" in DEPLOY.read_text()


def test_no_lock_file_is_invented():
    assert list(CONFIGURATION.rglob(".terraform.lock.hcl")) == []
