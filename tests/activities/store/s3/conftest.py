from pathlib import Path

import pytest

from activities.store.s3.store import S3Store
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import Gateway


@pytest.fixture
def s3(s3_server: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A real server, that boto3 in this process finds."""
    s3_server.set_in(monkeypatch)
    return s3_server


@pytest.fixture
def store(s3: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    return fresh_store(monkeypatch, tmp_path / "cache")
