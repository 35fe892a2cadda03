"""What must hold of any text that is given to the value language, however hostile. The fuzzer and the corpus use it.

A text is an expression or is refused, with a place in it. An expression gives JSON values, each within its bounds, or
an error of the language with a place; never anything of Python's, never a traceback.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from definitions.errors import ExpressionError
from definitions.evaluation import FilesNeeded
from definitions.expressions import Expression, evaluate, evaluate_condition, parse, parse_condition
from definitions.patterns import PatternError, compile_pattern
from definitions.templates import parse_template, render
from definitions.types import ANY, Inference, Type
from definitions.types.type import FILE, NUMBER, STRING, list_of, record
from definitions.values import RESULT_LIMIT, size_within, to_text, type_name

SECONDS = 2.0
"""Of the processor's time that one text may take, in all its places."""

SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "s": "text", "b": True, "l": [1, 2, 3], "o": {"a": {"b": 1}}, "f": {"$file": "a", "size": 1}},
    "steps": {"a": {"outputs": {"x": "1", "big": {"$value": "ab", "size": 9}}, "status": "completed", "error": None}},
    "env": {"HOME": "/root"},
    "run": {"id": "r", "started_at": "2026-01-01T00:00:00Z"},
    "x": "y" * 10_000,
    "many": list(range(5_000)),
}


class Reader:
    """Reads a stored value; has no files."""

    def read(self, source: Any) -> bytes:
        raise ExpressionError("no-such-file", "there are no files")

    def value(self, digest: str) -> Any:
        return {"deep": [1, "a"]}

    def call(self, name: str, arguments: Sequence[Any]) -> Any:
        raise ExpressionError("no-such-file", "there are no files")


class Names:
    """Types of some names of the scope."""

    def named(self, name: str, owner: Any = None) -> Type:
        known = record({"n": NUMBER, "s": STRING, "l": list_of(NUMBER), "f": FILE})
        return {"inputs": known, "x": STRING}.get(name, ANY)

    def step(self, name: str, owner: Any = None) -> Type:
        return ANY


def judge(text: str) -> list[str]:
    """Hold a text to the language's promises, in every place where it could stand; return the codes of its errors."""
    started = time.process_time()
    codes = [
        *_judge_expression(text, parse, evaluate),
        *_judge_expression(text, parse_condition, evaluate_condition),
        *_judge_template(text),
        *_judge_template(f"a {{{{ {text} }}}} b"),
    ]
    codes += _judge_pattern(text)
    assert time.process_time() - started < SECONDS, text
    assert "bad-pattern without a place" not in codes, text
    return codes


def _judge_pattern(text: str) -> list[str]:
    try:
        compile_pattern(text).matches("a" * 100)
    except PatternError as error:
        return ["bad-pattern" if 0 <= error.position <= len(text) else "bad-pattern without a place"]
    return []


def _judge_expression(text: str, parser: Callable[[str], Expression], evaluator: Callable[..., Any]) -> list[str]:
    try:
        expression = parser(text)
    except ExpressionError as error:
        return [_placed(error, text)]
    for reference in expression.references:
        assert 0 <= reference.position <= reference.end <= len(text), text
    inference = Inference(Names(), text)
    inference.of(expression.tree)
    assert all(0 <= fault.span[0] <= fault.span[1] <= len(text) for fault in inference.faults), text
    codes: list[str] = []
    for reader in (None, Reader()):
        try:
            _judge_value(evaluator(expression, SCOPE, reader), text)
        except FilesNeeded:
            codes.append("files-needed")
        except ExpressionError as error:
            codes.append(_placed(error, text))
    return codes


def _judge_template(text: str) -> list[str]:
    try:
        template = parse_template(text)
        _judge_value(render(template, SCOPE, Reader()), text)
    except ExpressionError as error:
        return [_placed(error, text)]
    return []


def _judge_value(value: Any, text: str) -> None:
    assert size_within(value, RESULT_LIMIT * 4) is not None, text
    _only_json(value, text)
    if value is not None and type_name(value) != "stored value" and "$value" not in str(value):
        assert isinstance(to_text(value), str)


def _only_json(value: Any, text: str) -> None:
    assert type(value) in (type(None), bool, int, float, str, list, dict), (text, type(value))
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        _only_json(item, text)


def _placed(error: ExpressionError, text: str) -> str:
    start, end = error.position or 0, error.end if error.end is not None else len(text)
    assert 0 <= start <= end <= len(text), (text, error.code, error.position, error.end)
    assert error.message, text
    assert not error.message.endswith("."), (text, error.message)
    assert "Traceback" not in error.message, text
    return error.code
