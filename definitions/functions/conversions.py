"""Functions from one type to another, and digests."""

import hashlib
import json
import re
from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FilesNeeded
from definitions.functions.registry import ANY, NUMBER, OBJECT, TEXT, Parameter, TypeSet, function
from definitions.stored_values import is_file_reference
from definitions.values import bounded_number, canonical_json, compact_json, digest, to_text

_NUMERIC: TypeSet = frozenset({"number", "string"})
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_FLOAT = re.compile(r"\s*[+-]?([0-9]{1,400}([.][0-9]{0,400})?|[.][0-9]{1,400})([eE][+-]?[0-9]{1,4})?\s*")


@function("str", Parameter("value"), result=TEXT, depth="whole", is_method=True, example="str(1.5)", gives='"1.5"')
def text(value: JsonValue) -> JsonValue:
    """The value as it would stand in a template; null has no text."""
    return to_text(value)


@function("int", Parameter("value", _NUMERIC), result=NUMBER, is_method=True, example='int("42")', gives="42")
def integer(value: float | str) -> JsonValue:
    """The whole number that a text says, or a number without what follows its point."""
    if not isinstance(value, str):
        return bounded_number(int(value))
    if not _INTEGER.fullmatch(value):
        raise ExpressionError("bad-argument", f"`int` needs a whole number in digits, not `{value[:40]}`")
    return bounded_number(int(value))


@function("float", Parameter("value", _NUMERIC), result=NUMBER, is_method=True, example='float("87.5")', gives="87.5")
def decimal(value: float | str) -> JsonValue:
    """The number that a text says (`87`, `87.5`, `1e3`), with a fraction."""
    if isinstance(value, str) and not _FLOAT.fullmatch(value):
        raise ExpressionError("bad-argument", f"`float` needs a number in digits, not `{value[:40]}`")
    return bounded_number(float(value))


@function("json", Parameter("value"), result=TEXT, depth="whole", is_method=True, example='json({"a": [1, null]})',
          gives='"{\\"a\\":[1,null]}"')  # fmt: skip
def to_json(value: JsonValue) -> JsonValue:
    """The value as compact JSON text, a file as its path."""
    return compact_json(value)


@function("from_json", Parameter("text", TEXT), result=ANY, is_method=True, example="from_json(\"[1, 2]\")",
          gives="[1, 2]")  # fmt: skip
def from_json(source: str) -> JsonValue:
    """The value that a JSON text says."""
    try:
        return cast(
            "JsonValue", json.loads(source, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float)
        )
    except (ValueError, RecursionError) as error:
        raise ExpressionError("bad-argument", f"`from_json` cannot read the text: {error}") from None


def _integer(digits: str) -> int | float:
    return bounded_number(int(digits))


def _float(digits: str) -> int | float:
    return bounded_number(float(digits))


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"`{name}` is not JSON")


@function(
    "hash",
    Parameter("value"),
    Parameter("more", is_optional=True, is_repeated=True),
    result=TEXT,
    kind="evaluation",
    depth="whole",
    is_method=True,
    example='hash("a")',
    gives='"ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c"',
)
def hash_of(evaluation: Evaluation, *values: JsonValue) -> JsonValue:
    """The sha256, as hex digits, of a file's content or of a value.

    A file is a `file` input, a file output or an artifact; of anything else the canonical JSON counts. Of several
    values it is the sha256 of the list of their hashes.
    """
    digests = [_digest(evaluation, value) for value in values]
    return digests[0] if len(digests) == 1 else digest(cast("JsonValue", digests))


def _digest(evaluation: Evaluation, value: JsonValue) -> str:
    if not is_file_reference(value):
        evaluation.charge(len(canonical_json(value)) // 64)
        return digest(value)
    known = value.get("digest")
    if isinstance(known, str) and known:
        return known
    content = evaluation.require_files(FilesNeeded()).read(value)
    return hashlib.sha256(content).hexdigest()


@function(
    "file",
    Parameter("report", OBJECT),
    Parameter("path", frozenset({"string", "file"})),
    result=OBJECT,
    is_method=True,
    example='{"files": {"src/a.py": {"line_coverage": 80}}}.file("src/a.py")',
    gives='{"line_coverage": 80}',
)
def report_of_file(report: dict[str, JsonValue], path: JsonValue) -> JsonValue:
    """What a report, such as that of `parse_coverage`, says of one file.

    The path may be longer or shorter at its beginning than in the report (`src/a.py`, `./src/a.py`, `a.py`), as long
    as only one file fits.
    """
    files = report.get("files")
    if not isinstance(files, dict):
        raise ExpressionError(
            "bad-argument", "`file` needs a report that has `files`, such as that of `parse_coverage`"
        )
    wanted = to_text(path).removeprefix("./")
    if wanted in files:
        return files[wanted]
    fitting = [name for name in files if name.endswith("/" + wanted) or wanted.endswith("/" + name)]
    if len(fitting) == 1:
        return files[fitting[0]]
    found = "says nothing of" if not fitting else f"has {len(fitting)} files that could be"
    raise ExpressionError("no-such-field", f"the report {found} `{wanted}`")
