"""Embedded defaults in folders of their own, for tests that start, kill and end them."""

import contextlib
import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

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


def copied_code(root: Path) -> Path:
    """Copy our code to `root`: an edit of the checkout during a test would replace the worker."""
    for room in ("activities", "client", "definitions", "worker", "workflows"):
        shutil.copytree(CODE_ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@contextlib.contextmanager
def embedded_home(folder: Path, code: Path) -> Generator[Home]:
    """Yield an embedded default in `folder`; what it started is ended afterwards."""
    environment = {**os.environ, "PERDURE_HOME": str(folder), "PERDURE_GRACEFUL_SHUTDOWN": "500ms"}
    settings = Settings.embedded(environment)
    try:
        yield Home(environment, settings, code, [])
    finally:
        embedded.end(settings)
