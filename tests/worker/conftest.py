"""Embedded defaults: one for a test alone, and one that many tests share, kill, and heal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.embedded_homes import Home, copied_code, embedded_home
from worker import embedded


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_code(tmp_path_factory.mktemp("code"))


@pytest.fixture
def home(tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(embedded, "CODE_ROOT", code)
    with embedded_home(tmp_path / "home", code) as home:
        yield home


@pytest.fixture(scope="session")
def one_home(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Iterator[Home]:
    with embedded_home(tmp_path_factory.mktemp("shared"), code) as home:
        yield home


@pytest.fixture
def shared(one_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(embedded, "CODE_ROOT", one_home.code)
    one_home.said.clear()
    return one_home
