"""Artifacts on a real S3 server: the same numbers, tags and contents as in a folder."""

import threading
import uuid
from pathlib import Path

import pytest

from activities.artifacts.getting import get
from activities.artifacts.tags import read_tag, set_tag
from activities.artifacts.versions import artifact_names, delete_version, publish_version, version_numbers
from activities.store.interface import Store
from activities.store.opening import open_store
from tests.activities.artifacts.samples import MOMENT, draft, publish, publish_folder
from tests.support.versitygw import Gateway


@pytest.fixture
def store(s3_server: Gateway, monkeypatch: pytest.MonkeyPatch) -> Store:
    s3_server.set_in(monkeypatch)
    bucket = f"artifacts-{uuid.uuid4().hex[:8]}"
    s3_server.make_bucket(bucket)
    return open_store(f"s3://{bucket}/project")


def test_each_number_is_given_once_when_many_publish_on_s3(store: Store):
    begin = threading.Barrier(4)

    def work(number: int) -> None:
        begin.wait()
        for turn in range(3):
            version = publish(store, "team/n", f"{number} {turn}".encode())
            set_tag(store, "team/n", "t", version.version, now=MOMENT, by=None, is_forward=True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tag = read_tag(store, "team/n", "t")
    assert tag is not None
    assert (version_numbers(store, "team/n"), tag.version) == ([*range(1, 13)], 12)
    assert artifact_names(store) == ["team/n"]


def test_versions_and_folders_come_back_when_kept_on_s3(store: Store, tmp_path: Path):
    one = draft(store, "n")
    assert publish_version(store, one) == publish_version(store, one)
    get(store, publish_folder(store, "d", {"a": b"1", "b/c": b"2"}), tmp_path / "out")
    assert (tmp_path / "out/b/c").read_bytes() == b"2"
    assert delete_version(store, "n", 1)
    assert publish(store, "n", b"other").version == 2
