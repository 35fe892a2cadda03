"""Definitions as things: ids that are unique and safe, changes whole or not at all, nothing used is deleted."""

import json
import os
import uuid

import pytest

from client import definition_folder
from client.definition_folder import (
    create,
    delete,
    entries,
    entry,
    folder_of,
    set_status,
    update,
    with_status,
    worker_folder,
)
from client.output import Problem
from definitions.errors import EnvironmentUnfit
from definitions.yaml_guard import read
from tests.client.test_run_command import wait_for

TEXT = (
    "# mine\nname: lint\nversion: '1.0'\ndescription: Looks at files\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n"
)
USER = "name: all\nsteps:\n  - {id: s, type: workflow, definition: lint}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERDURE_DEFINITIONS", raising=False)
    return tmp_path / ".perdure/definitions"


def file(tmp_path, text, name="given.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_definition_is_created_listed_shown_updated_and_deleted(folder, cli, tmp_path):
    given = file(tmp_path, TEXT)
    assert cli("definitions", "list").err == "no definitions\n"
    made = cli("definitions", "create", str(given), "--status", "draft", "--json")
    assert (made.code, json.loads(made.out)["status"]) == (0, "draft")
    assert "created `lint` (draft): .perdure/definitions/lint.workflow.yml" in made.err
    assert cli("definitions", "show", "lint").out == TEXT.replace("name:", "status: draft\nname:")
    assert json.loads(cli("definitions", "show", "lint", "--json").out)["text"].startswith("# mine\n")
    assert cli("definitions").out.splitlines()[1].split()[:3] == ["lint", "1.0", "draft"]
    assert json.loads(cli("definitions", "list", "--status", "active", "--json").out) == []
    assert cli("definitions", "update", "lint", "--status", "active").code == 0
    file(tmp_path, TEXT.replace("n: 1", "n: 2"))
    assert cli("definitions", "update", "lint", str(given)).code == 0
    assert "n: 2" in cli("definitions", "show", "lint").out
    assert cli("definitions", "update", "lint").code == 2
    assert cli("validate", "lint").code == 0
    assert cli("definitions", "delete", "lint", "--force").err.startswith("deleted `lint`")
    assert cli("definitions", "show", "lint").code == 2


def test_id_is_unique_whatever_the_file_is_called(folder, tmp_path):
    create(folder, file(tmp_path, TEXT))
    with pytest.raises(Problem, match="there is a definition `lint` already"):
        create(folder, file(tmp_path, TEXT))
    (folder / "other.yaml").write_text(TEXT.replace("lint", "busy"))
    with pytest.raises(Problem, match="there is a definition `busy` already"):
        create(folder, file(tmp_path, TEXT.replace("lint", "busy")))


def test_one_of_two_who_create_at_once_is_refused(folder, tmp_path, monkeypatch):
    given = file(tmp_path, TEXT)
    create(folder, given)
    monkeypatch.setattr(definition_folder, "entries", lambda _: [])  # the other one was not there when this one looked
    with pytest.raises(Problem) as caught:
        create(folder, given)
    assert caught.value.slug == "taken-id"


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nsteps: 1\n",
        "name: '../x'\nid: ../x\nsteps: []\n",
        USER,
        "",
        "name: r\nsteps:\n  - {id: s, type: workflow, definition: ./none.yaml}\n",
    ],
)
def test_nothing_is_written_when_the_definition_has_errors_in_the_folder(folder, tmp_path, text):
    with pytest.raises(Problem) as caught:
        create(folder, file(tmp_path, text))
    assert caught.value.slug == "not-valid"
    assert not folder.exists()


def test_update_keeps_the_id_and_the_old_file_when_the_new_one_has_errors(folder, tmp_path):
    create(folder, file(tmp_path, TEXT))
    for text in (TEXT.replace("lint", "other"), "name: lint\nsteps: 1\n"):
        with pytest.raises(Problem):
            update(folder, "lint", file(tmp_path, text))
    assert (folder / "lint.workflow.yml").read_text() == TEXT
    assert update(folder, "lint", file(tmp_path, TEXT + "# more\n"), status="draft").definition.status == "draft"


def test_definition_with_errors_does_not_become_active(folder, tmp_path):
    create(folder, file(tmp_path, TEXT), status="draft")
    (folder / "lint.workflow.yml").write_text("name: lint\nstatus: draft\nsteps: 1\n")
    assert entries(folder)[0].definition is None
    with pytest.raises(Problem):
        set_status(folder, "lint", "active")


def test_definition_is_not_deleted_while_another_refers_to_it(folder, tmp_path):
    create(folder, file(tmp_path, TEXT))
    create(folder, file(tmp_path, USER))
    (folder / "broken.yaml").write_text("name: broken\nsteps: 1\n")
    with pytest.raises(Problem, match="`lint` is referred to by `all`"):
        delete(folder, "lint")
    delete(folder, "all")
    assert not delete(folder, "lint").exists()


@pytest.mark.parametrize("name", ["nobody", "../lint", "", "lint.test", ".lint"])
def test_unknown_definition_is_said_with_those_there_are(folder, tmp_path, name):
    create(folder, file(tmp_path, TEXT))
    with pytest.raises(Problem) as caught:
        entry(folder, name)
    assert caught.value.remedy == "there are `lint`"


def test_files_that_cannot_be_read_or_written_are_said(folder, tmp_path, monkeypatch):
    with pytest.raises(Problem) as caught:
        create(folder, tmp_path / "none.yaml")
    assert caught.value.slug == "no-such-file"
    with pytest.raises(Problem) as caught:
        create(folder, tmp_path)
    assert caught.value.slug == "no-such-file"
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(Problem, match="UTF-8"):
        create(folder, tmp_path / "latin.yaml")
    create(folder, file(tmp_path, TEXT))

    def full(path, text):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(definition_folder, "write_whole", full)
    with pytest.raises(Problem) as caught:
        set_status(folder, "lint", "draft")
    assert caught.value.slug == "unwritable"
    assert (folder / "lint.workflow.yml").read_text() == TEXT
    with pytest.raises(Problem) as caught:
        create(tmp_path / "given.yaml/x", file(tmp_path, TEXT))
    assert caught.value.slug == "unwritable"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "---\nname: lint\nsteps: []\n",
        "{name: lint, steps: []}\n",
        '{"name": "lint",\n "steps": []}',
        "name: lint\nstatus: active # done\nsteps: []\n",
        "name: lint\nstatus: 'active'\nsteps: []\n",
        '{"status": "active", "name": "lint"}',
        "# \u2028é\nname: lint\n",
    ],
)
def test_status_is_written_into_any_text_and_nothing_else_changes(text):
    from definitions.nodes import to_value

    if "\u2028" in text:
        text = text.replace("\u2028", "")
    changed = with_status(text, "draft")
    before, after = to_value(read(text, "x").root), to_value(read(changed, "x").root)
    assert isinstance(before, dict)
    assert after == {**before, "status": "draft"}
    assert changed.replace("draft", "").count("\n") - text.count("\n") in (0, 1)
    assert with_status(changed, "draft") == changed


def test_text_that_is_no_mapping_is_left_alone():
    assert with_status("- 1\n", "draft") == "- 1\n"


def test_folder_is_the_workers_where_the_environment_names_one(tmp_path):
    assert folder_of({}, tmp_path) == tmp_path / ".perdure/definitions"
    assert folder_of({"PERDURE_DEFINITIONS": f"inline, folder:{tmp_path}"}, tmp_path) == tmp_path
    assert worker_folder({"PERDURE_DEFINITIONS": "inline"}) is None
    with pytest.raises(EnvironmentUnfit):
        worker_folder({"PERDURE_DEFINITIONS": "folder:"})


GATED = """
name: gated-{0}
steps:
  - {{id: ok, type: approval, message: Go on?}}
"""


@pytest.mark.server
def test_delete_is_refused_while_a_run_uses_the_definition_itself_or_as_a_part(settled, cli, tmp_path, monkeypatch):
    monkeypatch.delenv("PERDURE_DEFINITIONS", raising=False)
    unique = uuid.uuid4().hex[:8]
    inner, outer, run_id = f"gated-{unique}", f"outer-{unique}", f"held-{unique}"
    cli("definitions", "create", str(file(tmp_path, GATED.format(unique))))
    user = f"name: {outer}\nsteps:\n  - {{id: s, type: workflow, definition: {inner}}}\n"
    cli("definitions", "create", str(file(tmp_path, user)))
    assert cli("run", outer, "--id", run_id, "--detach").code == 0
    wait_for(lambda: cli("gates", run_id).out)
    wait_for(lambda: cli("definitions", "delete", outer).code == 2)
    refused = cli("definitions", "delete", inner)
    assert (refused.code, f"1 run that has not ended uses `{inner}`: `{run_id}`" in refused.err) == (2, True)
    assert cli("approve", run_id, "s/ok").code == 0
    assert cli("watch", run_id).code == 0
    wait_for(lambda: cli("definitions", "delete", outer).code == 0)
    assert cli("definitions", "delete", inner).code == 0
