import subprocess
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.definition_sources import DefinitionPolicy
from activities.fast_forward import FastForward
from activities.prepare import Preparation
from activities.run_step import StepRunner
from activities.store.opening import open_store
from activities.workspace.checkouts import Checkouts
from activities.workspace.manifest import save_manifest
from activities.workspace.snapshots import snapshot
from activities.workspace.sources import snapshot_source
from definitions.messages import InlineDefinition, PrepareCall, Prepared, RunInput, WorkspaceInput
from definitions.records import RunContext
from tests.support.live_runs import run
from tests.support.playing_host import START
from tests.support.workers import RunningWorker

TEXT = "name: small\nsteps: [{id: a, type: shell, command: echo a}]"


def preparation(client: Client, home: Path, **policy: object) -> Preparation:
    store = open_store(str(home / "store"))
    scratch = home / "scratch"
    scratch.mkdir(exist_ok=True)
    runner = StepRunner(store, Checkouts(home / "checkouts", store), scratch, {})
    return Preparation(store, client, DefinitionPolicy(**policy), FastForward(store, runner))  # pyright: ignore[reportArgumentType]


async def prepared(client: Client, home: Path, request: RunInput, **policy: object) -> Prepared:
    call = PrepareCall(execution_id="run-1", request=request, started_at=START)
    return await preparation(client, home, **policy).prepare(call)


async def refused(client: Client, home: Path, request: RunInput, **policy: object) -> tuple[str | None, str]:
    with pytest.raises(ApplicationError) as caught:
        await prepared(client, home, request, **policy)
    assert caught.value.non_retryable
    return caught.value.type, caught.value.message


async def test_definition_in_the_folder_comes_before_the_catalog(client: Client, tmp_path: Path):
    (tmp_path / "small.yml").write_text(TEXT)
    found = await prepared(client, tmp_path, RunInput(definition="small"), folder=tmp_path)
    assert found.definition["id"] == "small"


@pytest.mark.parametrize("name", ["../small", "no-such", "/etc/passwd", ".hidden"])
async def test_name_is_refused_when_it_is_no_definition(client: Client, tmp_path: Path, name: str):
    folder = tmp_path / "definitions"
    folder.mkdir()
    (tmp_path / "small.yaml").write_text(TEXT)
    kind, message = await refused(client, tmp_path, RunInput(definition=name), folder=folder)
    assert kind == "unknown-definition"
    assert "there are `" in message


@pytest.mark.parametrize("definition", [InlineDefinition(text=TEXT), {"name": "x", "steps": []}])
async def test_inline_definition_is_refused_when_the_worker_takes_none(
    client: Client, tmp_path: Path, definition: InlineDefinition
):
    kind, message = await refused(client, tmp_path, RunInput(definition=definition))
    assert kind == "inline-refused"
    assert "PERDURE_DEFINITIONS=inline" in message


async def test_folder_as_workspace_is_refused_when_the_worker_takes_none(client: Client, tmp_path: Path):
    request = RunInput(definition=InlineDefinition(text=TEXT), workspace=WorkspaceInput(path=str(tmp_path)))
    assert (await refused(client, tmp_path, request, allows_inline=True))[0] == "path-refused"


async def test_tree_is_refused_when_the_store_has_none_such(client: Client, tmp_path: Path):
    request = RunInput(definition=InlineDefinition(text=TEXT), workspace=WorkspaceInput(tree="0" * 64))
    assert (await refused(client, tmp_path, request, allows_inline=True))[0] == "no-such-tree"


async def test_folder_becomes_a_tree_when_it_is_allowed(worker: RunningWorker, tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("hello\n")
    ended = await run(worker, "steps: [{id: a, type: shell, command: cat a.txt}]", workspace={"path": str(source)})
    assert ended.steps["a"].outputs == {"stdout": "hello", "exit_code": 0}
    assert ended.tree_before is not None


async def test_environment_is_frozen_for_the_names_that_are_used(client: Client, tmp_path: Path):
    text = """
name: uses
env: {A: "{{ env.ONE }}"}
outputs: {o: {value: "{{ env.TWO }}"}}
steps:
  - id: g
    type: group
    steps: [{id: a, type: shell, command: "echo {{ env.THREE }}", when: "env.FOUR == 'x'"}]
"""
    request = RunInput(definition=InlineDefinition(text=text), env={"ONE": "1", "THREE": "3", "OTHER": "x"})
    found = await prepared(client, tmp_path, request, allows_inline=True)
    assert found.env == {"FOUR": None, "ONE": "1", "THREE": "3", "TWO": None}
    store = open_store(str(tmp_path / "store"))
    context = RunContext.model_validate_json(store.read_blob(found.run.context))
    assert context.definition_environment == {"A": "1"}


async def test_search_attributes_are_those_that_the_namespace_has(client: Client, tmp_path: Path):
    found = await prepared(client, tmp_path, RunInput(definition=InlineDefinition(text=TEXT)), allows_inline=True)
    assert found.search_attributes == ["PerdureDefinition", "PerdureStatus", "PerdureOpenGates", "PerdureApprovers"]


FILE_INPUT = """
inputs: {module: {type: file}}
steps:
  - {id: a, type: set, values: {digest: "{{ hash(inputs.module) }}", path: "{{ inputs.module.path }}"}}
  - {id: b, type: shell, command: "cat {{ inputs.module }}"}
"""


async def test_content_of_a_file_input_counts_and_not_its_name(worker: RunningWorker, tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("one\n")
    (source / "b.py").write_text("one\n")
    ends = [
        await run(worker, FILE_INPUT, inputs={"module": name}, workspace={"path": str(source)})
        for name in ("a.py", "./b.py")
    ]
    assert [ended.error for ended in ends] == [None, None]
    outputs = [ended.steps["a"].outputs or {} for ended in ends]
    assert outputs[0]["digest"] == outputs[1]["digest"]
    assert [found["path"] for found in outputs] == ["a.py", "b.py"]
    assert ends[1].steps["b"].outputs == {"stdout": "one", "exit_code": 0}


async def test_run_is_refused_when_a_file_input_is_not_there(client: Client, tmp_path: Path):
    text = "name: x\nworkspace: {from: empty}" + FILE_INPUT
    request = RunInput(definition=InlineDefinition(text=text), inputs={"module": "no.py"})
    kind, message = await refused(client, tmp_path, request, allows_inline=True)
    assert (kind, message) == ("no-such-file", "input `module`: the workspace has no file `no.py`")


def repository(folder: Path) -> Path:
    folder.mkdir()
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (folder / "a.txt").write_text("from git\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    return folder


GIT = """
name: from-git
inputs: {repository: {type: string}}
workspace: {git: {url: "{{ inputs.repository }}", ref: "{{ default(env.REF, 'main') }}"}}
steps: [{id: a, type: shell, command: cat a.txt}]
"""


async def test_files_are_a_commits_when_the_definition_names_a_repository(worker: RunningWorker, tmp_path: Path):
    source = repository(tmp_path / "source")
    ended = await run(worker, GIT.removeprefix("\nname: from-git\n"), inputs={"repository": str(source)})
    assert ended.steps["a"].outputs == {"stdout": "from git", "exit_code": 0}


async def test_commit_is_frozen_with_the_run(client: Client, tmp_path: Path):
    source = repository(tmp_path / "source")
    inline = InlineDefinition(text=TEXT)
    given = WorkspaceInput.model_validate({"git": {"url": str(source)}})
    request = RunInput(definition=inline, workspace=given)
    found = await prepared(client, tmp_path, request, allows_inline=True, allows_paths=True)
    assert found.commit is not None
    assert len(found.commit) == 40
    again = RunInput(definition=inline, workspace=WorkspaceInput(tree=found.tree))
    assert (await prepared(client, tmp_path, again, allows_inline=True)).tree == found.tree


@pytest.mark.parametrize(
    ("url", "kind"),
    [("https://git.example.org/x", "git-refused"), ("/nowhere/at/all", "git-failed"), ("", "git-refused")],
)
async def test_run_is_refused_when_its_repository_cannot_be_had(client: Client, tmp_path: Path, url: str, kind: str):
    request = RunInput(definition=InlineDefinition(text=GIT), inputs={"repository": url})
    assert (await refused(client, tmp_path, request, allows_inline=True, allows_paths=True))[0] == kind


async def test_run_is_refused_when_the_address_has_no_value(client: Client, tmp_path: Path):
    text = GIT.replace("inputs.repository", "env.NOWHERE")
    request = RunInput(definition=InlineDefinition(text=text), inputs={"repository": "x"})
    kind, message = await refused(client, tmp_path, request, allows_inline=True)
    assert kind == "git-refused"
    assert "`workspace.git` cannot be evaluated" in message


LINK = """
name: linked
workspace: {link: [.venv]}
steps:
  - {id: a, type: shell, command: "cat .venv/x; if echo y > .venv/x; then exit 9; fi"}
  - {id: b, type: shell, command: "cat .venv/x; ls -A"}
"""


async def test_steps_see_the_callers_folder_and_cannot_change_it(worker: RunningWorker, tmp_path: Path):
    source = tmp_path / "source"
    (source / ".venv").mkdir(parents=True)
    (source / ".venv" / "x").write_text("theirs\n")
    (source / ".gitignore").write_text(".venv/\n")
    tree = save_manifest(worker.store, snapshot_source(worker.store, source))
    ended = await run(worker, LINK.removeprefix("\nname: linked\n"), workspace={"tree": tree, "root": str(source)})
    assert ended.error is None
    printed = [step.outputs and step.outputs["stdout"] for step in ended.steps.values()]
    assert printed == ["theirs", "theirs\n.gitignore\n.venv"]
    assert (source / ".venv" / "x").read_text() == "theirs\n"
    assert ended.tree == tree


async def test_link_is_refused_when_it_cannot_be(client: Client, tmp_path: Path):
    store = open_store(str(tmp_path / "store"))
    source = tmp_path / "source"
    (source / ".venv").mkdir(parents=True)
    (source / ".venv" / "x").write_text("part of the files")
    tree = save_manifest(store, snapshot(store, source))
    given = WorkspaceInput(tree=tree, root=str(source))
    request = RunInput(definition=InlineDefinition(text=LINK), workspace=given)
    assert (await refused(client, tmp_path, request, allows_inline=True))[0] == "path-refused"
    kind, _ = await refused(client, tmp_path, request, allows_inline=True, allows_paths=True)
    assert kind == "link-refused"
