"""Declarations of the functions that read files; activities have the bodies (`activities.file_functions`).

A file is a path in the workspace or a file reference (a file output or artifact). An expression that calls one of
these is evaluated by an activity, wherever it stands.
"""

from typing import NoReturn

from pydantic import JsonValue

from definitions.functions.registry import ANY, BOOLEAN, FILE, OBJECT, TEXT, Parameter, TypeSet, function


def _declare(name: str, result: TypeSet, example: str, doc: str) -> None:
    def body(*_: JsonValue) -> NoReturn:
        raise NotImplementedError(f"`{name}` is called through a FileReader")

    body.__doc__ = doc
    function(name, Parameter("file", FILE), result=result, kind="file", example=example)(body)


_declare(
    "parse_coverage",
    OBJECT,
    'parse_coverage("coverage.xml").line_coverage >= 90',
    """A coverage report (Cobertura XML, coverage.py JSON, LCOV): `line_coverage` and, where known, `branch_coverage` in
    percent (0-100), and `files`: the same by path. `.file(path)` is the part of one file.""",
)
_declare(
    "parse_junit",
    OBJECT,
    'parse_junit("report.xml").failed == 0',
    """A JUnit XML report: how many tests there were (`tests`), and of them `passed`, `failed`, `errors`, `skipped`; the
    `time` in seconds; `failures`, a list of `{name, message}`.""",
)
_declare("read_json", ANY, 'read_json("package.json").version', "The value that a JSON file holds.")
_declare("read_yaml", ANY, 'read_yaml("config.yaml").replicas', "The value that a YAML file holds.")
_declare("read_toml", OBJECT, 'read_toml("pyproject.toml").project.name', "The table that a TOML file holds.")
_declare("read_text", TEXT, 'trim(read_text("VERSION"))', "The text of a file (UTF-8).")
_declare("file_exists", BOOLEAN, 'file_exists("Makefile")', "Whether there is such a file.")
