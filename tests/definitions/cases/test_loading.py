from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.cases.loading import definition_path, load_case_file, load_cases
from definitions.cases.models import CaseFile
from definitions.rendering import render_text
from tests.support.cases import loaded

ONE = "cases: [{name: a}]\n"


def text_of(found):
    return render_text(found.diagnostics, {found.file: found.source}, color=False)


@pytest.mark.parametrize(
    ("text", "code", "place", "said"),
    [
        ("cases: [{name: a, nme: a}]", "unknown-key", (1, 19), "did you mean `name`?"),
        ("cases: [{name: a, level: plann}]", "invalid-value", (1, 26), "did you mean `plan`?"),
        ("cases: [{name: a, stubs: {b: {outptus: {}}}}]", "unknown-key", (1, 31), "did you mean `outputs`?"),
        ("cases: [{name: a, stubs: {b: [{outptus: {}}]}}]", "unknown-key", (1, 32), "did you mean `outputs`?"),
        ("cases: [{name: a, stubs: {b: {delay: 3}}}]", "invalid-value", (1, 38), "a number with a unit"),
        ("cases: [{name: a, decisions: {b: aprove}}]", "invalid-value", (1, 34), "did you mean `approve`?"),
        ("cases: [{name: a, expect: {statu: failed}}]", "unknown-key", (1, 28), "did you mean `status`?"),
        ("cases: [{name: a, clock: {start: soon}}]", "invalid-value", (1, 34), "is not a moment"),
        ("cases: [{name: a, clock: {start: 2026-01-01}}]", "invalid-value", (1, 34), "has no time zone"),
        ("cases: []", "invalid-value", (1, 8), "must not be empty"),
        ("loop: 1\ncases: [{name: a}]", "unknown-key", (1, 1), "no key is called `loop` here"),
        ("definition: a.yaml", "missing-key", (1, 1), "has no `cases`"),
        ("cases: [{name: a, name: b}]", "duplicate-key", (1, 19), "`name`"),
        ("- a", "wrong-type", (1, 3), "a test file is a mapping with `cases`, not a list"),
        ("cases: &a [{name: a}]", "yaml-anchor", (1, 8), ""),
    ],
)
def test_mistake_is_found_at_its_token_when_loaded(text, code, place, said):
    found = loaded(text)
    assert found.cases is None
    assert [finding.code for finding in found.diagnostics] == [code]
    assert found.diagnostics[0].span is not None
    assert found.diagnostics[0].span[:2] == place
    assert said in text_of(found)


def test_all_mistakes_are_found_when_there_are_several():
    found = loaded("cases: [{name: a, levl: plan}, {name: 1}]")
    assert {finding.code for finding in found.diagnostics} == {"unknown-key", "ambiguous-scalar"}


def test_free_keys_are_dropped_when_they_begin_with_x():
    assert loaded("x-note: [1]\n" + ONE).cases == loaded(ONE).cases


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_loading_never_raises_whatever_the_text(text):
    found = load_cases(text, "hostile.test.yaml")
    assert found.cases is not None or found.diagnostics


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "stubs", "expect", "steps", "path", "a", "decisions", "fail", "inputs"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_loading_never_raises_whatever_the_shape(value):
    import json

    found = load_cases(json.dumps({"cases": [value]}), "hostile.test.json")
    assert found.cases is not None or all(finding.span for finding in found.diagnostics)


def test_file_is_read_when_it_is_there(tmp_path: Path):
    path = tmp_path / "a.test.yaml"
    path.write_text(ONE)
    assert load_case_file(path).cases == loaded(ONE).cases
    with pytest.raises(FileNotFoundError):
        load_case_file(tmp_path / "b.test.yaml")


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        ("d/a.test.yaml", None, "d/a.yaml"),
        ("d/a.test.yml", None, "d/a.yml"),
        ("d/a.test.json", None, "d/a.json"),
        ("d/cases.txt", None, "d/cases.yaml"),
        ("d/a.test.yaml", "../b.yaml", "d/../b.yaml"),
    ],
)
def test_definition_is_beside_its_tests_when_none_is_named(name, written, expected):
    cases = CaseFile.model_validate({"definition": written, "cases": [{"name": "a"}]})
    assert definition_path(cases, Path(name)) == Path(expected)
