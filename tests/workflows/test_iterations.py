from tests.support.scripted_runs import run, states

EACH = """
outputs: {all: {value: "{{ steps.a.outputs }}"}}
steps:
  - {id: a, type: shell, command: x, for_each: {items: [{id: E/1}, {id: E-2}, {id: E-3}], EXTRA}}
"""


def test_results_are_a_map_by_key_in_item_order():
    played = run(EACH.replace("EXTRA", "concurrency: 3"))
    outputs = played.outputs["all"]
    assert isinstance(outputs, dict)
    assert list(outputs) == ["E/1", "E-2", "E-3"]
    assert outputs["E/1"] == {"out": "a[E%2F1]!1"}


def test_first_item_that_fails_stops_the_others():
    played = run(EACH.replace("EXTRA", "concurrency: 2"), outcomes={"a": ["exit"]})
    assert sorted(states(played).values()) == ["cancelled", "failed", "failed"]
    assert played.ending.error is not None
    assert played.ending.error.step in ("a[E%2F1]", "a[E-2]")


def test_failed_items_are_null_when_the_others_go_on():
    played = run(EACH.replace("EXTRA", "on_error: continue"), outcomes={"a": ["exit"]})
    assert played.outputs == {"all": {"E/1": None, "E-2": None, "E-3": None}}
    assert played.book.records["a[E-2]"].handled


def test_step_fails_when_keys_are_not_unique_or_there_is_no_collection():
    for items in ("[{id: x}, {id: x}]", "7", "'text'"):
        played = run(f"steps: [{{id: a, type: shell, command: x, for_each: {{items: {items}}}}}]")
        assert played.ending.error is not None
        assert (played.ending.error.type, played.ending.error.step) == ("collection", "a")


def test_nothing_runs_when_the_collection_is_empty():
    played = run("steps: [{id: a, type: shell, command: x, for_each: {items: []}}]")
    assert states(played) == {"a": "completed"}


def test_files_of_items_are_joined_when_they_are_asked_for():
    text = "steps: [{id: a, type: shell, command: x, for_each: {items: [p, q], merge: MERGE}}]"
    dropped = run(text.replace("MERGE", "outputs"), files={"a": "common"})
    conflict = run(text.replace("MERGE", "files"), files={"a": "common"})
    assert dropped.tree == "{}"
    assert conflict.ending.error is not None
    assert (conflict.ending.error.type, conflict.ending.error.step) == ("workspace", "a")


def test_all_ends_as_it_would_when_the_interpreter_is_killed_at_any_call():
    text = EACH.replace("EXTRA", "concurrency: 2")
    whole = run(text)
    for kill in range(1, whole.world.calls + 1):
        played = run(text, kills=[kill])
        assert (played.outputs, states(played)) == (whole.outputs, states(whole))
        assert set(played.world.counts.values()) == {1}
