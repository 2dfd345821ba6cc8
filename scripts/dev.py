"""The commands of ./dev that need the Debian 13 environment: building, testing, the stack, benches, formatting."""

import argparse
import os
import subprocess
import sys

from sidekick_dev import image, stack, test_run
from sidekick_dev.build import REPOSITORY, BuildError, build
from sidekick_dev.process import ProcessError

LAYERS = ("net", "db", "lb", "app", "bench", "examples", "tests")


def cpp_files(*suffixes: str) -> list[str]:
    listed = subprocess.run(["git", "-C", REPOSITORY, "-c", f"safe.directory={REPOSITORY}", "ls-files", "-co",
                             "--exclude-standard", "--", *LAYERS],
                            capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in listed if name.endswith(suffixes) and (REPOSITORY / name).exists()]


def fmt(arguments) -> int:
    """Formats C++ in place, or with --check only tells."""
    mode = ["--dry-run", "-Werror"] if arguments.check else ["-i"]
    files = arguments.files or cpp_files(".h", ".cpp")
    return subprocess.run(["clang-format-19", *mode, *files], cwd=REPOSITORY, check=False).returncode


def tidy(arguments) -> int:
    """clang-tidy over the sources of the preset dev, two at a time."""
    build("dev")
    files = arguments.files or [name for name in cpp_files(".cpp") if name.split("/")[0] in ("net", "db", "lb", "app")]
    # -Wno-unknown-warning-option: the compile commands are g++'s.
    line = ["clang-tidy-19", "-p", "build/dev", "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
    workers = str(os.cpu_count() or 1)
    return subprocess.run(["xargs", "-0", "-n", "1", "-P", workers, *line], cwd=REPOSITORY, check=False,
                          input="\0".join(files), text=True).returncode


def bench(arguments) -> int:
    """Builds the preset bench and runs bench/<name>.py with the remaining arguments."""
    script = REPOSITORY / "bench" / f"{arguments.name}.py"
    if not script.exists():
        there = sorted(path.stem for path in (REPOSITORY / "bench").glob("*.py") if os.access(path, os.X_OK))
        raise BuildError(f"there is no bench '{arguments.name}'; there are {', '.join(there) or 'none'}")
    build("bench")
    os.chdir(REPOSITORY)
    os.execvp(sys.executable, [sys.executable, str(script), *arguments.rest])


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("build", help="builds a preset: dev, release, asan, tsan, bench, fuzz")
    command.add_argument("preset", nargs="?", default="dev")
    command.add_argument("targets", nargs="*")
    command.set_defaults(run=lambda a: build(a.preset, *a.targets) and 0)

    command = commands.add_parser("test", help="builds and runs all tests")
    test_run.add_arguments(command)
    command.set_defaults(run=test_run.run)

    command = commands.add_parser("up", help="starts the stack: PostgreSQL, Redis, balancer and workers")
    command.add_argument("-d", "--detach", action="store_true", help="returns when it is ready")
    command.add_argument("--ports", default="8443,8080,7500", metavar="HTTPS,HTTP,PLAIN")
    command.add_argument("--preset", default="release")
    command.set_defaults(run=lambda a: stack.up(stack.Ports.parse(a.ports), a.detach, a.preset))

    commands.add_parser("down", help="ends it").set_defaults(run=lambda a: stack.down())
    commands.add_parser("status", help="what is up, and where").set_defaults(run=lambda a: stack.status())
    for name in ("pg", "redis"):
        command = commands.add_parser(name, help="stops and starts a dependency of the stack")
        command.add_argument("verb", choices=["start", "stop"])
        command.set_defaults(run=lambda a: stack.dependency(a.command, a.verb))

    command = commands.add_parser("bench", help="runs bench/NAME.py with the preset bench built")
    command.add_argument("name")
    command.add_argument("rest", nargs=argparse.REMAINDER)
    command.set_defaults(run=bench)

    command = commands.add_parser("image", help="builds the container image of packaging/Dockerfile")
    command.add_argument("--tag", default=image.TAG, help="its name; without a colon the version follows")
    command.add_argument("--db-ca", metavar="FILE|URL", help="authorities of the database's certificate")
    command.add_argument("--pull", action="store_true", help="renews the base image first")
    command.set_defaults(run=lambda a: image.command(a.tag, a.db_ca, a.pull))

    command = commands.add_parser("fmt", help="clang-format")
    command.add_argument("--check", action="store_true")
    command.add_argument("files", nargs="*")
    command.set_defaults(run=fmt)

    command = commands.add_parser("tidy", help="clang-tidy")
    command.add_argument("files", nargs="*")
    command.set_defaults(run=tidy)
    return parser.parse_args(words)


def main() -> int:
    arguments = parse(sys.argv[1:])
    try:
        return arguments.run(arguments)
    except (BuildError, ProcessError, stack.StackError, image.ImageError) as error:
        print(f"./dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
