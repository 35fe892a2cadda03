import json
import os
import time
from pathlib import Path

import pytest

from activities.workspace.manifest import Entry
from activities.workspace.stat_cache import StatCache, StatCaches, restored_time

ENTRY = Entry("a\udcff", "f", "ab" * 32, 1)


@pytest.fixture
def status(folder: Path) -> os.stat_result:
    (folder / "a").write_text("1")
    os.utime(folder / "a", (1_600_000_000, 1_600_000_000))
    return (folder / "a").lstat()


def test_entry_is_found_when_the_file_is_as_it_was(status: os.stat_result) -> None:
    cache = StatCache()
    cache.learn(status, ENTRY, time.time_ns())
    assert cache.find("a\udcff", status) == ENTRY
    assert cache.find("b", status) is None


@pytest.mark.parametrize("change", ["content", "time", "mode", "replaced"])
def test_nothing_is_found_when_the_file_changed(folder: Path, status: os.stat_result, change: str) -> None:
    cache = StatCache()
    cache.learn(status, ENTRY, time.time_ns())
    file = folder / "a"
    match change:
        case "content":
            file.write_text("22")
        case "time":
            os.utime(file, (1_500_000_000, 1_500_000_000))
        case "mode":
            file.chmod(0o700)
        case _:
            (folder / "b").write_text("1")
            (folder / "b").rename(file)
    assert cache.find("a\udcff", file.lstat()) is None


@pytest.mark.parametrize(("age", "is_learned"), [(1_000_000, False), (30_000_000, True)])
def test_file_is_learned_when_it_was_not_written_just_now(folder: Path, age: int, is_learned: bool) -> None:
    (folder / "a").touch()
    now = 1_700_000_000_123_456_789
    os.utime(folder / "a", ns=(now - age, now - age))
    cache = StatCache()
    cache.learn((folder / "a").lstat(), ENTRY, now)
    assert bool(cache.files) is is_learned


def test_file_is_not_learned_when_the_file_system_keeps_whole_seconds(folder: Path) -> None:
    (folder / "a").touch()
    os.utime(folder / "a", (1_700_000_000, 1_700_000_000))
    cache = StatCache()
    cache.learn((folder / "a").lstat(), ENTRY, 1_700_000_001_000_000_000)
    assert cache.files == {}


def test_cache_reads_back_when_saved(folder: Path, status: os.stat_result) -> None:
    cache = StatCache()
    cache.learn(status, ENTRY, time.time_ns())
    cache.save_changes(folder / "stats.json")
    assert StatCache.load(folder / "stats.json").files == cache.files
    assert sorted(os.listdir(folder)) == ["a", "stats.json"]


def test_nothing_is_written_when_nothing_changed_since_it_was_saved(folder: Path, status: os.stat_result) -> None:
    cache = StatCache()
    cache.learn(status, ENTRY, time.time_ns())
    cache.save_changes(folder / "stats.json")
    (folder / "stats.json").unlink()
    cache.save_changes(folder / "stats.json")
    loaded = cache.renewed()
    loaded.keep(cache, "a\udcff")
    loaded.save_changes(folder / "stats.json")
    assert not (folder / "stats.json").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version":9}', '{"version":1}', '{"version":1,"files":[[1]]}', '{"version":1,"files":3}', "ä"]
)
def test_cache_is_empty_when_its_file_is_not_sound(folder: Path, text: str) -> None:
    (folder / "stats.json").write_text(text)
    assert StatCache.load(folder / "stats.json").files == {}
    assert StatCache.load(folder / "absent").files == {}


def test_saved_text_is_json(folder: Path) -> None:
    StatCache().save(folder / "stats.json")
    assert json.loads((folder / "stats.json").read_text()) == {"version": 1, "files": []}


def test_restored_files_are_of_the_past_and_outputs_older_than_sources() -> None:
    other = ENTRY._replace(digest="cd" * 32)
    assert restored_time(ENTRY) == restored_time(ENTRY._replace(path="b"))
    assert restored_time(ENTRY) != restored_time(other)
    assert restored_time(other._replace(ignored=True)) < restored_time(ENTRY) < time.time_ns()


def test_caches_are_kept_by_folder(folder: Path) -> None:
    caches, cache = StatCaches(), StatCache()
    caches.put(folder, cache)
    assert caches.get(folder) is cache
    caches.forget(folder)
    caches.forget(folder)
    assert caches.get(folder) is None
