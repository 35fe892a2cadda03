import pytest

from definitions.cases.checks import check_cases, declared_steps
from definitions.rendering import render_text
from tests.support.cases import loaded, subject

DEFINITION = subject(
    """name: release
inputs: {version: {type: string, required: true}, count: {type: integer, default: 1}}
outputs: {done: {value: "{{ steps.build.outputs.stdout }}"}}
steps:
  - {id: build, type: shell, command: make}
  - id: checks
    type: group
    mode: parallel
    steps: [{id: lint, type: shell, command: lint}, {id: facts, type: set, values: {a: 1}}]
  - {id: write, type: agent, prompt: p}
  - {id: release, type: approval}
  - {id: told, type: wait, signal: news.come, timeout: 1d}
  - id: publish
    type: shell
    command: publish
    on_failure: pause
    approval: {timeout: 1d}
    accept: {timeout: 1d}
    compensate: {type: shell, command: withdraw}
"""
).definition


def found(keys: str):
    file = loaded(f"cases: [{{name: a, inputs: {{version: '1'}}, {keys}}}]")
    assert file.cases is not None, file.diagnostics
    return file, check_cases(file, DEFINITION)


@pytest.mark.parametrize(
    ("keys", "code", "token", "said"),
    [
        ("stubs: {biuld: {}}", "unknown-step", "biuld", "did you mean `build`?"),
        ("stubs: {lint: {}}", "unknown-step", "lint", "write its whole path, `checks/lint`"),
        ("stubs: {checks/facts: {}}", "unfit-case", "checks/facts", "of type `set`, which is computed"),
        ("stubs: {release: {}}", "unfit-case", "release", "give its decision under `decisions`"),
        ("stubs: {build: [{fail: {times: 2}}, {}]}", "unfit-case", "build", "`times` can stand only in the last stub"),
        ("decisions: {build: approve}", "unfit-case", "build", "there is `release`, `publish` and `publish/accept`"),
        ("decisions: {build/accept: approve}", "unknown-step", "build/accept", "no step has the path"),
        ("signals: {news: {}}", "unfit-case", "news", "no step waits for a signal `news`"),
        ("resumptions: {build: [{}]}", "unfit-case", "build", "does not pause the run when it fails"),
        ("resumptions: {biuld: [{}]}", "unknown-step", "biuld", "did you mean `build`?"),
        ("decisions: {nothing: approve}", "unknown-step", "nothing", "no step has the path `nothing`"),
        ("expect: {prompts: {build: [x]}}", "unfit-case", "build", "there is `write`"),
        ("expect: {path: [build, publich]}", "unknown-step", "publich", "no step has the path"),
        ("expect: {never: [publich]}", "unknown-step", "publich", "no step has the path"),
        ("expect: {skipped: [publich]}", "unknown-step", "publich", "no step has the path"),
        ("expect: {handled: [publich]}", "unknown-step", "publich", "no step has the path"),
        ("expect: {steps: {biuld: {}}}", "unknown-step", "biuld", "did you mean `build`?"),
        ("expect: {error: {step: biuld}}", "unknown-step", "biuld", "did you mean `build`?"),
        ("expect: {outputs: {doen: 1}}", "unknown-output", "doen", "did you mean `done`?"),
        ("expect: {check: [outputs.x >]}", "expression-syntax", None, ""),
    ],
)
def test_mistake_is_found_at_its_token_when_it_does_not_fit_the_definition(keys, code, token, said):
    file, findings = found(keys)
    assert [finding.code for finding in findings] == [code]
    span = findings[0].span
    assert span is not None
    if token is not None:
        assert file.source.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1] == token
    assert said in render_text(findings, {file.file: file.source}, color=False)


def test_nothing_is_found_when_a_case_fits():
    keys = (
        "stubs: {build: {}, 'checks/lint#2': {}, publish/compensate/undo_publish: {}}, "
        "decisions: {release: approve, publish: approve, 'publish@2/accept': reject}, "
        "signals: {news.come: {}}, resumptions: {publish: [{action: skip}]}, "
        "expect: {path: [build, checks/lint], "
        "prompts: {write: [p]}, error: {step: outputs}, outputs: {done: x}, check: [outputs.done == 'x']}"
    )
    assert found(keys)[1] == ()


@pytest.mark.parametrize(
    ("inputs", "code", "token"),
    [
        ("{version: '1', count: x}", "invalid-input", "x"),
        ("{version: '1', cuont: 1}", "unknown-input", "cuont"),
        ("{}", "missing-input", "inputs"),
    ],
)
def test_input_is_found_at_its_place_when_it_is_wrong(inputs, code, token):
    file = loaded(f"cases: [{{name: a, inputs: {inputs}}}]")
    findings = check_cases(file, DEFINITION)
    assert [finding.code for finding in findings] == [code]
    span = findings[0].span
    assert span is not None
    assert file.source[span.column - 1 : span.end_column - 1] == token


def test_second_case_is_found_when_two_have_one_name():
    file = loaded("cases:\n- {name: a, inputs: {version: '1'}}\n- {name: a, inputs: {version: '1'}}\n")
    findings = check_cases(file, DEFINITION)
    assert [finding.code for finding in findings] == ["unfit-case"]
    assert [span and span.line for span in (findings[0].span, findings[0].notes[0].span)] == [3, 2]


def test_nothing_is_checked_when_the_file_has_errors():
    assert check_cases(loaded("cases: 1"), DEFINITION) == ()


def test_steps_are_known_by_path_when_they_stand_in_groups():
    assert list(declared_steps(DEFINITION.steps)) == [
        "build",
        "checks",
        "checks/lint",
        "checks/facts",
        "write",
        "release",
        "told",
        "publish",
        "publish/compensate/undo_publish",
    ]


def test_caret_is_in_the_condition_when_a_check_is_no_expression():
    file = loaded("cases:\n- name: a\n  inputs: {version: '1'}\n  expect:\n    check:\n    - outputs.done == nope(1)\n")
    findings = check_cases(file, DEFINITION)
    assert [(finding.code, finding.span) for finding in findings] == [("unknown-function", (6, 23, 6, 27))]
