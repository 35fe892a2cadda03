import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from activities.cache.index import Line, remember
from activities.cache.keys import CacheKey
from activities.cache.lookup import Miss, look_up
from activities.cache.records import Producer
from activities.cache.saving import save
from activities.store.canonical_json import canonical_json
from activities.store.opening import open_store
from activities.workspace.manifest import save_manifest
from activities.workspace.snapshots import snapshot
from client.exit_codes import ExitCode
from definitions.messages import Prepared
from definitions.records import Ledger, RunHandle, Usage
from definitions.statuses import Status, StepStatus


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
    assert cli("diff", "changed", "--stat").out == (
        " a.txt    | 2 +-\n b.txt    | 1 +\n gone.txt | 1 -\n 3 files changed, 2 insertions(+), 2 deletions(-)\n"
    )
    assert cli("diff", "changed", "--name-only").out == "a.txt\nb.txt\ngone.txt\n"
    assert json.loads(cli("diff", "changed", "--json").out)[0] == {
        "path": "a.txt",
        "change": "modified",
        "insertions": 1,
        "deletions": 1,
    }
    assert cli("diff", "changed", "--json", "--stat").code == ExitCode.USAGE


def test_diff_shows_what_one_step_changed(cli, store, tmp_path):
    first, second = tree(store, tmp_path / "t", {"a": "1\n"}), tree(store, tmp_path / "t", {"a": "2\n"})
    steps = {
        "build": StepStatus(status="completed", tree_before=first, tree=second),
        "look": StepStatus(status="completed"),
        "late": StepStatus(status="waiting_approval"),
    }
    record(store, "steps", tree_before=first, tree=first, steps=steps)
    assert cli("diff", "steps").err == "the run changed no files\n"
    assert "+2\n" in cli("diff", "steps", "build").out
    assert cli("diff", "steps", "look").err == "the step `look` changed no files\n"
    assert "`late` is waiting approval" in cli("diff", "steps", "late").err
    ran = cli("diff", "steps", "biuld")
    assert ran.code == ExitCode.USAGE
    assert "did you mean `build`?" in ran.err


def test_diff_counts_binary_files_renames_and_long_changes(cli, store, tmp_path):
    before = tree(store, tmp_path / "t", {"bin": "\0", "old name": "same\n", "long": "x\n" * 500})
    after = tree(store, tmp_path / "t", {"bin": "\0\1", "new name": "same\n", "long": "y\n" * 500 + "z\n"})
    record(store, "odd", tree_before=before, tree=after)
    lines = cli("diff", "odd", "--stat").out.splitlines()
    assert lines[0].strip() == "bin                  | Bin"
    assert lines[1].startswith(" long                 | 1001 +++")
    assert len(lines[1]) <= 80
    assert lines[2] == " old name => new name |    0"
    assert lines[3] == " 3 files changed, 501 insertions(+), 500 deletions(-)"
    rows = {row["path"]: row for row in json.loads(cli("diff", "odd", "--json").out)}
    assert rows["new name"] == {
        "path": "new name",
        "change": "renamed",
        "from": "old name",
        "insertions": 0,
        "deletions": 0,
    }
    assert rows["bin"] == {"path": "bin", "change": "modified", "binary": True}


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


def test_apply_merges_texts_when_asked_to(cli, store, tmp_path):
    before = tree(store, tmp_path / "t", {"a.txt": "0\n1\n2\n3\n"})
    after = tree(store, tmp_path / "t", {"a.txt": "0\n1\n2\ntheirs\n"})
    record(store, "texts", tree_before=before, tree=after)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("mine\n1\n2\n3\n")
    assert "merge texts by `--merge`" in cli("apply", "texts", "--workspace", str(folder)).err
    assert cli("apply", "texts", "--workspace", str(folder), "--merge").err == (
        f"1 path changed in `{folder}`\nmerged `a.txt`\n"
    )
    assert (folder / "a.txt").read_text() == "mine\n1\n2\ntheirs\n"


def test_apply_makes_a_branch_when_one_is_named(cli, store, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    (folder / "a.txt").write_text("0\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    before, after = tree(store, tmp_path / "t", {"a.txt": "0\n"}), tree(store, tmp_path / "t", {"a.txt": "1\n"})
    record(store, "branched", tree_before=before, tree=after, definition_name="Fix it")
    record(store, "idle", tree_before=before, tree=before)
    said = cli("apply", "branched", "--workspace", str(folder), "--branch", "take/it").err
    assert said.startswith("branch `take/it` made: commit ")
    shown = subprocess.run([*git, "show", "take/it"], check=True, capture_output=True, text=True).stdout
    assert "Changes by Fix it" in shown
    assert "Perdure-Run: branched" in shown
    assert (folder / "a.txt").read_text() == "0\n"
    again = cli("apply", "branched", "--workspace", str(folder), "--branch", "take/it")
    assert (again.code, "there is a branch `take/it` already" in again.err) == (1, True)
    made = json.loads(cli("apply", "branched", "--workspace", str(folder), "--branch", "b", "--json").out)
    assert (made["branch"], made["paths"]) == ("b", ["a.txt"])
    assert cli("apply", "idle", "--workspace", str(folder), "--branch", "c").err == "the run changed no files\n"
    idle = cli("apply", "idle", "--workspace", str(folder), "--branch", "c", "--json")
    assert json.loads(idle.out)["branch"] is None
    (folder / "a.txt").write_text("mine\n")
    subprocess.run([*git, "commit", "-qam", "y"], check=True)
    blocked = cli("apply", "branched", "--workspace", str(folder), "--branch", "d", "--merge")
    assert "`a.txt` cannot be merged" in blocked.err


def test_apply_wants_a_folder(cli, changed):
    assert cli("apply", "changed", "--workspace", "nowhere").code == ExitCode.USAGE


# --- cache ----------------------------------------------------------------------------------------------


def cached(store, day, command, run_id):
    fields = {"step": {"command": command}, "inputs": {"files": "0"}, "values": {}}
    key = CacheKey(hashlib.sha256(command.encode()).hexdigest(), fields, b"{}")
    moment = datetime(2026, 1, day, tzinfo=UTC)
    line = Line(
        key=key.digest,
        execution_id=run_id,
        created_at=moment - timedelta(seconds=2),
        descriptor=store.write_blob(canonical_json(key.descriptor)),
        files=store.write_blob(key.files),
        reason="`out`, which the step changes, is not what it was then",
    )
    remember(store, "d", "a", line)
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
    assert "against its nearest earlier result, of one (2026-01-01 00:00:00 UTC), these differ:" in said
    assert f"a: not in the cache, so it ran (key {key[:16]})" in said
    assert '    step.command: "echo 1" -> "echo 2"' in said
    answer = json.loads(cli("cache", "explain", "two", "a", "--json").out)
    assert (answer["verdict"], answer["differences"][0]["field"]) == ("differs", "step.command")


def test_explain_says_who_made_what_was_taken(cli, store):
    key = cached(store, 1, "echo 1", "one")
    record(store, "two", steps={"a": StepStatus(status="completed", cache_key=key, cached=True)})
    said = cli("cache", "explain", "two", "a").out
    assert "made by one, step a, at 2026-01-01 00:00:00 UTC; that saved 2.0 s and $0.50" in said


def test_explain_says_why_a_result_under_the_same_key_was_not_taken(cli, store):
    key = cached(store, 1, "echo 1", "one")
    line = Line(
        key=key,
        execution_id="two",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        reason="what was kept is older than its `ttl`, 1:00:00",
        not_kept="the store is full",
    )
    remember(store, "d", "a", line)
    record(store, "two", steps={"a": StepStatus(status="completed", cache_key=key)})
    said = cli("cache", "explain", "two", "a").out
    assert "there was a result under this key, and it ran: what was kept is older than its `ttl`" in said
    assert "its result was not kept: the store is full" in said
    answer = json.loads(cli("cache", "explain", "two", "a", "--json").out)
    assert (answer["verdict"], answer["not_kept"]) == ("same", "the store is full")


def test_explain_shows_so_many_differences_and_json_all(cli, store):
    cached(store, 1, "echo 1", "one")
    files = canonical_json({f"src/{number}.py": "file 1" for number in range(50)})
    key = CacheKey("ab" * 32, {"step": {"command": "echo 1"}, "inputs": {"files": "other"}, "values": {}}, files)
    line = Line(
        key=key.digest,
        execution_id="two",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        descriptor=store.write_blob(canonical_json(key.descriptor)),
        files=store.write_blob(files),
    )
    remember(store, "d", "a", line)
    record(store, "two", steps={"a": StepStatus(status="failed", cache_key=key.digest)})
    said = cli("cache", "explain", "two", "a").out
    assert '    inputs.files: src/0.py: absent -> "file 1"' in said
    assert "… and 10 more (`--json` has them all)" in said
    assert len(json.loads(cli("cache", "explain", "two", "a", "--json").out)["differences"]) == 50


def missed(store, run_id, fields, day=2):
    """A step of a run that looked for a key with these fields."""
    key = CacheKey(hashlib.sha256(canonical_json(fields)).hexdigest(), fields, b"{}")
    moment = datetime(2026, 1, day, tzinfo=UTC)
    descriptor = store.write_blob(canonical_json(fields))
    remember(store, "d", "a", Line(key=key.digest, execution_id=run_id, created_at=moment, descriptor=descriptor))
    record(store, run_id, steps={"a": StepStatus(status="completed", cache_key=key.digest)})


def test_explain_calls_a_value_of_a_script_as_its_author_did(cli, store):
    cached(store, 1, "echo ${PERDURE_V1}", "one")
    fields = {"step": {"command": "echo ${PERDURE_V1}"}, "inputs": {"files": "0"}, "values": {"PERDURE_V1": "you"}}
    missed(store, "two", fields)
    assert '    values.PERDURE_V1: absent -> "you"\n' in cli("cache", "explain", "two", "a").out
    prepared = Prepared(
        definition={
            "id": "d",
            "name": "d",
            "steps": [{"id": "a", "type": "shell", "command": "echo {{ inputs.who }}"}],
        },
        definition_digest="",
        inputs={},
        run=RunHandle(execution_id="two", definition_id="d", context=""),
    )
    store.write_document("runs/two/prepared.json", prepared.model_dump_json().encode())
    store.write_document("runs/two/ledger.json", Ledger().model_dump_json().encode())
    assert '    {{ inputs.who }}: absent -> "you"\n' in cli("cache", "explain", "two", "a").out
    for steps in ([{"id": "a", "type": "wait", "duration": "1s"}], "of another version"):
        prepared.definition["steps"] = steps
        store.write_document("runs/two/prepared.json", prepared.model_dump_json().encode())
        assert "    values.PERDURE_V1: absent" in cli("cache", "explain", "two", "a").out


def test_explain_shows_digests_by_their_beginnings(cli, store):
    cached(store, 1, "echo 1", "one")
    missed(
        store, "two", {"step": {"command": "echo 1"}, "inputs": {"files": "0"}, "values": {"x": "file " + "ab" * 32}}
    )
    assert '    values.x: absent -> "file abababababab…"\n' in cli("cache", "explain", "two", "a").out


def test_explain_says_whose_result_a_trusted_run_did_not_take(cli, store):
    key = cached(store, 1, "echo 1", "one")
    sought = look_up(store, CacheKey("0" * 64, {}, b"{}"), None)
    assert isinstance(sought, Miss)
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    remember(store, "d", "a", Line(key=key, execution_id="two", created_at=moment, reason=sought.reason))
    record(store, "two", steps={"a": StepStatus(status="completed", cache_key=key)})
    said = cli("cache", "explain", "two", "a").out
    assert "one has a result under this key, and it ran: that run is trusted less" in said


def test_explain_says_when_there_is_nothing_to_explain(cli, store):
    record(store, "r", steps={"a": StepStatus(status="failed"), "b": StepStatus(status="failed", cache_key="0" * 64)})
    assert "error[no-cache-key]" in cli("cache", "explain", "r", "a").err
    assert "nothing is known of this key" in cli("cache", "explain", "r", "b").out
    ran = cli("cache", "explain", "r", "aa")
    assert (ran.code, "error[unknown-step]" in ran.err) == (2, True)
    assert "lists its steps" in cli("cache", "explain", "r", "zzzz").err


def test_stats_count_and_clear_forgets_after_asking(cli, store, monkeypatch):
    cached(store, 1, "echo 1", "one")
    assert cli("cache", "stats").out == f"1 cached step in {store.location}, worth 2.0 s, $0.50\n       1  d\n"
    store.write_document("cache/counts/2026-01-01/w", b'{"d": {"a": [3, 1, 6, 1.5, 2, 0.5], "b": [0, 0, 0, 0, 0, 0]}}')
    said = cli("cache", "stats").out
    assert "3 of 4 looked up came from the cache (75%), which saved 6.0 s, $1.50\n" in said
    assert "       3        1    75%    6.0 s, $1.50      d / a\n" in said
    assert "       0        0      -    0.0 s             d / b\n" in said
    answer = json.loads(cli("cache", "stats", "--json").out)
    assert (answer["total"]["hit_rate"], answer["steps"][0]["step"], answer["steps"][0]["hits"]) == (0.75, "a", 3)
    assert json.loads(cli("cache", "stats", "--json").out)["definitions"] == {"d": 1}
    monkeypatch.setattr("click.confirm", lambda *_texts, **_options: False)
    assert cli("cache", "clear").err == "nothing was done\n"
    assert cli("cache", "clear", "--yes").err == "1 cached step forgotten\n"
    assert json.loads(cli("cache", "clear", "--json").out)["removed"] == 0


def test_clear_forgets_what_is_meant_only(cli, store):
    cached(store, 1, "echo 1", "one")
    cached(store, 2, "echo 2", "two")
    assert cli("cache", "clear", "--definition", "other", "--yes").err == "0 cached steps forgotten\n"
    assert cli("cache", "clear", "--step", "b", "--yes").err == "0 cached steps forgotten\n"
    assert cli("cache", "clear", "--older-than", "3650d", "--yes").err == "0 cached steps forgotten\n"
    assert cli("cache", "clear", "--older-than", "soon", "--yes").code == ExitCode.USAGE
    assert cli("cache", "clear", "--definition", "d", "--step", "a", "--older-than", "1s", "--yes").err == (
        "2 cached steps forgotten\n"
    )


def test_run_refuses_a_trust_that_means_nothing(cli):
    ran = cli("run", "nowhere.yaml", "--trust", "all of it")
    assert (ran.code, "trust is `trusted` or `untrusted/SCOPE`" in ran.err) == (ExitCode.USAGE, True)
