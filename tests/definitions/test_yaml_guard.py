import json

import pytest

from definitions.diagnostics import Span
from definitions.nodes import Mapping, Scalar, find, to_value
from definitions.yaml_guard import MAXIMUM_BYTES, MAXIMUM_NODES, read


def codes(text: str | bytes) -> list[str]:
    return [finding.code for finding in read(text, "f.yaml").diagnostics]


def value_of(text: str | bytes) -> object:
    document = read(text, "f.yaml")
    assert document.diagnostics == []
    assert document.root is not None
    return to_value(document.root)


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "empty-document"),
    "only white space": ("  \n \n", "empty-document"),
    "only comments": ("# a\n# b\n", "empty-document"),
    "only an end marker": ("...\n", "yaml-syntax"),
    "anchor": ("a: &x 1\n", "yaml-anchor"),
    "anchor on a mapping": ("a: &x {b: 1}\n", "yaml-anchor"),
    "anchor on a key": ("&x a: 1\n", "yaml-anchor"),
    "alias": ("a: *x\n", "yaml-anchor"),
    "known alias": ("a: &x 1\nb: *x\n", "yaml-anchor"),
    "alias as key": ("a: &x k\n*x : 1\n", "yaml-anchor"),
    "alias to itself": ("a: &x [*x]\n", "yaml-anchor"),
    "billion laughs": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)),
        "yaml-anchor",
    ),
    "merge key": ("a: {b: 1}\nc:\n  <<: {d: 1}\n", "yaml-anchor"),
    "python tag": ("a: !!python/object/apply:os.system [ls]\n", "yaml-tag"),
    "python name tag": ("a: !!python/name:os.system x\n", "yaml-tag"),
    "local tag": ("a: !Ref b\n", "yaml-tag"),
    "string tag": ("a: !!str 1\n", "yaml-tag"),
    "tag of a list": ("a: !!set [b]\n", "yaml-tag"),
    "binary tag": ("a: !!binary aGVsbG8=\n", "yaml-tag"),
    "tag directive": ("%TAG ! tag:example.com,2000:\n---\na: !x 1\n", "yaml-tag"),
    "two documents": ("a: 1\n---\nb: 2\n", "several-documents"),
    "explicit end and another": ("a: 1\n...\n---\nb: 2\n", "several-documents"),
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "duplicate-key"),
    "duplicate key in flow": ("{a: 1, a: 2}", "duplicate-key"),
    "duplicate key in other quotes": ("a: 1\n'a': 2\n", "duplicate-key"),
    "duplicate key in JSON": ('{"a": 1, "a": 2}', "duplicate-key"),
    "list as key": ("[a]: 1\n", "key-not-text"),
    "mapping as key": ("{a: 1}: 1\n", "key-not-text"),
    "template without quotes": ("a: {{ x }}\n", "unquoted-template"),
    "template without quotes in a text": ("a: {{ x }} b\n", "unquoted-template"),
    "template with a colon": ("a: x {{ y }} b: c\n", "unquoted-template"),
    "colon in a text": ("a: b: c\n", "yaml-syntax"),
    "tab as indentation": ("a:\n\tb: 1\n", "yaml-syntax"),
    "at sign": ("a: @x\n", "yaml-syntax"),
    "percent sign": ("a: %x\n", "yaml-syntax"),
    "open quote": ("a: 'b\n", "yaml-syntax"),
    "open bracket": ("a: [1, 2\n", "yaml-syntax"),
    "closing bracket only": ("a: ]\n", "yaml-syntax"),
    "unknown escape": ('a: "\\q"\n', "yaml-syntax"),
    "half a surrogate pair": ('{"a": "\\ud83d"}', "yaml-syntax"),
    "unknown directive version": ("%YAML 9.9\n---\na: 1\n", "yaml-syntax"),
    "list after mapping": ("a: 1\n- b\n", "yaml-syntax"),
    "too deep in flow": ("[" * 41 + "]" * 41, "too-deep"),
    "very deep": ("[" * 100_000, "too-deep"),
    "very deep mappings": ("{a: " * 100_000, "too-deep"),
    "deep block lists": ("- " * 60 + "a\n", "too-deep"),
    "deep explicit keys": ("? " * 60 + "a\n", "key-not-text"),
    "too many values": ("- a\n" * (MAXIMUM_NODES + 1), "too-many-nodes"),
    "too large": ("#" * (MAXIMUM_BYTES + 1), "text-too-large"),
    "too large in bytes only": ("é" * (MAXIMUM_BYTES // 2 + 1), "text-too-large"),
    "latin-1": ("a: é\n".encode("latin-1"), "not-utf8"),
    "utf-16": ("a: b\n".encode("utf-16"), "not-utf8"),
    "cut utf-8": ("a: é\n".encode()[:-2], "not-utf8"),
    "overlong utf-8": (b"a: \xc0\xaf\n", "not-utf8"),
    "utf-16 without mark": ("a: b\n".encode("utf-16-le"), "forbidden-character"),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", "forbidden-character"),
    "null byte": ("a: \0\n", "forbidden-character"),
    "escape": ("a: \x1b[31m\n", "forbidden-character"),
    "delete": ("a: \x7f\n", "forbidden-character"),
    "next line": ("a: b\x85c: d\n", "forbidden-character"),
    "line separator": ("a: b\u2028c: d\n", "forbidden-character"),
    "right-to-left override": ("a: b # \u202e\n", "forbidden-character"),
    "isolate": ("a: \u2066b\n", "forbidden-character"),
    "lone surrogate": ("a: \ud800\n", "forbidden-character"),
    "not a character": ("a: \uffff\n", "forbidden-character"),
    "octal": ("a: 0644\n", "ambiguous-scalar"),
    "new octal": ("a: 0o17\n", "ambiguous-scalar"),
    "hexadecimal": ("a: 0xFF\n", "ambiguous-scalar"),
    "infinity": ("a: .inf\n", "ambiguous-scalar"),
    "not a number": ("a: .NaN\n", "ambiguous-scalar"),
    "huge whole number": ("a: " + "9" * 10_000 + "\n", "ambiguous-scalar"),
    "huge decimal number": ("a: 1e999\n", "ambiguous-scalar"),
    "a word over 64 bits": ("a: 9223372036854775808\n", "ambiguous-scalar"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_text_is_refused_when_hostile_or_surprising(name: str):
    text, code = REFUSED[name]
    found = codes(text)
    assert code in found
    assert len(found) <= 100


@pytest.mark.parametrize("name", REFUSED)
def test_places_lie_in_the_source_when_refused(name: str):
    document = read(REFUSED[name][0], "f.yaml")
    lines = document.source.split("\n")
    for finding in document.diagnostics:
        if finding.span is None:
            assert finding.code == "text-too-large"
            continue
        assert 1 <= finding.span.line <= len(lines)
        assert 1 <= finding.span.column <= len(lines[finding.span.line - 1]) + 1


def test_plain_scalars_are_core_types_when_read():
    text = "[true, False, NULL, ~, 12, -3, 1.5, 1e3, .5, yes, on, 12:30, 2026-01-01, 1_000, +, '', .a, a.b]"
    assert value_of(text) == [
        True, False, None, None, 12, -3, 1.5, 1000.0, 0.5,
        "yes", "on", "12:30", "2026-01-01", "1_000", "+", "", ".a", "a.b",
    ]  # fmt: skip


def test_quoted_scalars_are_texts_when_read():
    assert value_of("['true', \"1\", 'null', \"0644\"]") == ["true", "1", "null", "0644"]


def test_keys_are_texts_when_they_look_like_something_else():
    assert value_of("on: 1\ntrue: 2\n3: 4\nnull: 5\n'<<': 6\n") == {"on": 1, "true": 2, "3": 4, "null": 5, "<<": 6}


def test_json_is_read_when_written_by_python():
    value = {"text": 'a\n\t"\\/é😀\u2028'[:-1], "list": [1, 2.5, None, True, {}], "emoji": "😀\\ud83d"}
    assert value_of(json.dumps(value)) == value
    assert value_of(json.dumps(value, ensure_ascii=False, indent=2)) == value


def test_line_ends_are_one_when_they_come_from_windows():
    document = read("a: 1\r\nb: x\rc: |\r\n  d\r\n  e\r\n", "f.yaml")
    assert document.root is not None
    assert to_value(document.root) == {"a": 1, "b": "x", "c": "d\ne\n"}
    assert document.source == "a: 1\nb: x\nc: |\n  d\n  e\n"


def test_first_value_stays_when_a_key_stands_twice():
    document = read("a: 1\na: 2\n", "f.yaml")
    assert document.root is not None
    assert to_value(document.root) == {"a": 1}
    assert document.diagnostics[0].notes[0].span == Span(1, 1, 1, 2)


def test_findings_are_collected_when_there_are_several():
    assert codes("a: &x 1\nb: !t 2\nc: 0x1\nc: 3\n") == ["yaml-anchor", "yaml-tag", "ambiguous-scalar", "duplicate-key"]


def test_findings_are_bounded_when_everything_is_wrong():
    assert len(codes("a: 1\n" * 10_000)) == 100


def test_every_value_knows_its_place_when_read():
    document = read("a: 1\nlist:\n  - x: 'y z'\n  - [p, {q: r}]\nt: |\n  one\n", "f.yaml")
    root = document.root
    assert isinstance(root, Mapping)
    assert find(root, ("a",)).node.span == Span(1, 4, 1, 5)
    located = find(root, ("list", 0, "x"))
    assert located.node.span == Span(3, 8, 3, 13)
    assert located.key is not None
    assert located.key.span == Span(3, 5, 3, 6)
    assert find(root, ("list", 1, 1, "q")).node.span == Span(4, 13, 4, 14)
    text = find(root, ("t",)).node
    assert isinstance(text, Scalar)
    assert text.style == "literal"
    assert text.span[:2] == (5, 4)


def test_help_is_given_when_syntax_is_a_common_slip():
    helps = {read(text, "f").diagnostics[0].help for text in ("a: @x", "a:\n\tb: 1", 'a: "\\q"', "a: b: c")}
    assert None not in helps
    assert len(helps) == 4


def test_context_is_noted_when_it_stands_on_another_line():
    finding = read("a: [1,\n  2\nb: 3\n", "f").diagnostics[0]
    assert finding.notes[0].span is not None
    assert finding.notes[0].span.line == 1


def test_long_words_are_cut_when_shown():
    finding = read("k" * 100 + ": 1\n" + "k" * 100 + ": 2\n", "f").diagnostics[0]
    assert len(finding.message) < 120
