"""Fixtures: the stub provider, and a copy of terraform/ in which to run, so that the checkout stays clean."""

import os
import pathlib
import shutil

import pytest

from terraform_runner import CONFIGURATION, DIGEST, REPOSITORY, StubProvider, Terraform

LEFTOVERS = ("*.tfstate*", "*.tfplan", ".terraform.lock.hcl")
MISSING = "terraform is not installed: see https://developer.hashicorp.com/terraform/install (1.11 or later)"


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that share a costly fixture run in one process")


def pytest_sessionstart(session):
    # The development environment sets this where the host has the program: then a skip would hide that it was lost
    # on the way in.
    if shutil.which("terraform") is None and os.environ.get("SIDEKICK_HOST_TERRAFORM"):
        pytest.exit("the host has terraform at " + os.environ["SIDEKICK_HOST_TERRAFORM"] + ", but it is not here", 1)


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[EXIT] = exitstatus


EXIT = pytest.StashKey[int]()


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or EXIT not in config.stash:
        return
    count = {name: len(reporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    failed = count["failed"] + count["error"]
    if failed == 0 and config.stash[EXIT] != 0:
        failed = 1  # It broke down before or between the tests.
    print(f"{count['passed']} passed, {failed} failed, {count['skipped']} skipped")


@pytest.fixture(scope="session")
def terraform_binary():
    if shutil.which("terraform") is None:
        pytest.skip(MISSING)


@pytest.fixture(scope="session")
def stub(terraform_binary):
    if shutil.which("node") is None:
        pytest.fail("node is not installed; it runs the stub provider: apt-get install nodejs")
    provider = StubProvider()
    yield provider
    provider.close()


def copy_configuration(target: pathlib.Path) -> pathlib.Path:
    shutil.copytree(CONFIGURATION, target / "terraform", symlinks=True,
                    ignore=shutil.ignore_patterns(".terraform", *LEFTOVERS))
    shutil.copy(REPOSITORY / "VERSION", target)
    return target / "terraform"


@pytest.fixture(scope="session")
def tree(stub, tmp_path_factory):
    """An initialised copy that tests may read and plan in, but not change."""
    folder = copy_configuration(tmp_path_factory.mktemp("tree"))
    for place in [folder, *sorted((folder / "examples").iterdir())]:
        Terraform(place, stub.environment).init()
    return folder


@pytest.fixture(scope="session")
def root(tree, stub):
    return Terraform(tree, stub.environment)


@pytest.fixture(scope="session")
def default_plan(root):
    """The root's plan with every default and an image."""
    return root.plan("default.tfplan", f"-var=image_digest={DIGEST}")


@pytest.fixture
def own_copy(tree, stub, tmp_path):
    """An initialised copy for a test that changes files or state: own_copy() or own_copy("examples/minimal")."""
    def make(place: str = ".") -> Terraform:
        shutil.copytree(tree, tmp_path / "terraform", symlinks=True, ignore=shutil.ignore_patterns(*LEFTOVERS))
        return Terraform(tmp_path / "terraform" / place, stub.environment)
    return make
