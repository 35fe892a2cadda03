"""The suite that every back end passes, on moto's server and on a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.store.s3.store import S3Store
from tests.activities.store.conformance import StoreConformance
from tests.activities.store.s3_places import fresh_store
from tests.support.moto_server import MotoServer, running_moto


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with running_moto() as server:
        yield server


class TestStoreOnVersitygw(StoreConformance):
    """versitygw over a folder."""


class TestStoreOnMoto(StoreConformance):
    """moto, which keeps all in memory."""

    @pytest.fixture
    def store(self, moto: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Store:
        moto.set_in(monkeypatch)
        return fresh_store(monkeypatch, tmp_path / "cache")
