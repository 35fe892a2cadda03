"""What holds for the repository as a whole: layout, locks, docs, and what must not be in it."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from client.cli import perdure as command_line
from tools.check_links import dead_links, links

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "locks").glob("*.txt"))

REGISTRY_ADDRESS = re.compile(
    r"(?:https?|git\+\w+)://[^\s/\"'`)]*"
    r"(?:pypi\.|pythonhosted\.|npmjs\.|npmmirror\.|yarnpkg\.|proxy\.golang\.|goproxy\.|crates\.io|maven|artifactory|nexus\.|debian\.org/debian)"
    r"|--(?:extra-)?index-url\s+\S|--find-links\s+\S|^\s*registry\s*=\s*https?:",
    re.IGNORECASE | re.MULTILINE,
)


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode(errors="replace")
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def fenced_commands(page: Path) -> list[list[str]]:
    blocks = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if re.match(r"(make|perdure)(\s|$)", line)]


@pytest.mark.parametrize(
    "path",
    [
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "AGENTS.md",
        "Makefile",
        "docker-compose.yml",
        "Dockerfile",
        ".ci/run",
        "worker",
        "workflows",
        "activities",
        "definitions/catalog",
        "client",
        "tests",
        "docs/index.md",
        "docs/getting-started.md",
        "docs/language.md",
        "docs/command-line.md",
        "docs/architecture.md",
        "docs/decisions.md",
        "docs/performance.md",
    ],
)
def test_the_repository_has_its_parts(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_licence_is_apache_2_as_the_project_says() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"


def test_no_tracked_file_has_the_address_of_a_registry() -> None:
    found = {name: match[0] for name, text in texts().items() if (match := REGISTRY_ADDRESS.search(text))}
    found.pop("tests/test_repository.py", None)
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "--index-url " + "somewhere",
        "https://" + "registry.npmjs.org/x",
        "https://" + "files.pythonhosted.org/x",
        "registry=" + "https://elsewhere",
    ],
)
def test_an_address_of_a_registry_would_be_found(line: str) -> None:
    assert REGISTRY_ADDRESS.search(line)


def test_no_tracked_file_has_a_private_key() -> None:
    key = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20,}")
    assert [name for name, text in texts().items() if key.search(text)] == []


def test_no_page_has_somebodys_home_folder() -> None:
    home = re.compile(r"/home/(?!ada|you)\w+|/Users/(?!ada|you)\w+|/root/\w+|/work/\w+")
    pages = {name: text for name, text in texts().items() if name.endswith((".md", ".yaml", ".svg"))}
    assert {name: match[0] for name, text in pages.items() if (match := home.search(text))} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_each_package_with_hashes(lock: Path) -> None:
    packages = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert len(packages) > 5
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==\S+", package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_no_address(lock: Path) -> None:
    assert "://" not in lock.read_text()


def test_the_locks_have_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9.-]", requirement)[0].lower() for requirement in requirements}

    def locked(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "locks" / name).read_text(), re.MULTILINE))

    runtime = names(project["project"]["dependencies"])
    assert runtime <= locked("runtime.txt")
    assert runtime | names(project["dependency-groups"]["dev"]) <= locked("dev.txt")


def test_make_has_the_promised_targets() -> None:
    assert {"demo", "test", "check", "fix", "bench", "clean"} <= make_targets()


def test_make_alone_lists_its_targets() -> None:
    listing = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    assert all(f"make {target}" in listing for target in make_targets())


def test_ci_runs_check_and_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    assert re.findall(r"^make (\w+)$", script.read_text(), re.MULTILINE) == ["check", "test"]


def test_no_link_in_the_docs_is_dead() -> None:
    assert dead_links(ROOT) == []


def test_every_page_is_linked_from_the_index() -> None:
    linked = {
        (ROOT / "docs" / link.partition("#")[0]).resolve() for link in links((ROOT / "docs/index.md").read_text())
    }
    pages = {path for path in (ROOT / "docs").glob("*.md") if path.name != "index.md"}
    assert pages - linked == set()


def test_the_readme_leads_to_the_docs() -> None:
    assert "docs/index.md" in links((ROOT / "README.md").read_text())


def test_the_readme_names_its_two_commands() -> None:
    commands = fenced_commands(ROOT / "README.md")
    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "AGENTS.md", "docs/getting-started.md"])
def test_every_command_of_a_page_exists(page: str) -> None:
    for command in fenced_commands(ROOT / page):
        program, *arguments = command
        if program == "make":
            assert {name for name in arguments if "=" not in name} <= make_targets(), command
        else:
            assert_options_exist(command_line, arguments)


def assert_options_exist(command: click.Command, arguments: list[str]) -> None:
    """Fail where a documented command or option is not there; values are not looked at."""
    context = click.Context(command)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        inner = command.get_command(context, arguments[0])
        assert inner is not None, f"no command is called {arguments[0]}"
        command, arguments = inner, arguments[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    given = {argument.partition("=")[0] for argument in arguments if re.match(r"-{1,2}[a-z]", argument)}
    assert given <= known | {"--help", "--version"}, f"{command.name}: no option {given - known}"


def test_the_wheel_has_the_rooms_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = ["definitions", "workflows", "activities", "worker", "client"]
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == rooms
