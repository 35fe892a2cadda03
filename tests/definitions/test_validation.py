import pytest

from definitions.diagnostics import Diagnostic
from definitions.loader import load

TOP = "name: x\nsteps:\n"
WAIT = "  - {id: a, type: wait, duration: 1s}\n"


def findings(text: str) -> list[Diagnostic]:
    return list(load(text, "f").diagnostics)


def only(text: str) -> tuple[str, str, str]:
    """Return code, message and the text under the caret of the one finding."""
    found = findings(text)
    assert len(found) == 1, found
    span = found[0].span
    assert span is not None
    return found[0].code, found[0].message, text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


def step(keys: str) -> str:
    return TOP + f"  - {{id: a, {keys}}}\n"


PLANNED_STEP_KEYS = ["concurrency: 2", "on_lost: fail"]


@pytest.mark.parametrize("key", PLANNED_STEP_KEYS)
def test_planned_is_said_when_a_step_has_a_key_of_later(key: str):
    code, message, under = only(step(f"type: wait, duration: 1s, {key}"))
    assert (code, under) == ("unknown-key", key.split(":")[0])
    assert "planned" in message


@pytest.mark.parametrize("kind", ["notify", "memory"])
def test_planned_is_said_when_a_step_type_comes_later(kind: str):
    code, message, under = only(step(f"type: {kind}, whatever: 1"))
    assert (code, under) == ("unknown-step-type", kind)
    assert "planned" in message


@pytest.mark.parametrize(
    "keys",
    [
        "type: approval, tier: 2",
        "type: approval, risk_tier: 2",
        "type: approval, quorum: 2",
        "type: approval, form: {}",
        "type: approval, approvers: {users: [a], quorum: 1}",
        "type: agent, prompt: x, prompt_file: a.md",
    ],
)
def test_planned_is_said_when_a_key_of_one_type_comes_later(keys: str):
    code, message, _ = only(step(keys))
    assert code == "unknown-key"
    assert "planned" in message


@pytest.mark.parametrize("key", ["project: x"])
def test_planned_is_said_when_a_definition_has_a_key_of_later(key: str):
    code, message, _ = only(f"{TOP}{WAIT}{key}\n")
    assert code == "unknown-key"
    assert "planned" in message


WRONG: list[tuple[str, str, str, str]] = [
    ("type: shell", "missing-key", "has no `command`", "shell"),
    ("type: shell, command: x, exit_codes: 0", "wrong-type", "must be a list, not the number `0`", "0"),
    ("type: shell, command: x, exit_codes: [300]", "invalid-value", "at most 255", "300"),
    ("type: shell, command: x, exit_codes: ['0']", "wrong-type", "must be a whole number", "'0'"),
    ("type: shell, command: x, shell: zsh", "invalid-value", "`shell` cannot be `zsh`", "zsh"),
    ("type: shell, command: [a]", "wrong-type", "must be a text, not a list", "["),
    ("type: shell, command: ''", "invalid-value", "must not be empty", "''"),
    ("type: shell, command: 12", "ambiguous-scalar", "`12` is a number", "12"),
    ("type: shell, command: true", "ambiguous-scalar", "`true` is a boolean", "true"),
    ("type: shell, command: True", "ambiguous-scalar", "`True` is the boolean `true`", "True"),
    ("type: shell, command: null", "wrong-type", "must be a text, not nothing", "null"),
    ("type: shell, command: x, env: {A: 1}", "ambiguous-scalar", "`1` is a number", "1"),
    ("type: shell, command: x, env: [A]", "wrong-type", "must be a mapping, not a list", "["),
    ("type: shell, command: x, retry: {max_attempts: 0}", "invalid-value", "at least 1", "0"),
    ("type: shell, command: x, retry: {max_attempts: 1.5}", "wrong-type", "a whole number", "1.5"),
    ("type: shell, command: x, retry: 3", "wrong-type", "must be a mapping", "3"),
    ("type: shell, command: x, retry: {on: [exot]}", "invalid-value", "`on[0]` cannot be `exot`", "exot"),
    ("type: shell, command: x, cache: yes", "wrong-type", "must be a mapping or `true` or `false`", "yes"),
    ("type: shell, command: x, cache: {inpts: []}", "unknown-key", "no key is called `inpts`", "inpts"),
    ("type: shell, command: x, cache: {inputs: a}", "wrong-type", "must be a list, not a text", "a"),
    ("type: shell, command: x, cache: [a]", "wrong-type", "must be a mapping or `true` or `false`", "["),
    ("type: shell, command: x, timeout: 90", "invalid-value", "a duration is a number with a unit", "90"),
    ("type: shell, command: x, prompt: y", "unknown-key", "no key is called `prompt`", "prompt"),
    ("type: agent, prompt: x, budget: {usd: 0}", "invalid-value", "must be more than 0", "0"),
    ("type: agent, prompt: x, inputs: 3", "wrong-type", "must be a list or a mapping", "3"),
    ("type: agent, prompt: x, tools: {alow: []}", "unknown-key", "no key is called `alow`", "alow"),
    ("type: approval, approvers: anyone", "invalid-value", "`approvers` cannot be `anyone`", "anyone"),
    ("type: approval, approvers: {usres: [a]}", "unknown-key", "no key is called `usres`", "usres"),
    ("type: approval, approvers: [a]", "wrong-type", "`approvers` must be", "["),
    ("type: group, steps: []", "invalid-value", "must not be empty", "["),
    ("type: group, steps: [{id: b, type: shell}]", "missing-key", "the shell step `b` has no `command`", "shell"),
    ("type: group, steps: [{id: b, type: shel}]", "unknown-step-type", "`shel`", "shel"),
    ("type: group, steps: [{id: b}]", "missing-key", "step `b` has no `type`", "b"),
    ("type: [shell]", "unknown-step-type", "a list", "["),
    ("type: set, values: {}", "invalid-value", "must not be empty", "{"),
    ("type: wait, duration: 1s, needs: b", "wrong-type", "must be a list, not a text", "b"),
    ("type: wait, duration: soon", "invalid-value", "a duration is a number with a unit", "soon"),
    ("type: agent, prompt: x, provider: command", "missing-key", "has no `command`", "command"),
]


@pytest.mark.parametrize(("keys", "code", "message", "under"), WRONG)
def test_finding_is_exact_when_one_key_of_a_step_is_wrong(keys: str, code: str, message: str, under: str):
    found = only(step(keys))
    assert (found[0], found[2]) == (code, under)
    assert message in found[1]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (f"steps:\n{WAIT}", "missing-key", "the definition has no `name`"),
        (f"name: '!!'\nsteps:\n{WAIT}", "missing-key", "no id can be made from the name `!!`"),
        ("name: x\n", "missing-key", "the definition has no `steps`"),
        ("name: x\nsteps: {}\n", "wrong-type", "`steps` must be a list"),
        ("name: x\nsteps: []\n", "invalid-value", "must not be empty"),
        ("name: x\nsteps: [a]\n", "wrong-type", "must be a mapping, not a text"),
        ("name: x\nsteps:\n", "wrong-type", "must be a list, not nothing"),
        (f"{TOP}{WAIT}id: No Good\n", "invalid-value", "not fit for an id"),
        ("name: x\nsteps: [{id: 1a, type: wait, duration: 1s}]\n", "invalid-value", "not fit for an id"),
        ("name: x\nsteps: [{type: wait, duration: 1s}]\n", "missing-key", "has no `id`"),
        (f"{TOP}{WAIT}inputs: {{a: {{type: str}}}}\n", "invalid-value", "`type` cannot be `str`"),
        (f"{TOP}{WAIT}inputs: {{a: {{typ: string}}}}\n", "unknown-key", "`typ`"),
        (f"{TOP}{WAIT}inputs: {{a: string}}\n", "wrong-type", "`a` must be a mapping"),
        (f"{TOP}{WAIT}inputs: {{a-b: {{}}}}\n", "invalid-value", "not fit for an input's name"),
        (f"{TOP}{WAIT}workspace: {{from: gti}}\n", "invalid-value", "`from` cannot be `gti`"),
        (f"{TOP}{WAIT}cache: on\n", "wrong-type", "must be a mapping"),
    ],
)
def test_finding_is_exact_when_a_definition_is_wrong(text: str, code: str, message: str):
    found = findings(text)
    assert [finding.code for finding in found] == [code]
    assert message in found[0].message


def test_boolean_is_suggested_when_an_older_word_is_written():
    helps = [
        findings(step(f"type: wait, duration: 1s, use_cache: {word}"))[0].help
        for word in ("yes", "on", "no", "off", "2")
    ]
    assert helps == ["write `true`", "write `true`", "write `false`", "write `false`", None]


def test_other_types_are_named_when_a_key_is_theirs():
    assert findings(step("type: wait, duration: 1s, prompt: x"))[0].help == "it is a key of `agent` steps"


def test_keys_are_listed_when_few_and_none_is_close():
    found = findings(step("type: agent, prompt: x, budget: {zzz: 1}"))
    assert found[0].help == "the keys here are `usd`, `tokens`, `turns` and `wall`"


def test_other_checks_go_on_when_a_step_is_of_an_unknown_type():
    text = (
        TOP
        + "  - {id: a, type: shel}\n  - {id: b, type: set, values: {v: '{{ steps.a.outputs.x }} {{ inputs.no }}'}}\n"
    )
    assert [finding.code for finding in findings(text)] == ["unknown-step-type", "unknown-input"]


def test_nothing_is_said_twice_when_a_key_was_left_out():
    text = TOP + "  - {id: a, type: set, values: 3}\n  - {id: b, type: set, values: {v: '{{ steps.a.outputs.x }}'}}\n"
    assert [finding.code for finding in findings(text)] == ["wrong-type"]


def test_places_stay_right_when_an_item_of_a_list_was_wrong():
    text = step("type: wait, duration: 1s, needs: [1, nobody]")
    found = findings(text)
    assert [finding.code for finding in found] == ["ambiguous-scalar", "unknown-step"]
    span = found[1].span
    assert span is not None
    assert text.split("\n")[2][span.column - 1 : span.end_column - 1] == "nobody"


def test_step_key_is_not_taken_for_its_type_when_both_have_one_name():
    text = step("type: shell, shell: {command: 1}, command: x")
    assert only(text)[0] == "wrong-type"
