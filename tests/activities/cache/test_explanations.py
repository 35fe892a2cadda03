from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.cache.explanations import Difference, explain, explain_step
from activities.cache.keys import CacheKey, cache_key
from activities.cache.records import find_record
from activities.store.interface import Store
from tests.activities.cache.results import keep, key_of
from tests.activities.workspace.trees import tree


def key(step: dict[str, JsonValue] | None = None, environment: dict[str, str] | None = None) -> CacheKey:
    return cache_key({"type": "shell", "command": "make", **(step or {})}, environment=environment)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (key(), key({"command": "ls"}), [Difference("step.command", "make", "ls")]),
        (
            key(environment={"A": "1"}),
            key(environment={"B": "2"}),
            [
                Difference("environment.A", "1", None),
                Difference("environment.B", None, "2"),
            ],
        ),
        (key({"x": [1, 2]}), key({"x": [1]}), [Difference("step.x", [1, 2], [1])]),
        (key({"x": 1}), key({"x": True}), [Difference("step.x", 1, True)]),
        (key({"x": {"y": {"z": 1}}}), key({"x": {"y": {"z": 2}}}), [Difference("step.x.y.z", 1, 2)]),
    ],
)
def test_fields_that_differ_are_named(
    store: Store, before: CacheKey, after: CacheKey, expected: list[Difference]
) -> None:
    keep(store, before)
    keep(store, after)
    assert explain(store, before.digest, after.digest) == expected
    assert explain(store, before.digest, before.digest) == []


def test_input_files_that_differ_are_named(store: Store) -> None:
    old, new = (
        key_of(tree=tree(store, files))
        for files in ({"a": "1", "b": "2", "gone": "3"}, {"a": "1", "b*": "2", "new": "4"})
    )
    keep(store, old)
    keep(store, new)
    found = explain(store, old.digest, new.digest)
    assert [difference.field for difference in found] == [f"inputs.files: {name}" for name in ("b", "gone", "new")]
    assert str(found[0].before).startswith("file ")
    assert str(found[0].after).startswith("program ")
    assert found[1].after is None


def test_key_error_is_raised_when_a_key_has_no_record(store: Store) -> None:
    keep(store, key())
    for pair in ((key().digest, "0" * 64), ("0" * 64, key().digest)):
        with pytest.raises(KeyError, match="0" * 64):
            explain(store, *pair)


def test_step_is_explained_by_the_latest_record_before_it(store: Store) -> None:
    keys = [key({"command": name}) for name in ("oldest", "old", "this", "later")]
    for hours, made in enumerate(keys):
        keep(store, made, hours=hours)
    found = explain_step(store, "demo", "build", keys[2].digest)
    assert found.verdict == "differs"
    assert found.differences == (Difference("step.command", "old", "this"),)
    assert found.earlier is not None
    assert found.earlier.key == keys[1].digest


def test_verdict_is_first_when_there_is_no_earlier_record(store: Store) -> None:
    keep(store, key())
    assert explain_step(store, "demo", "build", key().digest).verdict == "first"


def test_verdict_is_unknown_when_the_key_has_no_record(store: Store) -> None:
    assert explain_step(store, "demo", "build", "0" * 64).verdict == "unknown"


def test_earlier_record_is_passed_over_when_it_is_gone(store: Store) -> None:
    keys = [key({"command": name}) for name in ("old", "gone", "this")]
    for hours, made in enumerate(keys):
        keep(store, made, hours=hours)
    store.delete_record(keys[1].record_key)
    found = explain_step(store, "demo", "build", keys[2].digest)
    assert found.earlier is not None
    assert found.earlier.key == keys[0].digest


def test_fields_are_taken_as_absent_when_a_descriptor_is_gone(store: Store) -> None:
    keep(store, key())
    keep(store, key({"command": "ls"}))
    record = find_record(store, key().digest)
    assert record is not None
    (Path(store.location) / "cas" / record.descriptor[:2] / record.descriptor).unlink()
    found = explain(store, key().digest, key({"command": "ls"}).digest)
    assert Difference("step", None, {"type": "shell", "command": "ls"}) in found
