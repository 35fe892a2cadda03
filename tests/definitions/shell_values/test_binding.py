"""Values of a script: their text, and what cannot be one."""

from pathlib import Path

import pytest

from definitions.errors import ExpressionError
from definitions.evaluation import StoredValueNeeded
from definitions.shell_values import bind, bound_text, by_file, compile_script
from definitions.shell_values.binding import VARIABLE_LIMIT
from tests.support.shell_places import SHELLS, run_script


def test_variables_are_numbered_and_shared_when_expressions_repeat() -> None:
    script = compile_script("a {{ inputs.x }} {{inputs.x}} {{ inputs.y }}", "bash")
    assert script.text == 'a "${PERDURE_V1}" "${PERDURE_V1}" "${PERDURE_V2}"'
    assert bind(script, {"inputs": {"x": "1", "y": {"a": [1, True]}}}) == {
        "PERDURE_V1": "1",
        "PERDURE_V2": '{"a":[1,true]}',
    }


def test_file_is_bound_as_its_path_when_it_is_a_reference() -> None:
    script = compile_script("cat {{ inputs.f }}", "bash")
    assert bind(script, {"inputs": {"f": {"$file": "a/b.xml", "digest": "d", "size": 1}}}) == {"PERDURE_V1": "a/b.xml"}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a\0b", "nul-in-shell-value"),
        (None, "null-in-text"),
        ("\ud800", "not-unicode"),
    ],
)
def test_binding_fails_when_the_value_cannot_be_a_variable(value: object, code: str) -> None:
    script = compile_script("echo {{ inputs.x }}", "bash")
    with pytest.raises(ExpressionError) as caught:
        bind(script, {"inputs": {"x": value}})  # pyright: ignore[reportArgumentType]
    assert caught.value.code == code
    assert "`inputs.x`" in caught.value.message


# --- values over the kernel's limits ----------------------------------------------------------------

LONG_VALUE = "é'\"$(touch CANARY)\\\n" * 8_000
"""168,000 bytes, with a line end at its end."""
SHOW = 'show() { for shown in "$@"; do printf "%s\\0" "$shown"; done; }\n'

FITS_BY_FILE = {
    "argument of the shell's own": ("printf '%s\\0' {{ inputs.x }}", LONG_VALUE),
    "double quotes": ("printf '%s\\0' \"a {{ inputs.x }}\"", f"a {LONG_VALUE}"),
    "single quotes": ("printf '%s\\0' 'a {{ inputs.x }}'", f"a {LONG_VALUE}"),
    "assignment": ("y={{ inputs.x }}; printf '%s\\0' \"$y\"", LONG_VALUE),
    "here-document for a program": ("cat <<EOF\n{{ inputs.x }}\nEOF\nprintf '\\0'", f"{LONG_VALUE}\n"),
    "pipe to a program": ("printf '%s' {{ inputs.x }} | cat; printf '\\0'", LONG_VALUE),
    "function": (f"{SHOW}show {{{{ inputs.x }}}}", LONG_VALUE),
    "keyword function": (f"function {SHOW[:4]} {SHOW[6:]}show {{{{ inputs.x }}}}", LONG_VALUE),
    "list of a loop": ("for i in {{ inputs.x }}; do printf '%s\\0' \"$i\"; done", LONG_VALUE),
    "case": ("case {{ inputs.x }} in {{ inputs.x }}) printf 'same\\0';; esac", "same"),
    "test": ("[ {{ inputs.x }} = {{ inputs.x }} ] && printf 'same\\0'", "same"),
    "double brackets": ("[[ {{ inputs.x }} == {{ inputs.x }} ]] && printf 'same\\0'", "same"),
    "file": ("cat > out <<EOF\n{{ inputs.x }}\nEOF\ncat out; rm out; printf '\\0'", f"{LONG_VALUE}\n"),
    "first line that is a comment": ("#!/bin/sh\nprintf '%s\\0' {{ inputs.x }}", LONG_VALUE),
    "first line that is empty": ("\nprintf '%s\\0' {{ inputs.x }}", LONG_VALUE),
    "programs beside it": ("[ $(env | wc -c) -lt 20000 ] && printf '%s\\0' {{ inputs.x }}", LONG_VALUE),
}

ONLY_BASH = {"keyword function", "double brackets"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("place", FITS_BY_FILE)
def test_long_value_arrives_when_the_shell_itself_uses_it(place: str, shell: str, tmp_path: Path) -> None:
    text, seen = FITS_BY_FILE[place]
    if shell != "bash" and place in ONLY_BASH:
        pytest.skip("only bash has it")
    folder = tmp_path / "workspace"
    folder.mkdir()
    assert run_script(text, {"inputs": {"x": LONG_VALUE}}, shell, folder).decode() == f"{seen}\0"
    assert list(folder.iterdir()) == []


GOES_TO_A_PROGRAM = [
    "ls {{ inputs.x }}",
    "y={{ inputs.x }} ls",
    "sh -c 'ls' _ 'a {{ inputs.x }}'",
    "export y={{ inputs.x }}",
    "command printf {{ 'a' }} {{ inputs.x }}",
    "$tool {{ inputs.x }}",
    "f() { :; }; g {{ inputs.x }}",
    "echo {{ inputs.x }} | tee {{ inputs.x }}",
]


@pytest.mark.parametrize("text", GOES_TO_A_PROGRAM)
def test_long_value_is_refused_when_it_is_an_argument_of_a_program(text: str) -> None:
    script = compile_script(text.replace("printf {{ 'a' }}", "printf %s"))
    with pytest.raises(ExpressionError) as caught:
        bind(script, {"inputs": {"x": LONG_VALUE}})
    assert caught.value.code == "shell-value-too-big"
    assert "`inputs.x` has 168000 bytes" in caught.value.message
    assert "here-document" in caught.value.message
    assert bind(script, {"inputs": {"x": "short"}})


def test_text_stays_as_it_is_when_all_values_are_short() -> None:
    script = compile_script("ls {{ inputs.x }}")
    bound = bind(script, {"inputs": {"x": "a"}})
    assert (bound_text(script, bound), by_file(bound)) == (script.text, {})


def test_lines_keep_their_numbers_when_a_value_goes_by_file() -> None:
    script = compile_script("echo 1\necho {{ inputs.x }}")
    text = bound_text(script, bind(script, {"inputs": {"x": LONG_VALUE}}))
    assert [line.partition("echo ")[2] for line in text.splitlines()] == ["1", '"${PERDURE_V1}"']


def test_longest_values_go_by_file_when_all_together_are_too_long_for_the_environment() -> None:
    values = {f"V{index}": "a" * (100_000 + index) for index in range(12)}
    assert by_file(values).keys() == {"V10", "V11"}
    assert by_file({**values, "V99": "é" * 65_600}).keys() == {"V99", "V10", "V11"}


def test_values_arrive_when_all_together_are_too_long_for_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    text = "\n".join(f"ls -d {{{{ inputs.x + '{index}' }}}} 2> /dev/null || echo {index}" for index in range(20))
    output = run_script(text, {"inputs": {"x": "a" * 120_000}}, "bash", folder)
    assert output.split() == [str(index).encode() for index in range(20)]


def test_binding_fails_when_all_values_together_are_over_the_limit() -> None:
    script = compile_script("".join(f"echo {{{{ inputs.x + '{index}' }}}}\n" for index in range(80)))
    with pytest.raises(ExpressionError, match="16 MiB together") as caught:
        bind(script, {"inputs": {"x": "a" * 250_000}})
    assert caught.value.code == "shell-value-too-big"


def test_biggest_argument_arrives_when_it_is_just_within_the_limit(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    text = "/usr/bin/env printf %s {{ inputs.x }} | wc -c"
    assert run_script(text, {"inputs": {"x": "a" * VARIABLE_LIMIT}}, "bash", folder).split() == [b"131008"]


def test_binding_needs_a_reader_when_a_value_is_stored() -> None:
    script = compile_script("echo {{ inputs.x }}", "bash")
    with pytest.raises(StoredValueNeeded):
        bind(script, {"inputs": {"x": {"$value": "abc", "size": 9}}})
