"""Numbers, keys, ids, nesting: values that are not what they look like, or too many, or too deep."""

import json
from collections.abc import Iterator

from tests.hostile.families.case import HEAD, SOUND, STEPS, Case, refused, sound, step

NUMBERS = (
    "010", "0644", "0o17", "0x1F", "0b101", "-010", "+0x1", "00", "1e999", "-1e999", "9223372036854775808", "-9223372036854775809",
    "1" * 41, "1" + "0" * 5000, "1." + "1" * 5000, "1e" + "9" * 5000, ".inf", "-.INF", ".nan", ".NaN", "NaN", "Infinity", "08", "007",
)  # fmt: skip
TEXTS = (
    "1_000", "12:30", "1:2:3", "2026-01-01", "2026-01-01T00:00:00Z", "yes", "no", "on", "off", "y", "n", "Yes", "OFF", "1.2.3", "1e", "e1", "+",
    ".", "..", "+.", "1__0", "0x", "0xZ", "0b2", "1,5", "١٢", "²", "1e5x", "tRUE", "nULL", "nan", "inf", "undefined", "None", "~a", "=", "<",
)  # fmt: skip
NOT_TEXTS = (
    "1.10",
    "1",
    "-0",
    "+1",
    "1e3",
    ".5",
    "1.",
    "true",
    "False",
    "0.1e-400",
    "9223372036854775807",
    "-9223372036854775808",
)
KEYS = {
    "number": ("1: 1\n", "unknown-key"), "true": ("true: 1\n", "unknown-key"), "null": ("null: 1\n", "unknown-key"),
    "tilde": ("~: 1\n", "unknown-key"), "empty": ("'': 1\n", "unknown-key"), "list": ("[a]: 1\n", "key-not-text"),
    "mapping": ("{a: b}: 1\n", "key-not-text"), "explicit list": ("? [a]\n: 1\n", "key-not-text"), "nothing": (": 1\n", "yaml-syntax"),
    "block": ("? |\n  name\n: 1\n", "unknown-key"), "float": ("1.5: 1\n", "unknown-key"), "on": ("on: 1\n", "unknown-key"),
    "prototype": ("__proto__: {}\n", "unknown-key"), "class": ("__class__: {}\n", "unknown-key"), "constructor": ("constructor: {}\n", "unknown-key"),
    "pydantic's": ("model_config: {extra: allow}\n", "unknown-key"), "pydantic's fields": ("model_fields: {}\n", "unknown-key"),
    "python's name": ("source: inputs\n", "unknown-key"), "long": ("? " + "k" * 100_000 + "\n: 1\n", "unknown-key"),
    "newline": ('"a\\nb": 1\n', "unknown-key"), "nul": ('"a\\0b": 1\n', "unknown-key"), "escape": ('"\\e[31m": 1\n', "unknown-key"),
    "turned": ('"\\u202eeman": 1\n', "unknown-key"), "twice": ("env: {}\nenv: {}\n", "duplicate-key"),
    "twice in other quotes": ("'env': {}\n\"env\": {}\n", "duplicate-key"), "twice as escape": ('env: {}\n"\\x65nv": {}\n', "duplicate-key"),
    "thrice": ("env: {}\nenv: {}\nenv: {}\n", "duplicate-key"), "other case": ("Env: {}\n", "unknown-key"),
    "trailing space": ("'env ': {}\n", "unknown-key"), "full width": ("ｅｎｖ: {}\n", "unknown-key"), "cyrillic": ("еnv: {}\n", "unknown-key"),
    "dunder dict": ("__dict__: {}\n", "unknown-key"), "template": ("'{{ inputs.x }}': 1\n", "unknown-key"), "dollar": ("$schema: x\n", "unknown-key"),
}  # fmt: skip
IDS = (
    "",
    " ",
    "a b",
    "a.b",
    "a/b",
    "../a",
    "a\n",
    "a[0]",
    "a@2",
    "a#1",
    "é",
    "a" * 10_000,
    "-a",
    "a..b",
    "{{ x }}",
    "a\u200bb",
)
VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "{{",
    "{{ }}",
    "{{ 1/0 }}",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": []}},
    "\0",
    "x" * 5000,
)
FULL: dict[str, object] = {
    "name": "full", "id": "full", "version": "1", "description": "d", "env": {"A": "b"}, "workspace": {"from": "empty"},
    "cache": {"default": "off"}, "timeout": "1h", "metadata": {"a": 1},
    "inputs": {"x": {"type": "number", "default": 1, "minimum": 0, "maximum": 9, "description": "d", "enum": [1, 2], "required": False},
               "t": {"pattern": "a+", "default": "a"}},
    "outputs": {"o": {"type": "string", "value": "{{ steps.s.outputs.stdout }}", "description": "d"}},
    "steps": [
        {"id": "s", "type": "shell", "command": "echo {{ inputs.x }}", "timeout": "1m", "env": {"B": "c"}, "outputs": {"r": "r.xml"},
         "artifacts": {"r": "r.xml"}, "retry": {"max_attempts": 2}, "cache": {"inputs": ["*"], "tools": ["make"]}, "exit_codes": [0, 5],
         "on_failure": "stop"},
        {"id": "g", "type": "group", "mode": "parallel", "steps": [{"id": "w", "type": "wait", "duration": "1s", "when": "inputs.x > 0"}]},
        {"id": "v", "type": "set", "values": {"a": "{{ inputs.x }}"}, "needs": ["s"]},
        {"id": "c", "type": "assert", "condition": "inputs.x > 0", "message": "m", "needs": ["v"]},
        {"id": "p", "type": "approval", "approvers": {"users": ["ada"]}, "timeout": "1h", "show": {"t": "{{ inputs.t }}"}, "needs": ["c"]},
        {"id": "n", "type": "agent", "prompt": "p", "provider": "scripted", "output_schema": {"type": "object"}, "budget": {"usd": 1},
         "tools": {"allow": ["Read"]}, "needs": ["p"]},
    ],
}  # fmt: skip


def cases() -> Iterator[tuple[str, Case]]:
    """Yield the cases of this family."""
    for text in NUMBERS:
        yield f"number {text[:20]}·{len(text)}", refused(f"{SOUND}description: {text}\n", "ambiguous-scalar")
    for text in TEXTS:
        yield f"text {text}", sound(f"{SOUND}description: {text}\n")
    for text in NOT_TEXTS:
        yield f"no text {text}", refused(f"{SOUND}description: {text}\n", "ambiguous-scalar")
    for name, (text, code) in KEYS.items():
        yield f"key {name}", refused(SOUND + text, code)
    for text in IDS:
        steps = json.dumps([{"id": text, "type": "wait", "duration": "1s"}])
        yield f"step id {text[:10]!r}·{len(text)}", Case(f"{HEAD}steps: {steps}\n", frozenset({"*"}))
        yield f"definition id {text[:10]!r}·{len(text)}", Case(f"{SOUND}id: {json.dumps(text)}\n", frozenset({"*"}))
    for word in ("end", "fail", "stop", "continue", "pause", "retry"):
        yield f"reserved id {word}", Case(SOUND.replace("id: a", f"id: {word}"), frozenset({"*"}))
    yield from _nested()


def wrong_values() -> Iterator[str]:
    """Yield one definition after the other, each with one value replaced by one that hardly fits."""
    for path in _paths(FULL, ()):
        for value in VALUES:
            changed = json.loads(json.dumps(FULL))
            inside = changed
            for element in path[:-1]:
                inside = inside[element]
            inside[path[-1]] = value
            yield json.dumps(changed)


def _paths(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _nested() -> Iterator[tuple[str, Case]]:
    for depth in (39, 1000, 100_000):
        code = "too-deep" if depth > 39 else "wrong-type"
        yield f"{depth} open lists", refused("[" * depth, code if depth > 39 else "yaml-syntax")
        yield f"{depth} lists", refused("[" * depth + "]" * depth, code)
        yield f"{depth} mappings", refused("{a: " * depth + "}" * depth, "too-deep" if depth > 39 else "unknown-key")
        yield f"{depth} block lists", refused("- " * depth + "a", code)
        yield (
            f"{depth} metadata lists",
            Case(f"{SOUND}metadata: {{a: {'[' * depth}{']' * depth}}}\n", frozenset({"too-deep"})),
        )
    yield "37 metadata lists", sound(f"{SOUND}metadata: {{a: {'[' * 37}{']' * 37}}}\n")
    yield "stairs", refused("".join(" " * indent + "a:\n" for indent in range(1400)), "too-deep")
    yield "explicit keys", refused("? " * 100_000, "key-not-text")
    group = "{id: z, type: wait, duration: 1s}"
    for depth in range(18):
        group = f"{{id: g{depth}, type: group, steps: [{group}]}}"
    yield "18 groups", sound(f"{HEAD}steps: [{group}]\n")
    yield "many groups", refused(f"{HEAD}steps: [{group.replace('[', '[' * 20).replace(']', ']' * 20)}]\n", "too-deep")
    for depth in (50, 500, 50_000):
        yield (
            f"{depth} brackets in a condition",
            refused(step(f"type: assert, condition: '{'(' * depth}1{')' * depth}'"), "*"),
        )
        yield f"{depth} nots in a condition", refused(step(f"type: assert, condition: '{'not ' * depth}1'"), "*")
        yield (
            f"{depth} lists in a template",
            Case(step(f"type: set, values: {{a: '{{{{ {'[' * depth}{']' * depth} }}}}'}}"), frozenset({"?"})),
        )
        yield (
            f"{depth} signs in a template",
            Case(step(f"type: set, values: {{a: '{{{{ {'-' * depth}1 }}}}'}}"), frozenset({"*"})),
        )
        yield (
            f"{depth} fields in a template",
            Case(step(f"type: set, values: {{a: '{{{{ inputs{'.x' * depth} }}}}'}}"), frozenset({"*"})),
        )
        yield (
            f"{depth} calls in a template",
            Case(step(f"type: set, values: {{a: '{{{{ {'len(' * depth}1{')' * depth} }}}}'}}"), frozenset({"*"})),
        )
        yield (
            f"{depth} powers in a template",
            Case(step(f"type: set, values: {{a: '{{{{ {'9**' * depth}9 }}}}'}}"), frozenset({"*"})),
        )


__all__ = ["FULL", "STEPS", "cases", "wrong_values"]
