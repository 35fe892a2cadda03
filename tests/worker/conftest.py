"""A home folder of the test's own, and a copy of the code that its worker runs."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from worker import embedded
from worker.embedded import Running
from worker.fingerprint import CODE_ROOT
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Home:
    """An embedded default, not started yet."""

    environment: dict[str, str]
    settings: Settings
    code: Path
    said: list[str]

    def bring_up(self) -> Running:
        """Find or start server and worker."""
        return embedded.bring_up(self.settings, self.environment, self.said.append)


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of our code: an edit of the checkout during a test would replace the worker."""
    root = tmp_path_factory.mktemp("code")
    for room in ("activities", "client", "definitions", "worker", "workflows"):
        shutil.copytree(CODE_ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def home(tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Return an embedded default in a folder of its own; what it started is ended afterwards."""
    monkeypatch.setattr(embedded, "CODE_ROOT", code)
    with _home(tmp_path / "home", code) as home:
        yield home


@pytest.fixture(scope="session")
def one_home(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Iterator[Home]:
    """Return the embedded default that `shared` hands out."""
    with _home(tmp_path_factory.mktemp("shared"), code) as home:
        yield home


@pytest.fixture
def shared(one_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return an embedded default that other tests used, and may have killed: `bring_up` must heal it."""
    monkeypatch.setattr(embedded, "CODE_ROOT", one_home.code)
    one_home.said.clear()
    return one_home


@contextlib.contextmanager
def _home(folder: Path, code: Path) -> Iterator[Home]:
    environment = {**os.environ, "PERDURE_HOME": str(folder), "PERDURE_GRACEFUL_SHUTDOWN": "500ms"}
    settings = Settings.embedded(environment)
    try:
        yield Home(environment, settings, code, [])
    finally:
        embedded.end(settings)
