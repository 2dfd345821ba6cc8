"""Runs terraform in a copy of the configuration, against the stub provider, with nothing of the user's settings."""

import json
import os
import pathlib
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATION = REPOSITORY / "terraform"
COMMAND_SECONDS_MAX = 120
DIGEST = "sha256:" + "a" * 64  # of an image, made up


class StubProvider:
    """The stub as a process of its own: one start serves every command of a test run. Ends with its stdin."""

    def __init__(self):
        self.process = subprocess.Popen(["node", str(CONFIGURATION / "stub-provider/main.mjs")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stub provider ended with {self.process.wait()} before it served")
        self.environment = json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


class Terraform:
    """terraform in one folder; `environment` attaches the provider."""

    def __init__(self, folder: pathlib.Path, environment: dict[str, str]):
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.environment = {**kept, **environment, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1",
                            "TF_IN_AUTOMATION": "1", "TF_INPUT": "0",
                            "GOGC": "400"}  # Short commands: collecting garbage is a quarter of their time.

    def run(self, *arguments: str, expect: int | None = 0) -> str:
        """Output of the command, stderr included. Fails unless it exits with `expect`; None takes any."""
        done = subprocess.run(["terraform", *arguments], cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=COMMAND_SECONDS_MAX, check=False)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"terraform {' '.join(arguments)} in {self.folder.name}: "
                                 f"exit {done.returncode}, expected {expect}\n{done.stdout}")
        return done.stdout

    def init(self):
        self.run("init", "-no-color", "-backend=false")

    def plan(self, name: str, *arguments: str) -> dict:
        """Makes a plan file and returns it as JSON."""
        self.run("plan", "-no-color", f"-out={name}", *arguments)
        return self.show(name)

    def show(self, *name: str) -> dict:
        return json.loads(self.run("show", "-json", *name))


def changes(plan: dict) -> dict[str, list[str]]:
    """Address -> actions, for what a plan changes."""
    return {change["address"]: change["change"]["actions"] for change in plan.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])}


def planned(plan: dict, resource_type: str) -> dict[str, dict]:
    """Address -> planned values, of the resources of a type."""
    return {change["address"]: change["change"]["after"] for change in plan["resource_changes"]
            if change["type"] == resource_type and change["change"]["after"] is not None}
