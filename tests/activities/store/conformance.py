"""What every store must do: a back end's test class inherits `StoreConformance` and gives the fixture `store`."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.store.interface import BlobMissing, Store, StoreError

ABSENT = hashlib.sha256(b"nowhere").hexdigest()
BIG = os.urandom(3 << 20)
UNSOUND_KEYS = [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "../a",
    "a/./b",
    "a b",
    "a\\b",
    "a\0b",
    "ä",
    "a/" + "b" * 256,
    "a/b" * 600,
]


def keep_small_files(store: Store, folder: Path, count: int) -> list[tuple[str, int]]:
    """Keep `count` different small files as one group."""
    paths = [folder / f"small-{number}" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(b"small file %d" % number)
    return store.write_blobs_from(paths)


class StoreConformance:
    def test_blob_reads_back_when_written(self, store: Store) -> None:
        digest = store.write_blob(b"hello")
        assert digest == hashlib.sha256(b"hello").hexdigest()
        assert store.read_blob(digest) == b"hello"
        assert store.has_blob(digest)

    def test_digest_is_the_same_when_written_twice(self, store: Store) -> None:
        assert store.write_blob(b"twice") == store.write_blob(b"twice")

    def test_empty_blob_reads_back_when_written(self, store: Store) -> None:
        assert store.read_blob(store.write_blob(b"")) == b""

    def test_blob_missing_is_raised_when_nothing_is_there(self, store: Store, tmp_path: Path) -> None:
        assert not store.has_blob(ABSENT)
        with pytest.raises(BlobMissing, match=ABSENT):
            store.read_blob(ABSENT)
        with pytest.raises(BlobMissing):
            store.copy_blob_to(ABSENT, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()

    @pytest.mark.parametrize("digest", ["", "abc", "../../etc/passwd", ABSENT.upper(), ABSENT + "0"])
    def test_digest_is_refused_when_it_is_none(self, store: Store, digest: str) -> None:
        with pytest.raises(StoreError, match="is not a digest"):
            store.read_blob(digest)
        with pytest.raises(StoreError, match="is not a digest"):
            store.has_blob(digest)

    @pytest.mark.parametrize("content", [b"", b"small", BIG], ids=["empty", "small", "big"])
    def test_file_goes_in_and_out_when_it_is_regular(self, store: Store, tmp_path: Path, content: bytes) -> None:
        source = tmp_path / "source"
        source.write_bytes(content)
        digest, size = store.write_blob_from(source)
        assert (digest, size) == (hashlib.sha256(content).hexdigest(), len(content))
        assert store.write_blob_from(source) == (digest, size)
        store.copy_blob_to(digest, tmp_path / "plain")
        store.copy_blob_to(digest, tmp_path / "program", executable=True)
        assert (tmp_path / "plain").read_bytes() == content == (tmp_path / "program").read_bytes()
        assert not os.access(tmp_path / "plain", os.X_OK)
        assert os.access(tmp_path / "program", os.X_OK)

    def test_digests_are_in_the_order_of_paths_when_many_files_are_kept(self, store: Store, tmp_path: Path) -> None:
        contents = [f"content {number % 120}".encode() for number in range(130)] + [BIG]
        paths = [tmp_path / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        kept = store.write_blobs_from(paths)
        assert kept == [(hashlib.sha256(content).hexdigest(), len(content)) for content in contents]
        assert all(store.has_blob(digest) for digest, _ in kept)
        assert store.write_blobs_from([]) == []

    def test_file_is_refused_when_it_is_not_regular(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "link").symlink_to("secret")
        os.mkfifo(tmp_path / "pipe")
        for name in ("link", "pipe", "absent", "."):
            with pytest.raises(OSError):  # noqa: PT011  (which one is the system's choice)
                store.write_blob_from(tmp_path / name)

    def test_nothing_is_overwritten_when_the_target_of_a_copy_exists(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "outside").write_text("mine")
        (tmp_path / "link").symlink_to("outside")
        for content in (b"theirs", BIG):
            digest = store.write_blob(content)
            for name in ("outside", "link"):
                with pytest.raises(FileExistsError):
                    store.copy_blob_to(digest, tmp_path / name)
        assert (tmp_path / "outside").read_text() == "mine"

    def test_copy_lands_in_the_open_folder_when_one_is_given(self, store: Store, tmp_path: Path) -> None:
        folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            store.copy_blob_to(store.write_blob(b"here"), Path("name"), folder_descriptor=folder)
            store.copy_blob_to(store.write_blob(BIG), Path("big"), folder_descriptor=folder)
        finally:
            os.close(folder)
        assert (tmp_path / "name").read_bytes() == b"here"
        assert (tmp_path / "big").read_bytes() == BIG

    def test_first_record_wins_when_created_twice(self, store: Store) -> None:
        assert store.read_record("cache/trusted/aa/key") is None
        assert store.create_record("cache/trusted/aa/key", b"first")
        assert not store.create_record("cache/trusted/aa/key", b"second")
        assert store.read_record("cache/trusted/aa/key") == b"first"

    def test_one_writer_wins_when_sixteen_create_a_record_at_once(self, store: Store) -> None:
        def create(number: int) -> bool:
            return store.create_record("race/record", str(number).encode() * 1000)

        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(create, range(16)))
        assert won.count(True) == 1
        assert store.read_record("race/record") == str(won.index(True)).encode() * 1000

    def test_record_can_be_created_again_when_it_was_deleted(self, store: Store) -> None:
        store.create_record("a/record", b"1")
        store.delete_record("a/record")
        store.delete_record("a/record")
        store.delete_record("never/was")
        assert store.read_record("a/record") is None
        assert store.create_record("a/record", b"2")

    def test_last_document_stands_when_written_twice(self, store: Store) -> None:
        assert store.read_document("runs/x/run.json") is None
        store.write_document("runs/x/run.json", b"1")
        store.write_document("runs/x/run.json", b"2")
        assert store.read_document("runs/x/run.json") == b"2"

    def test_readers_see_whole_documents_when_one_is_rewritten(self, store: Store) -> None:
        versions = {bytes([65 + number]) * 50_000 for number in range(20)}
        store.write_document("doc", min(versions))

        def read(_: int) -> bytes | None:
            return store.read_document("doc")

        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(store.write_document, "doc", version) for version in versions]
            seen = set(pool.map(read, range(50)))
            for write in writes:
                write.result()
        assert seen <= versions

    def test_keys_are_listed_in_order_when_they_share_a_prefix(self, store: Store) -> None:
        keys = [
            "runs/a/run.json",
            "runs/a/logs/x%2Fy/1/log-00001",
            "runs/a-b/run.json",
            "runs/b/run.json",
            "runs/a.json",
            "other",
        ]
        for key in keys:
            store.write_document(key, b"x")
        store.create_record("runs/a/record", b"x")
        everything = sorted([*keys, "runs/a/record"])
        assert list(store.list_keys("")) == everything
        for prefix in ("runs/", "runs/a", "runs/a/", "runs/a/lo", "other", "none", "runs/none/x"):
            assert list(store.list_keys(prefix)) == [key for key in everything if key.startswith(prefix)]

    def test_absent_blobs_are_named_when_many_are_asked_for(self, store: Store) -> None:
        kept = [store.write_blob(b"%d" % number) for number in range(5)]
        assert store.missing_blobs([*kept, ABSENT, kept[0]]) == {ABSENT}
        assert store.missing_blobs([]) == set()
        with pytest.raises(StoreError, match="is not a digest"):
            store.missing_blobs(["../x"])

    def test_blobs_read_as_before_when_they_were_fetched(self, store: Store, tmp_path: Path) -> None:
        contents = [b"%d" % number * 100 for number in range(50)] + [BIG]
        paths = [tmp_path / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        digests = [digest for digest, _ in store.write_blobs_from(paths)]
        store.fetch([*digests, ABSENT])
        store.fetch([])
        assert [store.read_blob(digest) for digest in digests] == contents
        with pytest.raises(BlobMissing):
            store.read_blob(ABSENT)

    def test_each_blob_arrives_once_and_reads_as_before_when_many_are_wanted(
        self, store: Store, tmp_path: Path
    ) -> None:
        contents = [b"%d" % number * 100 for number in range(50)] + [b"", BIG]
        paths = [tmp_path / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        kept = dict(zip([digest for digest, _ in store.write_blobs_from(paths)], contents, strict=True))
        arrived: list[str] = []
        for arrival in store.arriving([*kept, *kept, ABSENT]):
            arrived += arrival.digests
            for digest in arrival.digests - {ABSENT}:
                assert store.read_blob(digest) == kept[digest]
        assert sorted(arrived) == sorted([*kept, ABSENT])
        with pytest.raises(BlobMissing):
            store.read_blob(ABSENT)

    def test_blobs_are_listed_with_their_sizes_when_they_were_kept(self, store: Store, tmp_path: Path) -> None:
        assert list(store.list_blobs()) == []
        before = datetime.now(UTC) - timedelta(seconds=5)
        contents = [b"alone", BIG]
        (tmp_path / "a").write_bytes(b"in a group")
        (tmp_path / "b").write_bytes(b"")
        kept = {store.write_blob(content): len(content) for content in contents}
        kept |= dict(store.write_blobs_from([tmp_path / "a", tmp_path / "b"]))
        store.write_document("no/blob", b"x")
        listed = list(store.list_blobs())
        assert {blob.digest for blob in listed} == kept.keys()
        # an empty content has a stored form of some bytes where an object cannot be empty
        assert all(0 <= blob.size <= kept[blob.digest] + 16 for blob in listed)
        assert all(before <= blob.modified <= datetime.now(UTC) + timedelta(seconds=5) for blob in listed)

    def test_absent_blobs_are_named_when_they_are_renewed(self, store: Store, tmp_path: Path) -> None:
        kept = [store.write_blob(b"alone"), *(digest for digest, _ in keep_small_files(store, tmp_path, 20))]
        assert all(store.is_young(digest) for digest in kept)
        assert not store.is_young(ABSENT)
        assert store.renew([*kept, ABSENT]) == {ABSENT}

    def test_blob_is_checked_when_asked(self, store: Store) -> None:
        store.check_blob(store.write_blob(BIG))
        with pytest.raises(BlobMissing):
            store.check_blob(ABSENT)

    def test_dead_blobs_go_and_live_ones_stay_when_it_is_swept(self, store: Store, tmp_path: Path) -> None:
        live, dead = store.write_blob(b"live"), store.write_blob(b"dead")
        kept = [digest for digest, _ in keep_small_files(store, tmp_path, 40)]
        store.write_document("stays", b"x")
        alive = {live, *kept[:5]}
        later = datetime.now(UTC) + timedelta(hours=1)
        assert store.sweep(alive.__contains__, datetime(2020, 1, 1, tzinfo=UTC), dry_run=False).blobs == 0
        assert store.sweep(alive.__contains__, later, dry_run=True).blobs == 36
        assert store.missing_blobs([live, dead, *kept]) == set()
        assert store.sweep(alive.__contains__, later, dry_run=False).blobs == 36
        assert {blob.digest for blob in store.list_blobs()} == alive
        assert [store.read_blob(digest) for digest in kept[:5]] == [b"small file %d" % number for number in range(5)]
        with pytest.raises(BlobMissing):
            store.read_blob(kept[9])
        assert store.read_document("stays") == b"x"

    def test_document_is_swapped_when_it_is_what_was_read(self, store: Store) -> None:
        assert not store.swap_document("tags/latest", b"0", b"1")
        assert store.read_document("tags/latest") is None
        assert store.swap_document("tags/latest", None, b"1")
        assert not store.swap_document("tags/latest", None, b"2")
        assert not store.swap_document("tags/latest", b"0", b"2")
        assert store.read_document("tags/latest") == b"1"
        assert store.swap_document("tags/latest", b"1", b"2")
        assert store.read_document("tags/latest") == b"2"

    def test_document_is_swapped_when_its_content_came_back(self, store: Store) -> None:
        store.write_document("doc", b"1")
        store.write_document("doc", b"2")
        store.write_document("doc", b"1")
        assert store.swap_document("doc", b"1", b"3")
        store.delete_record("doc")
        assert not store.swap_document("doc", b"3", b"4")
        assert store.swap_document("doc", None, b"")
        assert store.swap_document("doc", b"", b"5")
        assert store.read_document("doc") == b"5"

    def test_no_count_is_lost_when_eight_swap_at_once(self, store: Store) -> None:
        def add(_: int) -> None:
            while True:
                before = store.read_document("count")
                if store.swap_document("count", before, b"%d" % (int(before or b"0") + 1)):
                    return

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(24)))
        assert store.read_document("count") == b"24"

    def test_entries_are_listed_with_size_and_time_when_they_share_a_prefix(self, store: Store) -> None:
        before = datetime.now(UTC) - timedelta(seconds=5)
        store.write_document("runs/a/run.json", b"12345")
        store.create_record("runs/a/record", b"1")
        store.write_document("runs/b", b"")
        listed = list(store.list_entries("runs/"))
        assert [(entry.key, entry.size) for entry in listed] == [
            ("runs/a/record", 1),
            ("runs/a/run.json", 5),
            ("runs/b", 0),
        ]
        assert all(before <= entry.modified <= datetime.now(UTC) + timedelta(seconds=5) for entry in listed)
        assert list(store.list_entries("none")) == []

    @pytest.mark.parametrize("key", UNSOUND_KEYS)
    def test_key_is_refused_when_it_is_unsound(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError, match="is not a key"):
            store.write_document(key, b"x")
        with pytest.raises(StoreError, match="is not a key"):
            store.create_record(key, b"x")
        with pytest.raises(StoreError, match="is not a key"):
            store.read_document(key)

    def test_location_is_named_when_asked(self, store: Store) -> None:
        assert store.location
