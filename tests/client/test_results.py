import hashlib
import json
from datetime import UTC, datetime

import pytest

from activities.cache.keys import CacheKey
from activities.cache.records import Producer
from activities.cache.saving import save
from activities.store.opening import open_store
from activities.workspace.manifest import save_manifest
from activities.workspace.snapshots import snapshot
from client.exit_codes import ExitCode
from definitions.records import Status, StepStatus, Usage


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    return open_store(tmp_path / "store")


def tree(store, folder, files):
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    return save_manifest(store, snapshot(store, folder))


def record(store, run_id, **fields):
    status = Status(execution_id=run_id, definition_id="d", status="completed", **fields)
    store.write_document(f"runs/{run_id}/run.json", status.model_dump_json().encode())


@pytest.fixture
def changed(store, tmp_path):
    """A run that changed one file, added one and deleted one; nothing runs."""
    before = tree(store, tmp_path / "t", {"a.txt": "old\n", "gone.txt": "x\n", "same.txt": "s\n"})
    after = tree(store, tmp_path / "t", {"a.txt": "new\x1b[2J\n", "b.txt": "added\n", "same.txt": "s\n"})
    record(store, "changed", tree_before=before, tree=after)
    return tmp_path


def test_diff_shows_what_changed_with_no_server(cli, changed):
    text = cli("diff", "changed").out
    assert "-old" in text
    assert "+added" in text
    assert cli("diff", "changed", "--stat").out == "modified  a.txt\nadded     b.txt\ndeleted   gone.txt\n"
    assert json.loads(cli("diff", "changed", "--json").out)[0] == {"path": "a.txt", "change": "modified"}


def test_diff_on_a_terminal_holds_no_escapes(cli, changed, monkeypatch):
    monkeypatch.setattr("client.commands.changes._is_terminal", lambda: True)
    assert "\x1b" not in cli("diff", "changed").out


def test_diff_says_when_nothing_changed_or_there_are_no_files(cli, store, tmp_path):
    same = tree(store, tmp_path / "t", {"a": "1"})
    record(store, "same", tree_before=same, tree=same)
    record(store, "none")
    assert cli("diff", "same").err == "the run changed no files\n"
    ran = cli("diff", "none")
    assert (ran.code, "error[no-workspace]" in ran.err) == (1, True)


def test_apply_changes_the_folder_once(cli, changed):
    folder = changed / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("old\n")
    (folder / "gone.txt").write_text("x\n")
    assert cli("apply", "changed", "--workspace", str(folder)).err == f"3 paths changed in `{folder}`\n"
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]
    assert cli("apply", "changed", "--workspace", str(folder)).err.startswith("nothing to apply")
    assert json.loads(cli("apply", "changed", "--workspace", str(folder), "--json").out) == []


def test_apply_touches_nothing_when_a_file_was_changed_meanwhile(cli, changed):
    folder = changed / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("my own\n")
    ran = cli("apply", "changed", "--workspace", str(folder))
    assert ran.code == 1
    assert "a.txt" in ran.err
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


def test_apply_wants_a_folder(cli, changed):
    assert cli("apply", "changed", "--workspace", "nowhere").code == ExitCode.USAGE


# --- cache ----------------------------------------------------------------------------------------------


def cached(store, day, command, run_id):
    key = CacheKey(hashlib.sha256(command.encode()).hexdigest(), {"step": {"command": command}}, b"{}")
    moment = datetime(2026, 1, day, tzinfo=UTC)
    produced_by = Producer(execution_id=run_id, definition_id="d", path="a")
    assert save(
        store,
        key,
        before=None,
        after=None,
        outputs={},
        artifacts={},
        produced_by=produced_by,
        created_at=moment,
        usage=Usage(usd=0.5),
        seconds=2.0,
    )
    return key.digest


def test_explain_names_the_field_that_differs(cli, store):
    cached(store, 1, "echo 1", "one")
    key = cached(store, 2, "echo 2", "two")
    record(store, "two", steps={"a": StepStatus(status="completed", cache_key=key), "b": StepStatus(status="failed")})
    said = cli("cache", "explain", "two", "a").out
    assert f"a: not in the cache, so it ran (key {key[:16]})" in said
    assert '    step.command: "echo 1" -> "echo 2"' in said
    answer = json.loads(cli("cache", "explain", "two", "a", "--json").out)
    assert (answer["verdict"], answer["differences"][0]["field"]) == ("differs", "step.command")


def test_explain_says_who_made_what_was_taken(cli, store):
    key = cached(store, 1, "echo 1", "one")
    record(store, "two", steps={"a": StepStatus(status="completed", cache_key=key, cached=True)})
    assert "made by one at 2026-01-01 00:00:00 UTC" in cli("cache", "explain", "two", "a").out


def test_explain_says_when_there_is_nothing_to_explain(cli, store):
    record(store, "r", steps={"a": StepStatus(status="failed"), "b": StepStatus(status="failed", cache_key="0" * 64)})
    assert "error[no-cache-key]" in cli("cache", "explain", "r", "a").err
    assert "nothing is stored under this key" in cli("cache", "explain", "r", "b").out
    ran = cli("cache", "explain", "r", "aa")
    assert (ran.code, "error[unknown-step]" in ran.err) == (2, True)
    assert "lists its steps" in cli("cache", "explain", "r", "zzzz").err


def test_stats_count_and_clear_forgets_after_asking(cli, store, monkeypatch):
    cached(store, 1, "echo 1", "one")
    assert cli("cache", "stats").out == f"1 cached step in {store.location}, worth 2.0 s, $0.50\n       1  d\n"
    assert json.loads(cli("cache", "stats", "--json").out)["definitions"] == {"d": 1}
    monkeypatch.setattr("click.confirm", lambda *_texts, **_options: False)
    assert cli("cache", "clear").err == "nothing was done\n"
    assert cli("cache", "clear", "--yes").err == "1 cached step forgotten\n"
    assert json.loads(cli("cache", "clear", "--json").out)["removed"] == 0
