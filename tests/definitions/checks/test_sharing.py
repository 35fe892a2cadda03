"""What `publish` and `fetch` may say."""

import pytest

from definitions.finders import Texts
from definitions.library import Found, load_whole


def findings(step: str, head: str = "", beside: str | None = None) -> list[tuple[str, str]]:
    texts = {} if beside is None else {"o.yaml": f"name: o\nsteps: [{beside}]\n"}
    whole = load_whole(Found(f"name: r\n{head}\nsteps: [{step}]\n", "r.yaml"), Texts(texts), key="r.yaml")
    return [(finding.code, finding.message) for finding in whole.diagnostics]


ARTIFACT, SHELL = "id: a, type: artifact", "id: a, type: shell, command: x"


@pytest.mark.parametrize(
    ("step", "code", "says"),
    [
        (f"{{{ARTIFACT}}}", "missing-key", "neither publishes nor fetches"),
        (f"{{{ARTIFACT}, publish: {{name: n, value: 1}}, fetch: {{name: n}}}}", "conflicting-keys", "does one thing"),
        (f"{{{ARTIFACT}, publish: [{{name: n, value: 1}}]}}", "invalid-value", "is one artifact, not a list"),
        (f"{{{ARTIFACT}, publish: {{name: n}}}}", "missing-key", "it is not said what `n` is"),
        (f"{{{ARTIFACT}, publish: {{name: n, path: a, value: 1}}}}", "conflicting-keys", "`path` says already"),
        (f"{{{ARTIFACT}, publish: {{name: n@1, path: a}}}}", "invalid-value", "`n@1` is no name"),
        (f"{{{ARTIFACT}, publish: {{name: n, path: a, tags: [latest]}}}}", "invalid-value", "`latest` is always"),
        (f"{{{ARTIFACT}, publish: {{name: n, path: a, media_type: x}}}}", "invalid-value", "`x` is no media type"),
        (f"{{{ARTIFACT}, publish: {{name: n, path: ../a}}}}", "path-escapes", "leads out"),
        (f"{{{ARTIFACT}, cache: true, publish: {{name: n, path: a}}}}", "key-without-effect", "`cache` does nothing"),
        (f"{{{SHELL}, publish: {{name: n, path: a}}, accept: {{doc_type: d}}}}", "published-before-accepted", "before"),
        (f"{{{SHELL}, publish: {{name: n, path: a}}, fetch: {{name: n}}}}", "missing-key", "where `n` shall lie"),
        ("{id: a, type: set, values: {v: 1}, publish: {name: n, value: 1}}", "key-without-effect", "`publish` does"),
    ],
)
def test_finding_is_told_when_a_step_shares_wrongly(step: str, code: str, says: str):
    found = findings(step)
    assert [one for one, message in found if says in message] == [code], found


@pytest.mark.parametrize(
    ("fetch", "says"),
    [
        ("{name: n, version: 1, tag: t}", "`version` says already which one"),
        ("{name: n, version: 0}", "`0` is no version"),
        ('{name: n, tag: "3"}', "`3` is no tag"),
        ("{name: n@x@y}", "is no tag"),
        ("{name: n@1, tag: t}", "is no name"),
        ("{name: n, path: /x}", "leads out"),
    ],
)
def test_finding_is_told_when_a_fetch_cannot_be(fetch: str, says: str):
    found = findings(f"{{{ARTIFACT}, fetch: {fetch}}}", beside="{id: p, type: artifact, publish: {name: n, value: 1}}")
    assert len(found) == 1, found
    assert says in found[0][1]


def test_path_is_refused_when_there_is_no_workspace():
    step = f"{{{ARTIFACT}, publish: {{name: n, value: 1}}}}, {{id: b, type: artifact, fetch: {{name: n, path: x}}}}"
    assert "no workspace" in findings(step, "workspace: {from: none}")[0][1]
    assert findings(step) == []


@pytest.mark.parametrize("name", ["n", "n@3", "n@approved", "shard-7", "{{ run.id }}"])
def test_nothing_is_said_when_somebody_beside_publishes_it(name: str):
    shard = '{id: q, type: artifact, publish: {name: "shard-{{ run.id }}", value: 1}}'
    beside = f"{{id: p, type: artifact, publish: {{name: n, value: 1}}}}, {shard}"
    assert findings(f'{{{ARTIFACT}, fetch: {{name: "{name}"}}}}', beside=beside) == []


def test_name_that_nobody_publishes_is_a_warning():
    assert [
        code
        for code, _ in findings(
            f"{{{ARTIFACT}, fetch: {{name: n}}}}", beside="{id: b, type: set, values: {publish: 1}}"
        )
    ] == ["unknown-artifact"]


def test_own_result_may_be_read_when_it_is_published_with_it():
    made = 'value: "{{ result.stdout }}", metadata: {c: "{{ steps.a.outputs.exit_code }}"}'
    step = f"{{{SHELL}, publish: {{name: n, {made}}}}}"
    assert findings(step) == []
    early = f'{{{SHELL}, publish: {{name: "{{{{ result.stdout }}}}", path: x}}}}'
    assert findings(early) != []
