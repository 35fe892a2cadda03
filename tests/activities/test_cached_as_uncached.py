"""A cached step never gives what it would not give now: what it depends on is another, and looks the same.

Each test runs a definition twice or thrice and names what the last step printed; its key or the fit of its result must
tell the runs apart. Play on random definitions is in `tests/activities/test_cache_play.py`.
"""

from pathlib import Path

import pytest
from pydantic import JsonValue

from definitions.statuses import Status
from tests.support.live_runs import run
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

Told = tuple[JsonValue, bool]


def told(status: Status, step: str = "s") -> Told:
    """Return what a step printed, and whether that came from the cache."""
    record = status.steps[step]
    return (record.outputs or {}).get("stdout"), record.cached


def folder(path: Path, files: dict[str, str]) -> dict[str, JsonValue]:
    """Write files and return the workspace of a start input."""
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return {"path": str(path)}


@pytest.mark.parametrize("name", ["COLUMNS", "TERM", "PERDURE_LIKE"])
async def test_variable_of_the_authors_decides_when_its_name_is_that_of_a_terminals(worker: RunningWorker, name: str):
    text = f"""
inputs: {{v: {{type: string}}}}
workspace: {{from: none}}
steps: [{{id: s, type: shell, command: "echo ${name}", env: {{{name}: "{{{{ inputs.v }}}}"}}, cache: true}}]
"""
    assert [told(await run(worker, text, inputs={"v": v})) for v in "112"] == [("1", False), ("1", True), ("2", False)]


async def test_content_of_a_file_input_decides_when_no_pattern_picks_it(worker: RunningWorker, tmp_path: Path):
    text = """
inputs: {f: {type: file}}
steps: [{id: s, type: shell, command: "cat {{ inputs.f }}", cache: {inputs: []}}]
"""
    found: list[Told] = []
    for content in ("1", "1", "2"):
        workspace = folder(tmp_path / "w", {"f.txt": content})
        found.append(told(await run(worker, text, inputs={"f": "f.txt"}, workspace=workspace)))
    assert found == [("1", False), ("1", True), ("2", False)]


async def test_which_output_has_which_content_decides_when_two_are_exchanged(worker: RunningWorker):
    text = """
inputs: {a: {type: string}, b: {type: string}}
workspace: {from: empty}
steps:
  - id: make
    type: shell
    command: "printf %s {{ inputs.a }} > a; printf %s {{ inputs.b }} > b"
    outputs: {a: a, b: b}
  - {id: s, type: shell, command: "cat {{ steps.make.outputs.a }} {{ steps.make.outputs.b }}", cache: {inputs: []}}
"""
    pairs: list[dict[str, JsonValue]] = [{"a": "1", "b": "2"}, {"a": "1", "b": "2"}, {"a": "2", "b": "1"}]
    found = [told(await run(worker, text, inputs=pair)) for pair in pairs]
    assert found == [("12", False), ("12", True), ("21", False)]


async def test_ignored_file_that_an_earlier_step_built_decides(worker: RunningWorker, tmp_path: Path):
    text = """
inputs: {v: {type: string}}
steps:
  - {id: build, type: shell, command: "mkdir -p build; echo {{ inputs.v }} > build/x", cache: true}
  - {id: s, type: shell, command: "cat build/x", cache: true}
"""
    workspace = folder(tmp_path / "w", {".gitignore": "build/\n"})
    found = [told(await run(worker, text, inputs={"v": v}, workspace=workspace)) for v in "112"]
    assert found == [("1", False), ("1", True), ("2", False)]


async def test_result_without_a_workspace_is_not_taken_when_there_is_an_empty_one(worker: RunningWorker):
    text = """
workspace: {from: %s}
steps:
  - {id: make, type: shell, command: "echo 1 > f", cache: true}
  - {id: s, type: shell, command: "cat f || echo no"}
"""
    assert [told(await run(worker, text % source)) for source in ("none", "empty")] == [("no", False), ("1", False)]


async def test_place_of_what_is_fetched_decides_when_no_pattern_picks_it(worker: RunningWorker):
    publish = """
workspace: {from: empty}
steps:
  - {id: s, type: shell, command: "echo %s > f", publish: {name: %s, path: f}}
"""
    for name in ("one", "two"):
        await run(worker, publish % (name, name))
    text = """
workspace: {from: empty}
steps:
  - id: s
    type: shell
    fetch: [{name: one, path: %s}, {name: two, path: %s}]
    command: "cat a b"
    cache: {inputs: []}
"""
    found = [told(await run(worker, text % pair)) for pair in (("a", "b"), ("a", "b"), ("b", "a"))]
    assert found == [("one\ntwo", False), ("one\ntwo", True), ("two\none", False)]


@pytest.mark.parametrize("write", ["echo new > out", "echo new > t; mv t out", "rm out; echo new > out"])
async def test_file_that_a_step_wrote_as_it_was_is_written_when_it_is_another(
    worker: RunningWorker, tmp_path: Path, write: str
):
    text = f"""
steps:
  - {{id: make, type: shell, command: "{write}", cache: {{inputs: []}}}}
  - {{id: s, type: shell, command: "cat out other"}}
"""
    found: list[tuple[JsonValue, bool]] = []
    for out, other in (("new\n", "1"), ("new\n", "2"), ("old\n", "2"), ("old\n", "3")):
        ended = await run(worker, text, workspace=folder(tmp_path / "w", {"out": out, "other": other}))
        found.append((told(ended)[0], ended.steps["make"].cached))
    assert found == [("new\n1", False), ("new\n2", True), ("new\n2", False), ("new\n3", True)]


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("outputs: {o: given}", "steps.make.outputs.o"),
        ("artifacts: {o: given}", "steps.make.artifacts.o"),
    ],
)
async def test_copy_of_a_file_that_a_step_did_not_change_is_that_of_now(
    worker: RunningWorker, tmp_path: Path, declared: str, shown: str
):
    text = f"""
steps:
  - {{id: make, type: shell, command: "true", cache: {{inputs: []}}, {declared}}}
  - {{id: s, type: set, values: {{stdout: '{{{{ read_text({shown}) }}}}'}}}}
"""
    found: list[tuple[JsonValue, bool]] = []
    for given, other in (("1", "x"), ("1", "y"), ("2", "y")):
        ended = await run(worker, text, workspace=folder(tmp_path / "w", {"given": given, "other": other}))
        found.append((told(ended)[0], ended.steps["make"].cached))
    assert found == [("1", False), ("1", True), ("2", False)]


async def test_copy_of_a_folder_is_that_of_now(worker: RunningWorker, tmp_path: Path):
    text = "steps: [{id: s, type: shell, command: 'echo 1 > d/made', cache: {inputs: []}, artifacts: {d: d}}]"
    found: list[tuple[object, bool]] = []
    for given in ("1", "1", "2"):
        step = (await run(worker, text, workspace=folder(tmp_path / "w", {"d/given": given}))).steps["s"]
        found.append((step.artifacts, step.cached))
    assert [cached for _, cached in found] == [False, True, False]
    assert found[0][0] == found[1][0] != found[2][0]
