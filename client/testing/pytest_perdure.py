"""pytest plays `*.test.yaml` files: each case is a test, with the verdict that `perdure test` gives.

Installed under its own name at the top (`pytest_perdure`), because every pytest of an environment imports it: where a
project has a package `client` of its own, that wins, and this must not break its tests. It imports nothing of
ours until there is a test file of ours.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from client.testing.pytest_items import CaseFileCollector

SUFFIXES = (".test.yaml", ".test.yml", ".test.json")
LEVELS = {
    "plan": "the interpreter alone, in milliseconds",
    "simulated": "the real workflow on a Temporal server, steps stubbed",
    "real": "real steps, agents scripted",
}
_ITEMS = "client.testing.pytest_items"
_LOOKED_AT = 65_536
"""Bytes in which the key `cases` must stand."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the levels known as markers: `pytest -m "not perdure_real"`."""
    for level, meaning in LEVELS.items():
        config.addinivalue_line("markers", f"perdure_{level}: a case of the level {level}: {meaning}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "CaseFileCollector | None":
    """Collect a test file of a definition."""
    if not file_path.name.endswith(SUFFIXES) or not _is_ours(file_path):
        return None
    try:
        from client.testing.pytest_items import CaseFileCollector
    except ModuleNotFoundError as error:
        message = f"`{file_path.name}` cannot be played here ({error}): a module of this project has that name"
        raise pytest.UsageError(f"{message}; play it by `perdure test`, and pytest with `-p no:perdure`") from error

    return CaseFileCollector.from_parent(parent, path=file_path)  # pyright: ignore[reportUnknownMemberType]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much of each definition its cases take."""
    if _ITEMS in sys.modules:
        from client.testing.pytest_items import coverage_lines

        for line in coverage_lines(config):
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server, if a case needed one."""
    if _ITEMS in sys.modules:
        from client.testing.pytest_items import close

        close(config)


def _is_ours(path: Path) -> bool:
    """Whether a file has the key `cases` at its top, or a definition beside it: other tools have such names too."""
    suffix = next(suffix for suffix in SUFFIXES if path.name.endswith(suffix))
    if path.with_name(path.name.removesuffix(suffix) + suffix.removeprefix(".test")).exists():
        return True
    with path.open("rb") as stream:
        start = stream.read(_LOOKED_AT)
    return any(line.startswith((b"cases:", b'"cases"')) for line in start.replace(b" ", b"").splitlines())
