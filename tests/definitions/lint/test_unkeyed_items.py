import pytest

from tests.support.lint_findings import said

PLAN = """
steps:
  - {id: plan, type: set, values: {texts: ["a", "b"], named: [{id: 1}], others: [{title: "a"}], open: "{{ env }}"}}
  - {id: build, type: shell, command: "make", for_each: {items: %s, as: part%s}}
"""


def found(items: str, keys: str = "") -> list[str]:
    return [word for _, word in said(PLAN % (items, keys), "unkeyed-items")]


@pytest.mark.parametrize("name", ["texts", "others"])
def test_items_are_unkeyed_when_they_are_computed_and_have_no_id(name: str):
    items = f'"{{{{ steps.plan.outputs.{name} }}}}"'
    assert found(items) == [items]
    assert found(items, ', key: "{{ part }}"' if name == "texts" else ', key: "{{ part.title }}"') == []


@pytest.mark.parametrize("items", ['"{{ steps.plan.outputs.named }}"', '"{{ steps.plan.outputs.open }}"', "[a, b]"])
def test_nothing_is_said_when_items_have_an_id_or_nobody_knows(items: str):
    assert found(items) == []
