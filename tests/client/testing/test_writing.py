import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.testing.collecting import collect
from client.testing.plan import play_now
from client.testing.verdicts import judge
from client.testing.writing import first_cases, flow, replace_text, write_new
from client.whole_files import write_whole
from definitions import catalog
from definitions.loader import require
from definitions.nodes import to_value
from definitions.yaml_guard import read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )
)
def test_value_is_read_back_when_it_is_written_as_flow(value):
    document = read(f"key: {flow(value)}\n", "x.yaml")
    assert document.diagnostics == []
    assert to_value(document.root) == {"key": value}


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "1e3",
        "0x1f",
        "1:20",
        "~",
        "-",
        "- a",
        "a: b",
        "#x",
        "a #b",
        "",
        " a",
        "2026-01-31",
        ".5",
        "=",
        "<<",
        "NaN",
        "nan",
        "Infinity",
        ".NaN",
        "True",
        "NULL",
        "Off",
        "012",
        "1_000",
        "0o17",
        "a:",
        "@a",
        "`a",
        "%a",
        "!a",
        "&a",
        "*a",
        "|",
        ">",
        "?",
        "? a",
    ],
)
def test_text_stays_a_text_when_yaml_could_read_another_thing(text):
    assert to_value(read(f"key: [{flow(text)}]\n", "x.yaml").root) == {"key": [text]}


@pytest.mark.parametrize(
    ("value", "written"), [("src/a.py", "src/a.py"), ("it goes through", "it goes through"), ("a,b", '"a,b"')]
)
def test_text_is_plain_when_it_cannot_be_misread(value, written):
    assert flow(value) == written


@pytest.mark.parametrize("name", catalog.names())
def test_first_cases_pass_when_they_are_played(name, tmp_path):
    text, _ = catalog.read(name)
    (tmp_path / f"{name}.yaml").write_text(text)
    path = tmp_path / f"{name}.test.yaml"
    write_new(path, first_cases(require(text, "x"), text, path))
    found = collect(path)
    assert found.cases is not None, found.diagnostics
    assert [judge(one, play_now(one, found.subject)) for one in found.cases.cases] == [()] * len(found.cases.cases)


def first(definition, tmp_path):
    path = tmp_path / "a.test.yaml"
    (tmp_path / "a.yaml").write_text(definition)
    return first_cases(require(definition, "a.yaml"), definition, path)


def test_inputs_are_made_up_when_they_are_required(tmp_path):
    inputs = "".join(
        f"  {name}: {{type: {kind}, required: true{more}}}\n"
        for name, kind, more in [
            ("s", "string", ""),
            ("e", "string", ", enum: [x, y]"),
            ("p", "string", ', pattern: "[a-c]{3}"'),
            ("n", "number", ", minimum: 5"),
            ("i", "integer", ", maximum: -5"),
            ("b", "boolean", ""),
            ("o", "object", ""),
            ("l", "array", ""),
            ("f", "file", ""),
            ("d", "duration", ""),
        ]
    )
    text = first(f"name: a\ninputs:\n{inputs}steps: [{{id: s, type: shell, command: m}}]\n", tmp_path)
    assert "status: completed" in text
    assert 'f.txt: "an example\\n"' in text


def test_gates_are_rejected_in_turn_when_they_are_reached(tmp_path):
    steps = "[{id: g, type: approval}, {id: h, type: approval}, {id: s, type: shell, command: m}]"
    text = first(f"name: a\nsteps: {steps}\n", tmp_path)
    assert text.count("  - name: ") == 3
    assert "a rejection at h ends it" in text
    assert "error: {step: h, type: rejected}" in text


def test_gate_has_no_case_when_it_is_not_reached(tmp_path):
    steps = "[{id: t, type: assert, condition: 'false', message: never so}, {id: g, type: approval}]"
    text = first(f"name: a\nsteps: {steps}\n", tmp_path)
    assert text.count("  - name: ") == 1
    assert "# it fails with made-up results: never so" in text


def test_stubs_are_made_up_when_later_steps_read_what_a_script_says(tmp_path):
    definition = (
        'name: a\nsteps:\n- {id: s, type: shell, command: \'echo "n=1" >> "$PERDURE_OUTPUT"\'}\n'
        "- {id: t, type: assert, condition: steps.s.outputs.n == 0}\n"
    )
    text = first(definition, tmp_path)
    assert "s: {outputs: {n: 0}}" in text
    assert "status: completed" in text


def test_file_is_replaced_whole_when_it_is_written(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("old")
    path.chmod(0o640)
    write_whole(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.yaml"]


def test_file_stays_as_it_was_when_the_disk_is_full(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_are_kept_when_text_is_replaced(tmp_path, line_end):
    path = tmp_path / "a.yaml"
    path.write_bytes(f"a{line_end}b{line_end}".encode())
    assert replace_text(path, "a\nb\n", "a\nc\n")
    assert path.read_bytes() == f"a{line_end}c{line_end}".encode()


def test_text_is_not_replaced_when_somebody_else_changed_it(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("theirs")
    assert not replace_text(path, "ours", "new")
    assert path.read_text() == "theirs"


def test_file_is_left_alone_when_it_is_there(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write_new(path, "new")
    assert path.read_text() == "old"


def test_characters_are_escaped_when_the_loader_refuses_them():
    assert flow("a\u202eb\x85") == '"a\\u202eb\\u0085"'
    assert json.loads(flow("a\u202eb")) == "a\u202eb"
