import pytest

from definitions.checks.without_effect import _IGNORED
from definitions.shape import STEP_BY_TYPE
from definitions.steps.base import StepBase
from tests.definitions.checks.test_values import step, told, with_input
from workflows.steps import HANDLERS

WRONG: dict[str, tuple[str, str]] = {
    "cache of a wait": (step("type: wait, duration: 1s, cache: true"), "cache"),
    "time limit of a set": (step("type: set, values: {a: 1}, timeout: 1m"), "timeout"),
    "time limit of a wait": (step("type: wait, duration: 1s, timeout: 1m"), "timeout"),
    "environment of an assert": (step("type: assert, condition: 'true', env: {A: b}"), "env"),
    "artifacts of a group": (
        step("type: group, artifacts: {a: b}, steps: [{id: i, type: wait, duration: 1s}]"), "artifacts",
    ),
    "profile of a gate": (step("type: approval, security_profile: restricted"), "security_profile"),
    "merge of a sequence": (
        step("type: group, merge: outputs, steps: [{id: i, type: wait, duration: 1s}]"), "merge",
    ),
    "end of no time": (step("type: approval, on_timeout: approve"), "on_timeout"),
    "program of an agent": (step("type: agent, prompt: p, provider: scripted, command: [a]"), "command"),
    "one attempt": (step("type: shell, command: a, retry: {max_attempts: 1, backoff: 3}"), "max_attempts"),
    "no class": (step("type: shell, command: a, retry: {on: []}"), "on"),
    "wait that is cut": (step("type: shell, command: a, retry: {initial_interval: 5m}"), "initial_interval"),
    "default of a required one": (with_input("required: true, default: a"), "default"),
    "pattern of a number": (with_input("type: number, pattern: a"), "pattern"),
    "bound of a text": (with_input("minimum: 1"), "minimum"),
    "upper bound of a list": (with_input("type: array, maximum: 1"), "maximum"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_key_is_told_when_nothing_looks_at_it(name: str):
    text, key = WRONG[name]
    assert told(text) == [("key-without-effect", key)]


@pytest.mark.parametrize(
    "text",
    [
        step("type: shell, command: a, cache: true, env: {A: b}, timeout: 1m, artifacts: {a: b}"),
        step("type: group, mode: parallel, merge: outputs, timeout: 1m, steps: [{id: i, type: wait, duration: 1s}]"),
        step("type: approval, timeout: 2h, on_timeout: approve, retry: {max_attempts: 2}"),
        step("type: agent, prompt: p, provider: command, command: [a]"),
        step("type: agent, prompt: p, command: [a]"),
        step("type: shell, command: a, retry: {max_attempts: 1}"),
        step("type: wait, signal: go, timeout: 1m"),
        step("type: set, values: {a: 1}, loop: {max_iterations: 2}, timeout: 1m"),
        step("type: assert, condition: 'true', outputs: {a: 1}"),
        step("type: shell, command: a, retry: {initial_interval: 5m, max_interval: 10m}"),
        step("type: shell, command: a, retry: {max_interval: 100ms}"),
        with_input("required: false, default: a"),
        with_input("type: integer, minimum: 1, maximum: 2"),
        with_input("type: file, pattern: 'a.*'"),
    ],
)
def test_nothing_is_told_when_a_key_does_something(text: str):
    assert told(text) == []


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("cache: true, use_cache: false", "cache"),
        ("cache: {salt: a}, use_cache: false", "cache"),
        ("cache: false, cache_key: a", "cache_key"),
        ("use_cache: false, cache_key: a", "cache_key"),
        ("cache: false, use_cache: true", "use_cache"),
    ],
)
def test_keys_are_told_when_they_say_the_opposite(keys: str, shown: str):
    assert told(step(f"type: shell, command: a, {keys}")) == [("conflicting-keys", shown)]


@pytest.mark.parametrize("keys", ["cache: false", "use_cache: false, cache: false", "cache: true, use_cache: true"])
def test_nothing_is_told_when_the_keys_agree(keys: str):
    assert told(step(f"type: shell, command: a, {keys}")) == []


def test_only_steps_without_a_process_ignore_keys_when_the_types_are_listed():
    assert {*_IGNORED} == {*HANDLERS}
    assert {*_IGNORED} <= {*STEP_BY_TYPE}
    assert all(keys <= {*StepBase.model_fields} for keys in _IGNORED.values())
