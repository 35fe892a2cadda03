"""Stores on S3 for tests: on moto's server and on versitygw, each test with a prefix of its own."""

import uuid
from pathlib import Path

import pytest

from activities.store.s3.opening import open_s3_store
from activities.store.s3.store import S3Store

BUCKET = "perdure"


def fresh_location() -> str:
    """Return a store that nobody has used."""
    return f"s3://{BUCKET}/test/{uuid.uuid4().hex[:12]}"


def fresh_store(patch: pytest.MonkeyPatch, cache: Path, location: str | None = None) -> S3Store:
    """Return a store with a local cache of its own: as another worker has it."""
    patch.setenv("PERDURE_STORE_CACHE", str(cache))
    return open_s3_store(location or fresh_location())
