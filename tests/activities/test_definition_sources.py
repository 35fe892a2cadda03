"""Which definition a start input means: by name, inline with a library, or as it was frozen with another run."""

import pytest
from temporalio.exceptions import ApplicationError

from activities import definition_sources
from activities.definition_sources import DefinitionPolicy, keep, kept, resolve
from activities.store.opening import open_store
from definitions.messages import RunInput

PLAIN = "name: lint\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n"
USER = "name: all\nsteps:\n  - {id: a, type: workflow, definition: ./lint.yaml}\n"
INLINE = DefinitionPolicy(allows_inline=True)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "all.workflow.yml").write_text(USER)
    (folder / "lint.yaml").write_text(PLAIN)
    (folder / "mixed.yaml").write_text(USER.replace("./lint.yaml", "lint").replace("all", "mixed"))
    return folder


def request(definition):
    return RunInput.model_validate({"definition": definition})


def refusal(policy, store, definition):
    with pytest.raises(ApplicationError) as caught:
        resolve(policy, store, request(definition))
    return caught.value.type, caught.value.message


def test_name_of_the_folder_leads_to_files_beside_it_and_to_names(store, folder):
    policy = DefinitionPolicy(folder=folder)
    assert list(resolve(policy, store, request("all")).parts) == ["lint.yaml"]
    assert list(resolve(policy, store, request("mixed")).parts) == ["lint"]
    assert resolve(policy, store, request("all")).digest != resolve(policy, store, request("lint")).digest
    assert resolve(policy, store, request("fix-typing-errors")).definition.id == "fix-typing-errors"


def test_nothing_outside_of_the_folder_is_read(store, folder):
    (folder.parent / "lint.yaml").write_text(PLAIN)
    (folder / "all.workflow.yml").write_text(USER.replace("./lint", "../lint"))
    kind, message = refusal(DefinitionPolicy(folder=folder), store, "all")
    assert (kind, "lies outside of the folder of definitions" in message) == ("definition-invalid", True)
    assert refusal(DefinitionPolicy(folder=folder), store, "../lint")[0] == "unknown-definition"


def test_definitions_of_a_start_input_are_taken_where_the_policy_allows_it(store, folder):
    inline = {"text": USER, "file": "some/all.yaml", "library": {"lint.yaml": PLAIN}}
    assert list(resolve(INLINE, store, request(inline)).parts) == ["lint.yaml"]
    body = {"name": "b", "steps": [{"id": "a", "type": "workflow", "definition": "lint"}]}
    both = DefinitionPolicy(folder=folder, allows_inline=True)
    assert list(resolve(both, store, request(body)).parts) == ["lint"]
    assert refusal(DefinitionPolicy(), store, inline)[0] == "inline-refused"
    assert "there is no `lint.yaml`" in refusal(INLINE, store, {**inline, "library": {}})[1]


def test_definitions_are_refused_when_they_are_too_much_for_a_history(store, monkeypatch):
    monkeypatch.setattr(definition_sources, "LIBRARY_LIMIT", 100)
    inline = {"text": USER, "library": {"lint.yaml": PLAIN}}
    assert "bytes long when it is normalised" in refusal(INLINE, store, inline)[1]


def test_definitions_are_kept_only_for_runs_that_start_others(store):
    inline = {"text": USER, "library": {"lint.yaml": PLAIN}}
    keep(store, "run-1", resolve(INLINE, store, request(inline)))
    with pytest.raises(KeyError):
        kept(store, "run-1")
    detached = {**inline, "text": USER.replace("yaml}", "yaml, detach: true}")}
    resolved = resolve(INLINE, store, request(detached))
    keep(store, "run-1", resolved)
    assert resolved.parts == {}
    frozen = resolve(DefinitionPolicy(), store, request({"of_run": "run-1", "key": "lint.yaml"}))
    assert frozen.definition == resolved.library["lint.yaml"]
    assert refusal(INLINE, store, {"of_run": "run-1", "key": "other.yaml"})[0] == "unknown-definition"


def test_frozen_definition_brings_those_that_it_leads_to_and_no_others(store):
    texts = {"all.yaml": USER, "lint.yaml": PLAIN, "far.yaml": PLAIN}
    steps = "".join(
        f"  - {{id: {key}, type: workflow, definition: {key}.yaml, detach: true}}\n" for key in ("all", "far")
    )
    resolved = resolve(INLINE, store, request({"text": "name: top\nsteps:\n" + steps, "library": texts}))
    keep(store, "run-2", resolved)
    assert list(resolve(INLINE, store, request({"of_run": "run-2", "key": "all.yaml"})).library) == ["lint.yaml"]
