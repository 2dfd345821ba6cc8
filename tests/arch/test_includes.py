"""The house stands on its arrows: what a file may include, and that each header can be read alone.

Headers whose source file includes them first are compiled alone by that file; for the others the build has
one generated source each (tests/CMakeLists.txt). Here we check that the first rule holds.
"""

import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)

# layer: the layers it may include. `bench` measures everything and is included by nothing.
ARROWS = {
    "net": {"net"},
    "db": {"net", "db"},
    "lb": {"net", "lb"},
    "app": {"net", "db", "app"},
    "examples": {"net", "db", "app"},
    "bench": {"net", "db", "lb", "app", "bench"},
}
# Inside net, from the ground up: a folder may include itself and those before it.
FLOORS_OF_NET = ["core", "io", "tls", "http", "link"]

# Libraries that only the named files know, so that replacing one touches one place.
KNOWN_ONLY_TO = {
    "toml++": {"lb/config_toml.cpp", "lb/config_section.h", "app/config_toml.cpp", "bench/scenario/scenario_toml.cpp"},
    "libpq-fe.h": {"db/pg/"},
    "hiredis": {"db/redis/"},
    "simdjson.h": {"app/", "bench/"},
    "llhttp.h": {"net/http/", "bench/"},
    "liburing.h": {"net/io/", "bench/"},
    "ares.h": {"net/io/"},
}

# A signal goes to a child by its pidfd (lb/spawn.h): a pid may be another's by the time it is used, and kill(-1) ends every
# process of the machine. These two signal a child that they have just made and not waited for.
SIGNAL_BY_PID = {"lb/spawn.cpp", "bench/modes/build_under_test.cpp"}


def sources(layer: str) -> list[pathlib.Path]:
    return sorted(path for path in (REPOSITORY / layer).rglob("*") if path.suffix in (".h", ".cpp"))


def relative(path: pathlib.Path) -> str:
    return str(path.relative_to(REPOSITORY))


def included(path: pathlib.Path) -> list[tuple[str, str]]:
    """(quote or angle bracket, name) of each include, in order."""
    return INCLUDE.findall(path.read_text())


@pytest.mark.parametrize("layer", sorted(ARROWS))
def test_includes_follow_the_arrows(layer):
    wrong = []
    for path in sources(layer):
        for quote, name in included(path):
            target = name.split("/")[0]
            if quote == '"' and target in ARROWS and target not in ARROWS[layer]:
                wrong.append(f"{relative(path)} includes {name}: {layer} may include {sorted(ARROWS[layer])} only")
    assert not wrong, "\n".join(wrong)


def test_floors_of_net_rest_on_those_below():
    wrong = []
    for path in sources("net"):
        floor = path.relative_to(REPOSITORY / "net").parts[0]
        assert floor in FLOORS_OF_NET, f"{relative(path)}: net has the folders {FLOORS_OF_NET}; add it in its place"
        for quote, name in included(path):
            parts = name.split("/")
            if quote == '"' and parts[0] == "net" and FLOORS_OF_NET.index(parts[1]) > FLOORS_OF_NET.index(floor):
                wrong.append(f"{relative(path)} includes {name}: net/{floor} lies below net/{parts[1]}")
    assert not wrong, "\n".join(wrong)


def test_quoted_includes_name_existing_files_from_the_root():
    wrong = []
    for layer in ARROWS:
        for path in sources(layer):
            for quote, name in included(path):
                if quote == '"' and name != "sidekick_version.h" and not (REPOSITORY / name).is_file():
                    wrong.append(f'{relative(path)} includes "{name}": write the path from the repository\'s root, '
                                 "libraries in <>")
    assert not wrong, "\n".join(wrong)


def test_a_source_file_includes_its_own_header_first():
    wrong = []
    for layer in ARROWS:
        for path in sources(layer):
            header = path.with_suffix(".h")
            if path.suffix == ".cpp" and header.exists():
                first = next(iter(included(path)), ("", "nothing"))[1]
                if first != relative(header):
                    wrong.append(f"{relative(path)} includes {first} first: include {relative(header)} first, "
                                 "which proves that the header compiles alone")
    assert not wrong, "\n".join(wrong)


def test_every_header_is_guarded_by_pragma_once():
    wrong = [relative(path) for layer in ARROWS for path in sources(layer)
             if path.suffix == ".h" and not re.search(r"^#pragma once$", path.read_text(), re.M)]
    assert not wrong, f"#pragma once is missing in {wrong}"


@pytest.mark.parametrize("library", sorted(KNOWN_ONLY_TO))
def test_libraries_are_known_only_where_they_are_wrapped(library):
    wrong = []
    for layer in ARROWS:
        for path in sources(layer):
            for quote, name in included(path):
                if quote == "<" and (name == library or name.startswith(library + "/")):
                    if not any(relative(path).startswith(place) for place in KNOWN_ONLY_TO[library]):
                        wrong.append(f"{relative(path)} includes <{name}>: only {sorted(KNOWN_ONLY_TO[library])} may")
    assert not wrong, "\n".join(wrong)


def test_no_process_is_signalled_by_its_number():
    found = {relative(path) for layer in ARROWS for path in sources(layer)
             if re.search(r"\b(kill|killpg|tgkill)\(", re.sub(r"//.*", "", path.read_text()))}
    assert found == SIGNAL_BY_PID
