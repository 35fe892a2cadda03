"""Looking things up: `steps.build.outputs.count` means entries of objects and lists, never attributes of anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, Scope
from definitions.stored_values import FILE_KEY, VALUE_KEY
from definitions.suggestions import closest
from definitions.values import type_name, with_article

Key = str | int
Span = tuple[int, int]

ROOTS = frozenset({"inputs", "steps", "env", "run", "docs", "loop", "secrets"})
"""What names may mean; any other name is a step's id, short for `steps.ID`, or something the scope adds."""

_SPECIAL_KEYS = frozenset({FILE_KEY, VALUE_KEY, "size", "digest"})
_NOUNS = {"steps": "step", "inputs": "input", "run": "field"}
_NAMES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Path:
    """Keys to follow one after the other, each with its place in the text that errors quote."""

    text: str
    start: int
    keys: tuple[Key, ...]
    spans: tuple[Span, ...]

    @property
    def is_plain(self) -> bool:
        """Whether following it needs no look at references: no key is one that a reference has itself."""
        return all(isinstance(key, str) and key not in _SPECIAL_KEYS for key in self.keys)

    def follow(self, evaluation: Evaluation, value: JsonValue, *, from_root: str = "") -> JsonValue:
        """Return what is at the end of the path that begins at `value`.

        Raises:
            ExpressionError: something on the way is not there.
        """
        for index, key in enumerate(self.keys):
            value = evaluation.resolve(value)
            try:
                value = look_up(value, key)
            except ExpressionError as error:
                if from_root == "env" and index == 0 and error.code == "no-such-field":
                    return None  # an environment variable that the caller did not have is null
                self._explain(error, value, index, from_root if index == 0 else "")
        return value

    def _explain(self, error: ExpressionError, holder: JsonValue, index: int, root: str) -> None:
        start, end = self.spans[index]
        prefix = self.text[self.start : start].rstrip().rstrip(".[").rstrip()
        message = _missing(prefix, holder, self.keys[index], root) if error.code == "no-such-field" else None
        raise ExpressionError(error.code, message or f"`{prefix}` {error.message}", start, end) from None


def look_up(value: JsonValue, key: JsonValue) -> JsonValue:
    """Return an entry of a resolved value; the message of an error goes on after the holder's own text.

    Raises:
        ExpressionError: there is no such entry.
    """
    if isinstance(value, Mapping):
        return _entry(cast("Mapping[str, JsonValue]", value), key)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        if -len(value) <= key < len(value):
            return value[key]
        raise ExpressionError("no-such-item", f"has {len(value)} items and no item {key}; use `default(…, …)`")
    if value is None or isinstance(key, str):
        raise ExpressionError("no-such-field", f"is {with_article(type_name(value))} and has no field `{key}`")
    kind = with_article(type_name(value))
    raise ExpressionError("type-mismatch", f"is {kind}, which {with_article(type_name(key))} cannot index")


def _entry(value: Mapping[str, JsonValue], key: JsonValue) -> JsonValue:
    if not isinstance(key, str):
        raise ExpressionError(
            "type-mismatch", f"is an object; its keys are strings, not {with_article(type_name(key))}"
        )
    if key == "path" and FILE_KEY in value:
        return value[FILE_KEY]
    if key not in value:
        raise ExpressionError("no-such-field", f"has no field `{key}`")
    return value[key]


def look_up_name(scope: Scope, name: str, start: int) -> JsonValue:
    """Return what a bare name means: a root of the scope, else the step of that id.

    Raises:
        ExpressionError: neither.
    """
    if name in scope:
        return scope[name]
    steps = scope.get("steps")
    if isinstance(steps, Mapping) and name in steps:
        return cast("Mapping[str, JsonValue]", steps)[name]
    known = [*scope, *(cast("Mapping[str, JsonValue]", steps) if isinstance(steps, Mapping) else ())]
    hint = did_you_mean(name, known) or f"; there are {', '.join(f'`{root}`' for root in scope)} and ids of steps"
    raise ExpressionError("no-such-name", f"nothing is called `{name}`{hint}", start, start + len(name))


def did_you_mean(name: str, known: list[str]) -> str:
    """Return `; did you mean …` where a known name is spelled nearly so, else nothing."""
    short = known[:_NAMES_SHOWN]
    close = closest(name, short) or next((one for one in short if "-" in one and name in one.split("-")), None)
    return f"; did you mean `{close}`?" if close else ""


def _missing(prefix: str, holder: JsonValue, key: Key, root: str) -> str:
    if holder is None:
        return f"`{prefix}` is null, so it has no field `{key}`; use `default(…, …)` where that may be"
    if not isinstance(holder, Mapping):
        return f"`{prefix}` is {with_article(type_name(holder))} and has no field `{key}`"
    names = list(cast("Mapping[str, JsonValue]", holder))
    if FILE_KEY in holder:
        return f"`{prefix}` is a file, which has `path`, `size` and `digest`, and no field `{key}`"
    dashed = next((name for name in names if name.startswith(f"{key}-")), None)
    hint = f'; names with a dash stand in brackets: `{prefix}["{dashed}"]`' if dashed else did_you_mean(str(key), names)
    if not hint and 0 < len(names) <= 8:
        hint = f"; it has {', '.join(f'`{name}`' for name in names)}"
    if not hint:
        hint = "; use `default(…, …)` where it may be missing"
    return f"`{prefix}` has no {_NOUNS.get(root, 'field')} `{key}`{hint}"
