import pytest

from definitions.yaml_guard import read
from definitions.yaml_words import IN_A_BLOCK

COMPLAINTS: dict[str, tuple[str, str, str | None]] = {
    "mapping in a value": ("k: a: b", "this `:` would begin a mapping", "needs quotes"),
    "line without a key": ("k: a\nb\nc: d", "this line has no `key:`", "is a quote missing"),
    "key in the wrong place": ("k: 'it's'", "a key of the same mapping is wanted", "a text with quotes inside"),
    "item in the wrong place": ("k:\n  - a\n  b: c", "an item of the list", "indented like its neighbours"),
    "sign": ("k: @x", "no value can begin with this character", "begins with `@`"),
    "backtick": ("k: `x`", "no value can begin with this character", "begins with a backtick"),
    "tab": ("k:\n\ta: b", "no value can begin with this character", "with spaces, not with tabs"),
    "name of an anchor": ("k: & a", "a name is wanted after `&` or `*`", None),
    "header": ("k: | text\n", "after `|` or `>` the line must end", None),
    "open mapping": ("k: {a: b\nc: d\n", "a `,` or the closing `}`", None),
    "open list": ("k: [a\nc: d\n", "a `,` or the closing `]`", None),
    "open text": ("k: 'a\nc: d\n", "the file ends while a quoted text is open", "close the text"),
    "escape": ('k: "\\q"', "there is no such escape", "write the backslash twice"),
    "list in a value": ("k: - a", "no list can begin here", None),
    "comma": ("k: [a,,b]", "a value is wanted here", None),
    "half a pair": ('k: "\\ud800"', "escape", "write the character itself"),
    "template": ("k: a {{ x }}: b", "has no quotes, and reads as something else", "the whole text into quotes"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_complaint_is_in_our_words_when_a_text_is_not_yaml(name: str):
    text, message, help_ = COMPLAINTS[name]
    finding = read(text, "f").diagnostics[-1]
    assert message in finding.message
    assert (help_ or "") in (finding.help or "")
    assert help_ is not None or finding.help is None


@pytest.mark.parametrize(
    ("text", "note"),
    [("k: [a,\nc: d\n", "the `[` is here"), ("k: 'a\nb: c\n", "the text begins here"), ("a: b\n c: 'it's'", None)],
)
def test_other_end_is_shown_when_it_is_on_another_line(text: str, note: str | None):
    assert [one.message for one in read(text, "f").diagnostics[-1].notes] == ([note] if note else [])


def test_mapping_around_is_shown_when_its_key_is_wrong():
    finding = read("a: b\nc: 'it's'\n", "f").diagnostics[-1]
    assert [one.message for one in finding.notes] == [IN_A_BLOCK[0]]
