"""Publishing and fetching as runs do it: our worker, a real server, a folder store."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.artifacts.content import digests_of
from activities.artifacts.step_artifacts import not_there
from activities.artifacts.tags import read_tag
from activities.artifacts.versions import ArtifactVersion, read_version, version_numbers
from definitions.artifact_names import parse_reference
from definitions.statuses import Status
from tests.support.live_runs import finished, report, run, start
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

EMPTY = "workspace: {from: empty}\n"
BUILD = """
  - id: build
    type: shell
    command: "mkdir -p dist/sub; echo one > dist/a.txt; echo two > dist/sub/b.txt; chmod +x dist/a.txt"
"""


async def completed(worker: RunningWorker, text: str, **request: JsonValue) -> Status:
    ended = await run(worker, text, **request)
    assert ended.error is None, ended.error
    return ended


async def failure(worker: RunningWorker, text: str) -> tuple[str, str]:
    ended = await run(worker, text)
    assert ended.error is not None
    return ended.error.type, ended.error.message


def version(worker: RunningWorker, name: str, number: int = 1) -> ArtifactVersion:
    found = read_version(worker.store, name, number)
    assert found is not None
    return found


async def test_file_is_the_same_in_another_run_when_it_was_published(worker: RunningWorker):
    published = await completed(
        worker,
        EMPTY
        + """
steps:
  - {id: make, type: shell, command: "printf 'a\\\\0b' > report.bin"}
  - id: share
    type: artifact
    publish: {name: team/report, path: report.bin, tags: [candidate], metadata: {score: "{{ 40 + 2 }}"}}
""",
    )
    outputs = published.steps["share"].outputs
    assert outputs is not None
    assert (outputs["version"], outputs["kind"], outputs["metadata"]) == (1, "file", {"score": 42})
    fetched = await completed(
        worker,
        EMPTY
        + """
steps:
  - {id: get, type: artifact, fetch: {name: team/report, tag: candidate, path: in/r.bin}}
  - {id: look, type: shell, command: "od -An -c in/r.bin | tr -d ' \\\\n'"}
  - {id: known, type: assert, condition: "steps.get.outputs.metadata.score == 42"}
""",
    )
    assert fetched.steps["look"].outputs is not None
    assert fetched.steps["look"].outputs["stdout"] == "a\\0b"
    shared = fetched.steps["get"].fetched
    assert [(one.name, one.version, one.digest) for one in shared] == [("team/report", 1, outputs["digest"])]


async def test_folder_travels_with_names_and_programs_when_it_is_published(worker: RunningWorker):
    await completed(worker, EMPTY + "steps:" + BUILD + "    publish: {name: dist, path: dist}\n")
    assert version(worker, "dist").kind == "folder"
    ended = await completed(
        worker,
        EMPTY
        + """
steps:
  - id: look
    type: shell
    fetch: {name: dist, path: got}
    command: "cd got; find . -type f | sort | tr '\\\\n' ' '; test -x a.txt; cat sub/b.txt"
""",
    )
    assert ended.steps["look"].outputs is not None
    assert ended.steps["look"].outputs["stdout"] == "./a.txt ./sub/b.txt two"


async def test_provenance_says_where_a_version_comes_from(worker: RunningWorker):
    text = (
        EMPTY
        + """
inputs: {who: {type: string}}
steps:
  - {id: first, type: artifact, publish: {name: base, value: "{{ inputs.who }}"}}
  - id: second
    type: shell
    command: "cat in.txt > out.txt; echo {{ inputs.who }} >> out.txt"
    fetch: {name: base, path: in.txt}
    publish: {name: derived, path: out.txt}
"""
    )
    ended = await completed(worker, text, inputs={"who": "ada"}, starter="ada@example.org")
    found = version(worker, "derived")
    made_by = found.published_by
    assert (made_by.execution_id, made_by.definition_id, made_by.step) == (ended.execution_id, "live", "second")
    assert (made_by.inputs, made_by.fetched, made_by.starter) == ({"who": "ada"}, ["base@1"], "ada@example.org")
    assert made_by.definition_digest
    assert worker.store.read_blob(found.digest) == b"ada\nada\n" or worker.store.read_blob(found.digest) == b"adaada\n"


async def test_event_and_status_have_the_version_when_a_step_publishes(worker: RunningWorker):
    handle = await start(
        worker, "workspace: {from: none}\nsteps: [{id: a, type: artifact, publish: {name: n, value: 1}}]"
    )
    ended = await finished(handle)
    events = [event for event in (await report(handle)).events if event.type == "artifact_published"]
    assert [(event.step, event.data["name"], event.data["version"]) for event in events] == [("a", "n", 1)]
    assert [(one["step"], one["name"], one["version"]) for one in ended.artifacts] == [("a", "n", 1)]


async def test_values_are_kept_as_what_they_are_when_published(worker: RunningWorker):
    await completed(
        worker,
        """
workspace: {from: none}
steps:
  - id: make
    type: shell
    command: "echo hello > f.txt; echo done"
    artifacts: {greeting: f.txt}
    publish:
      - {name: text, value: "{{ result.stdout }}"}
      - {name: json, value: {n: [1, "{{ result.exit_code }}"]}}
      - {name: file, value: "{{ steps.make.artifacts.greeting }}"}
      - {name: big, value: "{{ range(2000) }}"}
""".replace('"{{ range(2000) }}"', json.dumps([*range(2000)])),
    )
    found = {name: version(worker, name) for name in ("text", "json", "file", "big")}
    assert worker.store.read_blob(found["text"].digest) == b"done"
    assert json.loads(worker.store.read_blob(found["json"].digest)) == {"n": [1, 0]}
    assert worker.store.read_blob(found["file"].digest) == b"hello\n"
    assert json.loads(worker.store.read_blob(found["big"].digest)) == [*range(2000)]
    assert [one.media_type for one in found.values()] == [
        "text/plain",
        "application/json",
        "text/plain",
        "application/json",
    ]


async def test_cached_step_publishes_again_and_is_still_a_hit(worker: RunningWorker):
    text = EMPTY + "steps:" + BUILD + "    cache: true\n    publish: {name: dist, path: dist, tags: [t]}\n"
    first, second = await completed(worker, text), await completed(worker, text)
    assert [one.steps["build"].cached for one in (first, second)] == [False, True]
    assert version_numbers(worker.store, "dist") == [1, 2]
    assert version(worker, "dist", 1).digest == version(worker, "dist", 2).digest
    assert version(worker, "dist", 2).published_by.cached
    tag = read_tag(worker.store, "dist", "t")
    assert tag is not None
    assert (tag.version, tag.before) == (2, 1)


async def test_other_version_is_another_key_when_a_cached_step_fetches_the_newest(worker: RunningWorker):
    def publish(value: str) -> str:
        return f"workspace: {{from: none}}\nsteps: [{{id: p, type: artifact, publish: {{name: base, value: {value}}}}}]"

    use = (
        EMPTY
        + """
steps:
  - {id: use, type: shell, cache: {inputs: []}, fetch: {name: base, path: base.txt}, command: "cat base.txt"}
"""
    )
    await completed(worker, publish("one"))
    seen = [await completed(worker, use), await completed(worker, use)]
    await completed(worker, publish("two"))
    seen.append(await completed(worker, use))
    steps = [one.steps["use"] for one in seen]
    assert [(step.cached, (step.outputs or {})["stdout"]) for step in steps] == [
        (False, "one"),
        (True, "one"),
        (False, "two"),
    ]
    assert [one.version for step in steps for one in step.fetched] == [1, 1, 2]


@pytest.mark.parametrize(
    ("fetch", "says"),
    [
        ("{name: nobody}", "no artifact is called `nobody`"),
        ("{name: known, version: 7}", "has no version 7; the newest is 1"),
        ("{name: known, tag: approved}", "has no tag `approved`; the newest is 1"),
        ("{name: \"{{ 'a b' }}\"}", "`a b` is no name of an artifact"),
        ("{name: known, path: \"{{ '../x' }}\"}", "`../x` lies outside the workspace"),
        ("{name: known, path: .git/hooks/post-commit}", "nothing can be laid at `.git/hooks/post-commit`"),
        ("{name: known, path: file/below}", "`file` is no folder"),
    ],
)
async def test_step_fails_with_what_there_is_when_an_artifact_cannot_be_fetched(
    worker: RunningWorker, fetch: str, says: str
):
    first = "{id: f, type: shell, command: touch file}, {id: p, type: artifact, publish: {name: known, value: x}}"
    text = f"{EMPTY}steps: [{first}, {{id: get, type: artifact, fetch: {fetch}}}]"
    kind, message = await failure(worker, text)
    assert kind == "artifact"
    assert says in message


async def test_version_is_the_one_named_at_start_when_an_input_is_an_artifact(worker: RunningWorker):
    for value in ("one", "two"):
        publish = f"{{name: n, value: {value}, tags: [{value}]}}"
        await completed(worker, f"workspace: {{from: none}}\nsteps: [{{id: p, type: artifact, publish: {publish}}}]")
    text = """
workspace: {from: none}
inputs: {which: {type: artifact, default: n}}
steps:
  - {id: get, type: artifact, fetch: {name: "{{ inputs.which }}"}}
"""
    ended = [await completed(worker, text, inputs=given) for given in ({}, {"which": "n@1"}, {"which": "n@one"})]
    assert [(one.steps["get"].outputs or {})["version"] for one in ended] == [2, 1, 1]


async def test_step_goes_on_without_when_a_fetch_is_optional(worker: RunningWorker):
    text = """
steps:
  - {id: get, type: artifact, fetch: {name: nobody, optional: true}}
  - {id: none, type: assert, condition: "steps.get.outputs.version == null and steps.get.outputs.file == null"}
"""
    await completed(worker, "workspace: {from: none}" + text)


@pytest.mark.parametrize(
    ("publish", "says"),
    [
        ("{name: n, path: no.txt}", ("output", "artifact `n`: `no.txt` was not made by the step")),
        ("{name: \"{{ 'a@b' }}\", path: f}", ("artifact", "`a@b` is no name of an artifact")),
        ("{name: n, path: f, tags: [\"{{ '3' }}\"]}", ("artifact", "`3` is no tag")),
        ("{name: n, path: f, media_type: \"{{ 'x' }}\"}", ("artifact", "`x` is no media type")),
        ("{name: n, path: linked}", ("output", "the link `out` leads out of the folder")),
    ],
)
async def test_nothing_appears_when_a_publication_is_refused(
    worker: RunningWorker, publish: str, says: tuple[str, str]
):
    text = f"""
{EMPTY}
steps:
  - id: a
    type: shell
    command: "touch f; mkdir linked; ln -s ../f linked/out"
    publish: [{{name: fine, path: f}}, {publish}]
"""
    kind, message = await failure(worker, text)
    assert (kind, says[1] in message) == (says[0], True), message
    assert version_numbers(worker.store, "fine") == []


async def test_metadata_is_refused_when_it_is_too_big(worker: RunningWorker):
    text = "workspace: {from: none}\nsteps: [{id: a, type: artifact, publish: {name: n, value: 1, metadata: {m: %s}}}]"
    kind, message = await failure(worker, text % ("x" * 20_000))
    assert (kind, "`metadata` is over 16384 bytes" in message) == ("artifact", True)


async def test_fetch_fails_and_names_the_artifact_when_its_content_is_gone(worker: RunningWorker):
    await completed(worker, "workspace: {from: none}\nsteps: [{id: p, type: artifact, publish: {name: n, value: x}}]")
    found = version(worker, "n")
    (digest,) = digests_of(worker.store, found)
    (Path(worker.settings.store) / "cas" / digest[:2] / digest).unlink()
    kind, message = await failure(worker, "workspace: {from: none}\nsteps: [{id: g, type: artifact, fetch: {name: n}}]")
    assert kind == "artifact"
    assert "the content of the artifact `n@1` is gone" in message


async def test_published_from_a_loop_is_a_version_for_each_pass(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: each
    type: artifact
    for_each: {items: [a, b, c], concurrency: 3}
    publish: {name: "shard-{{ item }}", value: "{{ item }}"}
  - {id: all, type: artifact, for_each: {items: [a, b, c], concurrency: 3}, publish: {name: all, value: "{{ item }}"}}
"""
    await completed(worker, text)
    assert [version_numbers(worker.store, f"shard-{one}") for one in "abc"] == [[1], [1], [1]]
    assert version_numbers(worker.store, "all") == [1, 2, 3]


async def test_what_is_asked_for_is_said_when_there_is_none(worker: RunningWorker):
    assert "publish one first" in not_there(worker.store, parse_reference("n@3"))
