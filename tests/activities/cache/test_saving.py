import errno
import os
from datetime import timedelta

import pytest

from activities.cache.lookup import Hit, Limits, Miss, look_up
from activities.cache.records import read_record, records_of
from activities.cache.saving import Kept
from activities.store.interface import Store, StoreError
from activities.workspace.manifest import Manifest
from definitions.stored_values import file_reference
from definitions.trust import parse_trust
from tests.activities.cache.results import NOON, keep, key_of
from tests.activities.workspace.trees import tree

BEFORE = {"src/a": "1", "out": "old"}
AFTER = {"src/a": "1", "out": "new", "made/x": "m"}
KEY = key_of()


def maker(store: Store, manifest: Manifest | None) -> str:
    found = look_up(store, KEY, manifest)
    assert isinstance(found, Hit), found
    return found.record.produced_by.execution_id


def test_first_writer_wins_when_the_same_is_saved_twice(store: Store) -> None:
    before = tree(store, BEFORE)
    assert keep(store, KEY, before, tree(store, AFTER), run="first") == Kept(is_new=True)
    again = keep(store, KEY, before, tree(store, AFTER), run="second")
    assert (again.is_new, again.differs) == (False, ())
    assert maker(store, before) == "first"


def test_another_result_on_the_same_files_is_told_with_what_differs(store: Store) -> None:
    before = tree(store, BEFORE)
    digests = [store.write_blob(content) for content in (b"1", b"2")]
    kept = Kept(is_new=False)
    for run, out, digest in (("first", "1", digests[0]), ("second", "2", digests[1])):
        kept = keep(
            store,
            KEY,
            before,
            tree(store, {**AFTER, "made/x": out, f"made/{out}": out}),
            outputs={"stdout": out, "same": 1},
            artifacts={"report": file_reference("r", digest, 1)},
            run=run,
        )
    assert kept.differs == ("output `stdout`", "artifact `report`", "file `made/1`", "file `made/2`", "file `made/x`")
    assert kept.other is not None
    assert kept.other.execution_id == "first"
    assert not kept.is_new


def test_long_list_of_differences_is_cut(store: Store) -> None:
    keep(store, KEY, outputs={f"o{name}": 1 for name in range(9)})
    kept = keep(store, KEY, outputs={f"o{name}": 2 for name in range(9)})
    assert kept.differs[-1] == "4 more"
    assert len(kept.differs) == 6


def test_results_lie_side_by_side_when_they_began_differently_and_the_oldest_gives_way(store: Store) -> None:
    names = ("one", "two", "three", "four")
    for hours, name in enumerate(names):
        assert keep(store, KEY, tree(store, {"out": name}), tree(store, {"out": "x" + name}), run=name, hours=hours)
    for name in names:
        assert maker(store, tree(store, {"out": name})) == name
    assert keep(store, KEY, tree(store, {"out": "five"}), tree(store, {"out": "six"}), run="five", hours=9).is_new
    for name in ("two", "three", "four", "five"):
        assert maker(store, tree(store, {"out": name})) == name
    assert isinstance(look_up(store, KEY, tree(store, {"out": "one"})), Miss)


def test_what_is_kept_gives_way_when_it_is_too_old_or_shall_be_replaced(store: Store) -> None:
    limits = Limits(ttl=timedelta(hours=1), at=NOON + timedelta(hours=2))
    keep(store, KEY, run="old")
    assert keep(store, KEY, run="new", hours=2, limits=limits).is_new
    assert maker(store, None) == "new"
    assert not keep(store, KEY, run="newer", hours=2, limits=limits).is_new
    assert keep(store, KEY, run="newest", hours=3, replaces=True).is_new
    assert maker(store, None) == "newest"


def test_scopes_are_kept_apart(store: Store) -> None:
    scope = Limits(parse_trust("untrusted/pr-12"))
    assert keep(store, KEY, run="pr", limits=scope).is_new
    assert keep(store, KEY, run="main").is_new
    assert [record.produced_by.execution_id for record in records_of(store, KEY.digest)] == ["main", "pr"]
    place = f"cache/untrusted/pr-12/{KEY.digest[:2]}/{KEY.digest}"
    assert not isinstance(read_record(store, place), str | None)


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_saving_fails_without_a_record_when_the_disk_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        with pytest.raises(StoreError):
            keep(store, KEY)
    assert look_up(store, KEY, None) == Miss("nothing is kept under this key")


def test_records_are_found_by_digest(store: Store) -> None:
    assert records_of(store, KEY.digest) == []
    keep(store, KEY)
    assert [record.key for record in records_of(store, KEY.digest)] == [KEY.digest]
