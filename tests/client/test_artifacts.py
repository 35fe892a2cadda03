"""`perdure artifacts`: what is published is listed, got, tagged and deleted with nothing running."""

import json
from pathlib import Path

import pytest

from activities.artifacts.tags import read_tag, set_tag
from activities.artifacts.versions import version_numbers
from activities.store.interface import Store
from activities.store.opening import open_store
from client.exit_codes import ExitCode
from definitions.statuses import Status
from definitions.stored_values import file_reference, folder_reference
from tests.activities.artifacts.samples import MOMENT, publish, publish_folder
from tests.client.conftest import Cli


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return open_store(tmp_path / "store")


def damage(tmp_path: Path, name: str, number: int) -> None:
    path = tmp_path / "store" / "keys" / "artifacts" / name / "versions" / f"{number:09d}"
    path.chmod(0o644)
    path.write_bytes(b"damaged")


def test_names_versions_and_facts_are_listed(cli: Cli, store: Store):
    publish(store, "report", b"1")
    publish(store, "report", b"22", metadata={"score": 42})
    publish_folder(store, "dist", {"a": b"1", "b": b"2"})
    set_tag(store, "report", "approved", 1, now=MOMENT, by="ada")
    text = cli("artifacts", "list").out
    assert "dist" in text.splitlines()[1]
    assert "in 2 files" in text.splitlines()[1]
    assert "approved=1" in text.splitlines()[2]
    versions = cli("artifacts", "list", "report").out.splitlines()
    assert [line.split()[0] for line in versions[1:]] == ["2", "1"]
    assert "approved" in versions[2]
    facts = dict(line.split(None, 1) for line in cli("artifacts", "list", "report@2").out.splitlines()[1:])
    assert facts["metadata"] == '{"score": 42}'
    assert facts["published_by.step"] == "make"


def test_lists_are_json_when_asked(cli: Cli, store: Store):
    publish(store, "report", b"1")
    set_tag(store, "report", "t", 1, now=MOMENT, by="ada")
    (name,) = json.loads(cli("artifacts", "list", "--json").out)
    assert (name["name"], name["versions"], name["tags"], name["newest"]["version"]) == ("report", 1, {"t": 1}, 1)
    (version,) = json.loads(cli("artifacts", "list", "report", "--json").out)
    assert (version["version"], version["tags"], version["published_by"]["step"]) == (1, ["t"], "make")
    assert json.loads(cli("artifacts", "list", "report@t", "--json").out)["digest"] == version["digest"]


def test_damaged_version_is_listed_and_can_be_deleted(cli: Cli, store: Store, tmp_path: Path):
    publish(store, "n", b"1")
    damage(tmp_path, "n", 1)
    assert "its record is damaged" in cli("artifacts", "list").out
    assert "damaged" in json.loads(cli("artifacts", "list", "--json").out)[0]["newest"]
    ran = cli("artifacts", "get", "n@1")
    assert (ran.code, "perdure artifacts delete n@1" in ran.err) == (ExitCode.FAILED, True)
    assert cli("artifacts", "delete", "n@1", "--yes").code == ExitCode.SUCCESS
    assert version_numbers(store, "n") == []


def test_nothing_is_listed_when_there_is_nothing(cli: Cli, store: Store):
    ran = cli("artifacts", "list")
    assert (ran.code, ran.out, "no artifacts" in ran.err) == (ExitCode.SUCCESS, "", True)


def test_file_and_folder_are_written_when_got(cli: Cli, store: Store):
    publish(store, "report", b"hello", executable=True)
    publish_folder(store, "dist", {"a.txt": b"1", "sub/b.txt": b"2"})
    assert cli("artifacts", "get", "report").code == ExitCode.SUCCESS
    assert Path("report.txt").read_bytes() == b"hello"
    assert Path("report.txt").stat().st_mode & 0o100
    got = json.loads(cli("artifacts", "get", "dist@1", "--to", "deep/folder", "--json").out)
    assert got["path"] == "deep/folder"
    assert Path("deep/folder/sub/b.txt").read_bytes() == b"2"
    cli("artifacts", "get", "report", "--to", "deep/")
    assert Path("deep/report.txt").read_bytes() == b"hello"
    assert sorted(path.name for path in Path().iterdir()) == ["deep", "report.txt"]


@pytest.mark.parametrize("name", ["report", "dist"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_is_overwritten_when_something_is_there(cli: Cli, store: Store, name: str, kind: str):
    publish(store, "report")
    publish_folder(store, "dist", {"a": b"1"})
    target = Path("there")
    if kind == "folder":
        target.mkdir()
    elif kind == "link":
        target.symlink_to("nowhere")
    else:
        target.write_text("mine")
    ran = cli("artifacts", "get", name, "--to", "there")
    assert (ran.code, "is there already" in ran.err) == (ExitCode.FAILED, True)
    assert [path.name for path in Path().iterdir()] == ["there"]


@pytest.mark.parametrize("name", ["report", "dist"])
def test_nothing_is_left_when_the_content_is_damaged(cli: Cli, store: Store, tmp_path: Path, name: str):
    publish(store, "report", b"1")
    publish_folder(store, "dist", {"a": b"1", "b": b"2"})
    blob = store.write_blob(b"1")
    path = tmp_path / "store" / "cas" / blob[:2] / blob
    path.chmod(0o644)
    path.write_bytes(b"x")
    ran = cli("artifacts", "get", name)
    assert (ran.code, "damaged" in ran.err) == (ExitCode.FAILED, True)
    assert list(Path().iterdir()) == []


def test_content_goes_to_stdout_when_asked(store: Store, capfdbinary: pytest.CaptureFixture[bytes]):
    from client.cli import run

    publish(store, "report", b"\x00binary")
    publish_folder(store, "dist", {"a": b"1"})
    assert run(["artifacts", "get", "report", "--to", "-"]) == ExitCode.SUCCESS
    assert capfdbinary.readouterr().out == b"\x00binary"
    assert run(["artifacts", "get", "dist", "--to", "-"]) == ExitCode.USAGE


def test_link_is_refused_when_the_store_gives_none(cli: Cli, store: Store):
    publish(store, "report")
    publish_folder(store, "dist", {"a": b"1"})
    assert "there is no link to `report@1`" in cli("artifacts", "get", "report", "--link").err
    assert "is a folder" in cli("artifacts", "get", "dist", "--link").err


def test_link_is_printed_when_the_store_gives_one(cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch):
    publish(store, "report")
    asked: list[object] = []

    def link(_: object, digest: str, seconds: int, *names: str) -> str:
        asked.extend([seconds, *names])
        return f"https://host/{digest}"

    monkeypatch.setattr(type(store), "link_to", link)
    assert cli("artifacts", "get", "report", "--link", "--expires", "2h").out.startswith("https://host/")
    assert asked == [900, "report.txt", "text/plain"]
    found = json.loads(cli("artifacts", "get", "report", "--link", "--expires", "1m", "--json").out)
    assert found["expires_in"] == 60


def test_tag_moves_and_goes(cli: Cli, store: Store):
    publish(store, "n", b"1")
    publish(store, "n", b"2")
    assert "stands at version 2" in cli("artifacts", "tag", "n", "approved", "--by", "ada").err
    assert "(before: 2)" in cli("artifacts", "tag", "n@1", "approved").err
    assert "as before" in cli("artifacts", "tag", "n@approved", "approved").err
    tag = read_tag(store, "n", "approved")
    assert tag is not None
    assert tag.version == 1
    moved = json.loads(cli("artifacts", "tag", "n@2", "approved", "--json").out)
    assert moved == {"name": "n", "tag": "approved", "version": 2, "before": 1}
    assert "is removed; it stood at version 2" in cli("artifacts", "tag", "n", "approved", "--remove").err
    assert "has no tag `approved`" in cli("artifacts", "tag", "n", "approved", "--remove").err
    assert "has no tag `approved`" in cli("artifacts", "get", "n@approved").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tag", "n", "latest"], "`latest` is always the newest version"),
        (["tag", "n", "7"], "is no tag"),
        (["get", "a b"], "is no name of an artifact"),
        (["get", "n@1@2"], "is no tag"),
        (["delete", "n"], "does not say which version"),
        (["delete", "n@1", "--all"], "does not say which version"),
    ],
)
def test_usage_is_refused_when_a_name_cannot_be(cli: Cli, store: Store, arguments: list[str], said: str):
    ran = cli("artifacts", *arguments)
    assert (ran.code, said in ran.err) == (ExitCode.USAGE, True), ran.err


def test_unknown_artifact_is_told(cli: Cli, store: Store):
    ran = cli("artifacts", "get", "nobody")
    assert (ran.code, "no artifact is called `nobody`" in ran.err) == (ExitCode.FAILED, True)


def test_version_is_deleted_only_when_no_tag_stands_at_it(cli: Cli, store: Store):
    for text in (b"1", b"2", b"3"):
        publish(store, "n", text)
    set_tag(store, "n", "approved", 2, now=MOMENT, by=None)
    ran = cli("artifacts", "delete", "n@2", "--yes")
    assert (ran.code, "`approved` stands at it" in ran.err) == (ExitCode.FAILED, True)
    assert json.loads(cli("artifacts", "delete", "n@2", "--yes", "--force", "--json").out)["deleted"] == [2]
    assert read_tag(store, "n", "approved") is None
    assert json.loads(cli("artifacts", "delete", "n", "--all", "--yes", "--json").out)["deleted"] == [1, 3]
    assert publish(store, "n", b"4").version == 4


def test_nothing_is_deleted_when_the_question_is_denied(cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch):
    publish(store, "n")
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)  # pyright: ignore[reportUnknownLambdaType]
    assert "nothing was done" in cli("artifacts", "delete", "n@1").err
    assert version_numbers(store, "n") == [1]


@pytest.fixture
def kept(store: Store) -> Store:
    dist = publish_folder(store, "x", {"a": b"1"})
    artifacts = [
        {"name": "log", "step": "a", "file": file_reference("a/log.txt", store.write_blob(b"A"), 1)},
        {"name": "log", "step": "b", "file": file_reference("b/log.txt", store.write_blob(b"B"), 1)},
        {"name": "dist", "step": "b", "file": folder_reference("dist", dist.digest, 1, 1)},
        {"name": "shared", "step": "b", "version": 3, "size": 5},
    ]
    status = Status.model_validate(
        {"execution_id": "r", "definition_id": "d", "status": "completed", "artifacts": artifacts}
    )
    store.write_document("runs/r/run.json", status.model_dump_json().encode())
    return store


def test_what_a_run_kept_is_listed_and_got(cli: Cli, kept: Store):
    lines = cli("artifacts", "list", "--run", "r").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["log", "log", "dist", "shared@3"]
    assert len(json.loads(cli("artifacts", "list", "--run", "r", "--json").out)) == 4
    assert "2 steps kept an artifact `log`" in cli("artifacts", "get", "log", "--run", "r").err
    assert "log is in log.txt" in cli("artifacts", "get", "log", "--run", "r", "--step", "b").err
    assert Path("log.txt").read_bytes() == b"B"
    assert cli("artifacts", "get", "dist", "--run", "r").code == ExitCode.SUCCESS
    assert Path("dist/a").read_bytes() == b"1"
    assert "the run `r` has no artifact `no`" in cli("artifacts", "get", "no", "--run", "r").err
