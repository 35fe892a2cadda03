"""What a step's own `until`, `store` and `outputs` see of the steps inside it: those of this item and this pass."""

from tests.support.scripted_runs import run, states

TEXT = """
steps:
  - id: g
    type: group
    for_each: {items: [1, 2]}
    loop: {max_iterations: 3, until: steps.a.outputs.v == 2}
    steps:
      - {id: a, type: set, values: {v: "{{ loop.iteration }}"}}
  - id: e
    type: group
    for_each: {items: [{id: x}, {id: y}], as: epic, scope: epic}
    store: {design: "{{ steps.d.outputs.v }} {{ result.d.v }}"}
    outputs: {again: "{{ steps.d.outputs.v }}"}
    steps:
      - {id: d, type: set, values: {v: "{{ epic.id }}"}}
  - id: f
    type: group
    loop: {max_iterations: 2}
    store: {last: "{{ steps.k.outputs.v }}"}
    steps:
      - {id: k, type: set, values: {v: "{{ loop.iteration }}"}}
"""


def test_own_texts_see_the_inside_of_this_item_and_pass():
    played = run(TEXT)
    records = played.book.records
    assert set(states(played).values()) == {"completed"}
    assert records["g"].outputs == {"0": {"a": {"v": 2}}, "1": {"a": {"v": 2}}}
    assert records["e[y]"].documents == {"design": "y y"}
    assert records["e"].outputs == {"x": {"d": {"v": "x"}, "again": "x"}, "y": {"d": {"v": "y"}, "again": "y"}}
    assert records["f"].documents == {"last": 2}
