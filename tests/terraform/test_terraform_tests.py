"""`terraform test`, file by file, for root and examples; and that no validation is without a test."""

import re

import pytest

from terraform_runner import CONFIGURATION, Terraform

FILES = sorted(str(file.relative_to(CONFIGURATION)) for file in CONFIGURATION.glob("**/*.tftest.hcl"))


@pytest.mark.parametrize("file", FILES)
def test_terraform_test(file, tree, stub):
    place, _, name = file.rpartition("tests/")
    terraform = Terraform(tree / place, stub.environment)
    output = terraform.run("test", "-no-color", f"-filter=tests/{name}")
    runs = (CONFIGURATION / file).read_text().count("\nrun \"")
    assert f"Success! {runs} passed, 0 failed." in output, output
    assert "Warning" not in output, output


def test_root_and_every_example_have_tests():
    places = {file.rpartition("tests/")[0] for file in FILES}
    assert places == {"", *(f"examples/{folder.name}/" for folder in (CONFIGURATION / "examples").iterdir())}


@pytest.mark.parametrize("place", [".", "examples/production", "examples/remote-state"])
def test_every_validation_has_a_run_that_expects_its_failure(place):
    folder = CONFIGURATION / place
    validations = {}
    for file in folder.glob("*.tf"):
        for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', file.read_text(), re.S | re.M):
            if count := len(re.findall(r"^  validation \{", body, re.M)):
                validations[name] = count
    expected = {}
    for file in (folder / "tests").glob("*.tftest.hcl"):
        for names in re.findall(r"expect_failures = \[(.*?)\]", file.read_text()):
            for name in re.findall(r"var\.(\w+)", names):
                expected[name] = expected.get(name, 0) + 1
    assert validations
    short = {name: f"{expected.get(name, 0)} runs for {count} validations"
             for name, count in validations.items() if expected.get(name, 0) < count}
    assert not short
