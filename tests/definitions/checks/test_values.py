import pytest

from definitions.loader import load

HEAD = "name: values\ndescription: d\nsteps:\n  - {id: first, type: shell, command: echo}\n"


def told(text: str) -> list[tuple[str, str]]:
    """Return codes (no lint) and what the carets stand under."""
    loaded = load(text, "f")
    lines = loaded.source.split("\n")
    found: list[tuple[str, str]] = []
    for finding in loaded.diagnostics:
        if finding.severity != "lint":
            assert finding.span is not None
            line, start, _, end = finding.span
            found.append((finding.code, lines[line - 1][start - 1 : end - 1]))
    return found


def step(keys: str) -> str:
    return f"{HEAD}  - {{id: s, {keys}}}\n"


def with_input(keys: str) -> str:
    return HEAD.replace("steps:", f"inputs:\n  x: {{description: d, {keys}}}\nsteps:")


WRONG: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "variable with a space": (step("type: shell, command: a, env: {'A B': c}"), [("bad-variable-name", "'A B'")]),
    "variable with a sign": (step("type: agent, prompt: a, env: {A=B: c}"), [("bad-variable-name", "A=B")]),
    "variable without a name": (step("type: shell, command: a, env: {'': c}"), [("bad-variable-name", "''")]),
    "variable of ours": (
        step("type: shell, command: a, env: {PERDURE_STEP: c}"), [("bad-variable-name", "PERDURE_STEP")],
    ),
    "variable of the definition": ("env: {A B: c}\n" + HEAD, [("bad-variable-name", "A B")]),
    "variable with NUL": (step('type: shell, command: a, env: {A: "b\\0c"}'), [("invalid-value", "\\0")]),
    "no time": (step("type: shell, command: a, timeout: 0s"), [("invalid-value", "0s")]),
    "no time for the run": ("timeout: 0m\n" + HEAD, [("invalid-value", "0m")]),
    "no success": (step("type: shell, command: a, exit_codes: []"), [("invalid-value", "[")]),
    "blank script": (step("type: shell, command: ' '"), [("invalid-value", "' '")]),
    "blank prompt": (step('type: agent, prompt: "\\n"'), [("invalid-value", '"\\n"')]),
    "need twice": (step("type: shell, command: a, needs: [first, first]"), [("duplicate-item", "first")]),
    "class twice": (step("type: shell, command: a, retry: {on: [exit, exit]}"), [("duplicate-item", "exit")]),
    "code twice": (step("type: shell, command: a, exit_codes: [0, 2, 0]"), [("duplicate-item", "0")]),
    "user twice": (step("type: approval, approvers: {users: [ada, ada]}"), [("duplicate-item", "ada")]),
    "group twice": (step("type: approval, approvers: {groups: [a, b, b]}"), [("duplicate-item", "b")]),
    "nobody": (step("type: approval, approvers: {}"), [("gate-without-approvers", "approvers")]),
    "nobody in lists": (
        step("type: approval, approvers: {users: [], groups: []}"), [("gate-without-approvers", "approvers")],
    ),
    "somebody without a name": (step("type: approval, approvers: {users: ['']}"), [("invalid-value", "''")]),
    "glob": (step("type: shell, command: a, cache: {inputs: [src/**, ../x]}"), [("path-escapes", "../x")]),
    "enum of another type": (with_input("type: integer, enum: [1, two]"), [("invalid-value", "two")]),
    "enum out of bounds": (with_input("type: integer, maximum: 3, enum: [1, 5]"), [("invalid-value", "5")]),
    "enum that does not match": (with_input("pattern: 'a+', enum: [a, b]"), [("invalid-value", "b")]),
    "enum twice": (with_input("enum: [a, b, a]"), [("duplicate-item", "a")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_value_is_told_when_it_can_never_do_what_it_is_there_for(name: str):
    text, expected = WRONG[name]
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        step("type: shell, command: a, env: {A: b, npm_config_x.y: c, _: d}"),
        step("type: shell, command: a, timeout: 1s, exit_codes: [0, 1], needs: [first]"),
        step("type: approval, approvers: any"),
        step("type: approval, approvers: {groups: [release]}"),
        step("type: shell, command: a, cache: {inputs: [/src, '!*.md', a..b]}"),
        step("type: shell, command: a, cache: true"),
        with_input("type: integer, enum: [1, 2]"),
        with_input("enum: [a, 'true']"),
    ],
)
def test_nothing_is_told_when_a_value_is_fit(text: str):
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (step("type: approval, approvers: {users: [5]}"), "ambiguous-scalar"),
        (step("type: approval, approvers: {usrs: [ada]}"), "unknown-key"),
        (step("type: shell, command: a, env: {A: [b]}"), "wrong-type"),
        (step("type: shell, command: a, timeout: never"), "invalid-value"),
        (with_input("enum: a"), "wrong-type"),
    ],
)
def test_value_is_told_once_when_its_shape_is_wrong(text: str, code: str):
    assert [found for found, _ in told(text)] == [code]
