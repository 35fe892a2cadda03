import json

from definitions.diagnostics import Diagnostic, Note, Span
from definitions.rendering import render_json

FILE = "a.yaml"


def test_json_has_every_field_when_rendered():
    warning = Diagnostic("c", "warning", "m", FILE, Span(1, 2, 3, 4), (Note("n", Span(5, 6, 7, 8)), Note("o")), "h")
    place = {"line": 1, "column": 2, "end_line": 3, "end_column": 4}
    assert json.loads(json.dumps(render_json([warning]))) == [
        {
            "code": "c",
            "severity": "warning",
            "message": "m",
            "file": FILE,
            "span": place,
            "notes": [
                {"message": "n", "span": {"line": 5, "column": 6, "end_line": 7, "end_column": 8}},
                {"message": "o", "span": None},
            ],
            "help": "h",
        }
    ]


def test_place_is_null_when_there_is_none():
    assert render_json([Diagnostic("c", "lint", "m", "")]) == [
        {"code": "c", "severity": "lint", "message": "m", "file": "", "span": None, "notes": [], "help": None}
    ]
