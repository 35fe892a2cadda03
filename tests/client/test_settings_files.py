import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.settings_files import NotSettingsError, parsed, with_added

ADDED = {"yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", '{\n  "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}\n}'),
        ('{"a": 1}', '{"a": 1, "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}}'),
        ('{"a": 1,}', '{"a": 1, "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}}'),
        (
            '// mine\n{\n    "a": 1 // why\n    // the end\n}\n',
            '// mine\n{\n    "a": 1, // why\n    // the end\n'
            '    "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}\n}\n',
        ),
        (
            '{\n\t"a": [1, 2,],\n\t/* } */\n}',
            '{\n\t"a": [1, 2,],\n\t/* } */\n\t"yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}\n}',
        ),
        (
            '{\r\n  "a": 1\r\n}\r\n',
            '{\r\n  "a": 1,\r\n  "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}\r\n}\r\n',
        ),
        (
            '{\n  "yaml.schemas": {\n    "other": "x.yaml"\n  }\n}',
            '{\n  "yaml.schemas": {\n    "other": "x.yaml",\n    "s.json": ["a.yaml", "*.b.yaml"]\n  }\n}',
        ),
        ('{"yaml.schemas": {"s.json": ["a.yaml"]}}', '{"yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}}'),
        ("{ /* nothing */ }", '{ /* nothing */\n  "yaml.schemas": {"s.json": ["a.yaml", "*.b.yaml"]}\n }'),
        (
            '{"yaml.schemas": {\n  "s.json": []}}',
            '{"yaml.schemas": {\n  "s.json": [\n    "a.yaml",\n    "*.b.yaml"\n  ]}}',
        ),
    ],
)
def test_what_is_missing_is_added_and_nothing_else_touched(text: str, expected: str):
    assert with_added(text, ADDED) == expected


@pytest.mark.parametrize(
    "text", ['{"yaml.schemas": null}', '{"yaml.schemas": {"s.json": "x.yaml"}}', '{"yaml.schemas": false, "a": "//"}']
)
def test_settings_of_the_author_win_when_they_say_otherwise(text: str):
    assert with_added(text, ADDED) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{",
        '{"a"}',
        '{"a": }',
        '{"a": 1 "b": 2}',
        "{a: 1}",
        '{"a": tru}',
        "{} {}",
        "{,}",
        '{"a": 1,,}',
        '{"a": "\n"}',
        "{]",
        "/",
        '{"\\x": 1}',
        "[" * 100,
    ],
)
def test_text_is_refused_when_it_is_no_object_of_settings(text: str):
    with pytest.raises(NotSettingsError):
        with_added(text, ADDED)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


@given(SETTINGS, SETTINGS, st.sampled_from([None, 2, "\t"]))
def test_nothing_is_lost_when_anything_is_added_to_anything(there: dict, added: dict, indent: int | str | None):
    changed = parsed(with_added(json.dumps(there, indent=indent), added))
    assert isinstance(changed, dict)
    assert {*there, *added} == {*changed}
    assert all(changed[key] == value for key, value in there.items() if not isinstance(value, dict | list))
    assert all(changed[key] == value for key, value in added.items() if key not in there)


@given(SETTINGS, SETTINGS)
def test_nothing_changes_when_added_again(there: dict, added: dict):
    once = with_added(json.dumps(there, indent=2), added)
    assert with_added(once, added) == once


@given(st.text(alphabet='{}[]:,"\\/* \nab1', max_size=30))
def test_no_text_is_worse_than_refused(text: str):
    with contextlib.suppress(NotSettingsError):
        with_added(text, ADDED)
