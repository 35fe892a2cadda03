"""A home folder of the test's own, and a copy of the code that its worker runs."""

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
    environment = {**os.environ, "PERDURE_HOME": str(tmp_path / "home"), "PERDURE_GRACEFUL_SHUTDOWN": "1s"}
    settings = Settings.embedded(environment)
    yield Home(environment, settings, code, [])
    embedded.end(settings)
