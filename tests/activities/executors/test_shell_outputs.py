"""What a script hands on through `$PERDURE_OUTPUT`, and the excerpt of what it printed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.executors.shell_outputs import FILE_LIMIT, Excerpt, read_outputs
from definitions.errors import ErrorClass, StepFailure


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.mark.parametrize(
    ("content", "outputs"),
    [
        (b"", {}),
        (b"a=1\nb = x y \n", {"a": "1", "b ": "x y"}),
        (b"a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
        (b"url=https://x/?q=1&r=2\n", {"url": "https://x/?q=1&r=2"}),
        (b'{"n": 1, "list": [1, null]}\n\nname=last', {"n": 1, "list": [1, None], "name": "last"}),
        (b'a=1\n{"a": 2}\n', {"a": 2}),
        (b"empty=\n", {"empty": ""}),
        ("text=grün 🙂\n".encode(), {"text": "grün 🙂"}),
        (b"a=form\x0cfeed\xe2\x80\xa8same line\n", {"a": "form\x0cfeed\u2028same line"}),
    ],
)
def test_both_forms_are_read(file: Path, content: bytes, outputs: dict[str, object]) -> None:
    file.write_bytes(content)
    if "b " in outputs:
        with pytest.raises(StepFailure, match="line 2: `b ` cannot be an output's name"):
            read_outputs(file)
        return
    assert read_outputs(file) == outputs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a=1\nnonsense\n", "line 2: `nonsense` is neither `name=value` nor a JSON object"),
        (b"\n\n{broken\n", "line 3: not a JSON object"),
        (b'{"a": NaN}\n', "`NaN` is not JSON"),
        (b"{" * 100 + b"\n", "line 1: not a JSON object"),
        (b'{"a":' + b"[" * 200_000 + b"\n", "line 1: not a JSON object"),
        (b"1st=x\n", "line 1: `1st` cannot be an output's name"),
        (b'{"a b": 1}\n', "`a b` cannot be an output's name"),
        (b"stdout=x\n", "line 1: `stdout` is set by Perdure"),
        (b'{"exit_code": 0}\n', "`exit_code` is set by Perdure"),
        (b"a=1\nb=\xff\n", "line 2: not UTF-8"),
        (b"a=" + b"x" * FILE_LIMIT, "has more than 1048576 bytes"),
    ],
)
def test_the_line_is_named_when_it_is_unfit(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(StepFailure) as caught:
        read_outputs(file)
    assert message in caught.value.message
    assert caught.value.error_class == ErrorClass.OUTPUT


def test_there_are_no_outputs_when_the_script_removed_the_file(file: Path) -> None:
    assert read_outputs(file) == {}


def test_a_link_is_not_followed(file: Path) -> None:
    file.symlink_to("/etc/passwd")
    with pytest.raises(StepFailure, match="cannot be read"):
        read_outputs(file)


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(StepFailure, match="is not a regular file any more"):
        read_outputs(file)


@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(min_value=2, max_value=200))
def test_an_excerpt_keeps_beginning_and_end_in_bounds(pieces: list[bytes], limit: int) -> None:
    excerpt = Excerpt(limit)
    for piece in pieces:
        excerpt.add(piece)
    whole = b"".join(pieces)
    half = limit // 2
    if len(whole) <= 2 * half:
        assert excerpt.text() == whole.decode(errors="replace")
        return
    gap = f"\n[… {len(whole) - 2 * half} bytes left out; the log has them …]\n".encode()
    assert excerpt.text() == (whole[:half] + gap + whole[-half:]).decode(errors="replace")
