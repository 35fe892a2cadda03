from collections.abc import Callable

import pytest
from pydantic import JsonValue

from activities.file_functions.documents import read_json, read_text, read_toml, read_yaml
from definitions.errors import ExpressionError

Reader = Callable[[bytes], JsonValue]


@pytest.mark.parametrize(
    ("reader", "content", "value"),
    [
        (read_json, b'{"a": [1, null, "\\u00fc"]}', {"a": [1, None, "ü"]}),
        (read_json, b"1.5", 1.5),
        (read_yaml, b"a: [1, true, no, 1.10]\n", {"a": [1, True, "no", 1.1]}),
        (read_yaml, b"mode: 0755\n", {"mode": "0755"}),
        (read_yaml, b'{"json": "too"}', {"json": "too"}),
        (
            read_toml,
            b'[project]\nname = "x"\nn = [1, 2.5]\nat = 2026-01-02T03:04:05Z\nday = 2026-01-02\nhour = 03:04:05\n',
            {
                "project": {
                    "name": "x",
                    "n": [1, 2.5],
                    "at": "2026-01-02T03:04:05+00:00",
                    "day": "2026-01-02",
                    "hour": "03:04:05",
                }
            },
        ),
        (read_text, "\ufeffgrün\r\n".encode(), "grün\r\n"),
        (read_text, b"", ""),
    ],
)
def test_a_file_is_a_value(reader: Reader, content: bytes, value: JsonValue) -> None:
    assert reader(content) == value


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        (read_json, b"{", "not JSON"),
        (read_json, b'{"a": Infinity}', "`Infinity` is not a JSON value"),
        (read_json, b"[" * 200_000, "not JSON"),
        (read_json, b"\xff\xfe\xff", "not JSON"),
        (read_yaml, b"a: &x [1]\nb: *x\n", "`&x` is an anchor or alias, which definitions do not have (line 1)"),
        (read_yaml, b"a: 1\na: 2\n", "(line 2)"),
        (read_yaml, b"!!python/object:os.system x\n", "the tag"),
        (read_yaml, b"a: [", "not YAML that can be read"),
        (read_yaml, b"", "the document is empty"),
        (read_yaml, b"\xff", "not UTF-8"),
        (read_toml, b"a = ", "not TOML"),
        (read_toml, b"a = inf", "`inf` is not a number that JSON can carry"),
        (read_toml, b"\xff", "not TOML"),
        (read_toml, b"a = " + b"[" * 100_000, "not TOML"),
        (read_text, b"a\xff", "not UTF-8 at byte 1"),
    ],
)
def test_what_cannot_be_read_is_refused(reader: Reader, content: bytes, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        reader(content)
    assert message in caught.value.message
    assert caught.value.code == "unfit-file"
