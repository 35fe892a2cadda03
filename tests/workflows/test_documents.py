from tests.support.scripted_runs import run

SCOPED = """
outputs: {all: {value: "{{ docs.epic }}"}, top: {value: "{{ docs.plan }}"}}
steps:
  - {id: p, type: set, values: {v: top}, store: {plan: "{{ result.v }}"}}
  - id: e
    type: group
    for_each: {items: [E-1, E-2], as: epic, key: "{{ epic }}", scope: epic, concurrency: 2}
    steps:
      - {id: d, type: set, values: {v: "{{ docs.plan }}"}, store: {design: "{{ epic }} {{ result.v }}"}}
      - {id: r, type: set, values: {mine: "{{ docs.design }}", theirs: "{{ default(docs.epic, 'hidden') }}"}}
"""


def test_items_see_their_own_and_outer_documents_and_never_those_beside():
    played = run(SCOPED)
    assert [played.book.records[f"e[{key}]/r"].outputs for key in ("E-1", "E-2")] == [
        {"mine": "E-1 top", "theirs": "hidden"},
        {"mine": "E-2 top", "theirs": "hidden"},
    ]


def test_outer_scope_sees_documents_by_key_afterwards():
    played = run(SCOPED)
    assert played.outputs == {"top": "top", "all": {"E-1": {"design": "E-1 top"}, "E-2": {"design": "E-2 top"}}}


def test_inner_document_hides_the_outer_one_of_that_name():
    text = """
outputs: {d: {value: "{{ docs.n }}"}, i: {value: "{{ docs.s }}"}}
steps:
  - {id: a, type: set, values: {v: outer}, store: {n: "{{ result.v }}"}}
  - id: b
    type: group
    for_each: {items: [x], scope: s}
    steps:
      - {id: c, type: set, values: {v: inner}, store: {n: "{{ result.v }}"}}
      - {id: r, type: set, values: {v: "{{ docs.n }}"}}
"""
    played = run(text)
    assert played.book.records["b[0]/r"].outputs == {"v": "inner"}
    assert played.outputs == {"d": "outer", "i": {"0": {"n": "inner"}}}


def test_documents_of_an_inner_definition_are_its_own():
    text = """
outputs: {d: {value: "{{ default(docs.n, 'none') }}"}}
steps: [{id: w, type: workflow, definition: i}]
"""
    inner = """
outputs: {d: {value: "{{ docs.n }}"}}
steps: [{id: a, type: set, values: {v: 1}, store: {n: "{{ result.v }}"}}]
"""
    played = run(text, library={"i": inner})
    assert played.outputs == {"d": "none"}
    assert played.book.records["w"].outputs == {"d": 1}


def test_store_fails_its_step_when_it_cannot_be_evaluated():
    played = run("steps: [{id: a, type: set, values: {v: 1}, store: {n: '{{ result.missing.deep }}'}}]")
    assert played.ending.error is not None
    assert (played.ending.error.type, played.ending.error.step) == ("expression", "a")
