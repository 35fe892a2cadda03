"""Bundles: the same digest after a round trip, byte for byte the same, and nothing hostile is taken."""

import io
import json
import os

import pytest

from activities.store.canonical_json import digest_of
from client import bundles
from client.bundles import BadBundle, InTheWay, read_bundle, unpack
from client.request_files import require_definition
from definitions.values import canonical_json

MAIN = """
name: release
steps:
  - {id: check, type: workflow, definition: ../shared/lint.yaml, inputs: {level: low}}
  - {id: types, type: workflow, definition: greet}
  - {id: triage, type: agent, agent: triager, prompt: look, skills: [reading]}
"""
LINT = (
    "name: lint\ninputs: {level: {type: string}}\nsteps:\n  - {id: s, type: set, values: {n: '{{ inputs.level }}'}}\n"
)
GREET = "name: greet\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    files = {
        "defs/release.yaml": MAIN,
        "shared/lint.yaml": LINT,
        ".perdure/definitions/greet.workflow.yml": GREET,
        ".claude/agents/triager.md": "---\nmodel: inherit\n---\nYou triage.\n",
        ".claude/skills/reading/SKILL.md": "Read well.\n",
    }
    root = tmp_path / "project"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    monkeypatch.chdir(root)
    monkeypatch.delenv("PERDURE_DEFINITIONS", raising=False)
    return root


def bundle_of(cli):
    ran = cli("export", "./defs/release.yaml", "-o", "-")
    assert ran.code == 0, ran.err
    return ran.out


def test_round_trip_gives_the_same_files_digest_and_bundle(project, cli, tmp_path, monkeypatch):
    text = bundle_of(cli)
    digest = require_definition("./defs/release.yaml").whole.digest
    assert bundle_of(cli) == text
    ran = cli("export", "./defs/release.yaml")
    assert (ran.out, "exported `release` with 5 files" in ran.err) == ("", True)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    ran = cli("import", str(project / "release.bundle.json"), "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["digest"] == digest
    for path in project.rglob("*.*"):
        if path.is_file() and path.name != "release.bundle.json":
            assert (other / path.relative_to(project)).read_text() == path.read_text()
    assert require_definition("./defs/release.yaml").whole.digest == digest
    assert bundle_of(cli) == text
    again = cli("import", str(project / "release.bundle.json"), "--json")
    assert json.loads(again.out)["written"] == []


def test_import_writes_nothing_when_other_content_is_in_the_way_unless_forced(project, cli, tmp_path):
    text = bundle_of(cli)
    (tmp_path / "b.json").write_text(text)
    into = tmp_path / "into"
    (into / "defs").mkdir(parents=True)
    (into / "defs/release.yaml").write_text("mine")
    ran = cli("import", str(tmp_path / "b.json"), "--into", str(into))
    assert (ran.code, "in-the-way" in ran.err) == (2, True)
    assert [path.name for path in into.rglob("*.*")] == ["release.yaml"]
    assert cli("import", str(tmp_path / "b.json"), "--into", str(into), "--force").code == 0
    assert (into / "defs/release.yaml").read_text() == MAIN


def sealed(body):
    body = {key: value for key, value in body.items() if key != "content"}
    return json.dumps({**body, "content": digest_of(canonical_json(body).encode())}).encode()


def changed(text, **changes):
    return sealed({**json.loads(text), **changes})


HOSTILE_PATHS = [
    "../x.yaml",
    "/etc/x.yaml",
    "a/../../x.yaml",
    "a//x.yaml",
    "./x.yaml",
    "a\\x.yaml",
    "C:x.yaml",
    "x.sh",
    ".git/hooks/x.yaml",
    "a/.ssh/x.yaml",
    "con.yaml",
    "x\u202e.yaml",
    "x\n.yaml",
    "x.yaml ",
    "x" * 300 + ".yaml",
    "/".join("a" * 30) + ".yaml",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_bundle_is_refused_when_a_path_is_not_one_of_a_definition_below_the_folder(project, cli, path):
    text = bundle_of(cli)
    files = {**json.loads(text)["files"], path: GREET}
    with pytest.raises(BadBundle):
        read_bundle(changed(text, files=files))


@pytest.mark.parametrize(
    "changes",
    [
        {"project": {".claude/settings.json": "{}"}},
        {"project": {".claude/agents/../../x.md": "x"}},
        {"project": {"CLAUDE.md": "x"}},
        {"names": {"../x": GREET}},
        {"names": {"x.yaml": GREET}},
        {"names": {}},
        {"definition": "none.yaml"},
        {"digest": "0" * 64},
        {"perdure_bundle": 2},
        {"perdure_bundle": True},
        {"more": 1},
        {"files": {"a.yaml": 1}},
        {"files": {f"f{n}.yaml": "x" for n in range(301)}},
    ],
)
def test_bundle_is_refused_when_a_part_of_it_cannot_be(project, cli, changes):
    with pytest.raises(BadBundle):
        read_bundle(changed(bundle_of(cli), **changes))


def test_bundle_is_refused_when_two_paths_are_one_for_some_file_system(project, cli):
    text = bundle_of(cli)
    files = json.loads(text)["files"]
    for path in ("defs/RELEASE.yaml", "defs/release.yaml/x.yaml"):
        with pytest.raises(BadBundle):
            read_bundle(changed(text, files={**files, path: GREET}))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"perdure_bundle": 1, "perdure_bundle": 1}', b"1e999"]
)
def test_text_that_is_no_bundle_is_refused(text):
    with pytest.raises(BadBundle):
        read_bundle(text)


def test_bundle_is_refused_when_it_was_changed_or_is_too_long(project, cli, monkeypatch):
    text = bundle_of(cli)
    with pytest.raises(BadBundle, match="not what its digest says"):
        read_bundle(text.replace("values: {n: 1}", "values: {n: 2}").encode())
    monkeypatch.setattr(bundles, "MOST_BYTES", 10)
    with pytest.raises(BadBundle, match="longer than"):
        read_bundle(text.encode())


def test_import_shows_the_findings_when_a_definition_has_errors(project, cli, tmp_path):
    text = bundle_of(cli)
    files = {**json.loads(text)["files"], "shared/lint.yaml": "name: lint\nsteps: 1\n"}
    (tmp_path / "bad.json").write_bytes(changed(text, files=files))
    ran = cli("import", str(tmp_path / "bad.json"), "--into", str(tmp_path / "into"))
    assert ran.code == 7
    assert "error[wrong-type]" in ran.err
    assert "error[bad-bundle]: the bundle" in ran.err
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("link", ["defs", "defs/release.yaml"])
def test_nothing_is_written_through_links_that_lead_out(project, cli, tmp_path, link):
    found, whole = read_bundle(bundle_of(cli).encode())
    into, outside = tmp_path / "into", tmp_path / "outside"
    outside.mkdir()
    (into / link).parent.mkdir(parents=True)
    (into / link).symlink_to(outside)
    with pytest.raises(BadBundle):
        unpack(found, whole, into, into / ".perdure/definitions", is_forced=True)
    assert list(outside.iterdir()) == []
    assert not (into / "shared").exists()


def test_what_was_written_is_removed_when_the_disk_fails(project, cli, tmp_path, monkeypatch):
    found, whole = read_bundle(bundle_of(cli).encode())
    real = bundles.write_whole

    def failing(path, text):
        if path.name == "lint.yaml":
            raise OSError(28, os.strerror(28))
        real(path, text)

    monkeypatch.setattr(bundles, "write_whole", failing)
    with pytest.raises(OSError, match="space"):
        unpack(found, whole, tmp_path / "into", tmp_path / "into/.perdure/definitions")
    assert [path for path in (tmp_path / "into").rglob("*") if path.is_file()] == []


def test_catalog_names_are_not_written_where_the_catalog_has_the_same(project, cli, tmp_path, monkeypatch):
    (project / "fix.yaml").write_text("name: fix\nsteps:\n  - {id: a, type: workflow, definition: fix-typing-errors}\n")
    ran = cli("export", "./fix.yaml", "-o", "-")
    found, whole = read_bundle(ran.out.encode())
    assert list(found.names) == ["fix-typing-errors"]
    unpacked = unpack(found, whole, tmp_path / "into", tmp_path / "into/.perdure/definitions")
    assert [path.name for path in unpacked.written] == ["fix.yaml"]


def test_unpack_says_what_is_in_the_way(project, cli, tmp_path):
    found, whole = read_bundle(bundle_of(cli).encode())
    folder = tmp_path / "into/.perdure/definitions"
    folder.mkdir(parents=True)
    (folder / "greet.workflow.yml").write_text("other")
    with pytest.raises(InTheWay) as caught:
        unpack(found, whole, tmp_path / "into", folder)
    assert caught.value.paths == [str(folder / "greet.workflow.yml")]


def test_bundle_is_read_from_stdin_and_files_that_fail_are_said(project, cli, tmp_path, monkeypatch):
    text = bundle_of(cli)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert cli("import", "-", "--into", str(tmp_path / "into")).code == 0
    assert cli("import", str(tmp_path / "none.json")).code == 2
    (tmp_path / "b.json").write_text(text)
    (tmp_path / "file").write_text("")
    assert "error[unwritable]" in cli("export", "./defs/release.yaml", "-o", str(tmp_path / "no/x.json")).err
    assert cli("import", str(tmp_path / "b.json"), "--into", str(tmp_path / "file" / "x")).code != 0


@pytest.mark.server
def test_run_sends_the_files_that_a_definition_leads_to(settled, cli, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "defs").mkdir()
    (tmp_path / "shared/lint.yaml").write_text(LINT)
    text = "name: release\noutputs: {n: {value: '{{ steps.check.status }}'}}\nsteps:\n"
    text += (
        "  - {id: check, type: workflow, definition: ../shared/lint.yaml, inputs: {level: '{{ env.PERDURE_LEVEL }}'}}\n"
    )
    (tmp_path / "defs/release.yaml").write_text(text)
    ran = cli("run", "./defs/release.yaml", "--json")
    assert ran.code == 1  # no such variable
    (tmp_path / "defs/release.yaml").write_text(text.replace("{{ env.PERDURE_LEVEL }}", "low"))
    ran = cli("run", "./defs/release.yaml", "--json")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out.splitlines()[-1])
    assert (record["outputs"], record["steps"]["check/s"]["outputs"]) == ({"n": "completed"}, {"n": "low"})
