from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.cache.explanations import Described, Difference, differences, explain_step
from activities.cache.index import Line, remember
from activities.cache.keys import CacheKey, cache_key
from activities.cache.records import records_of
from activities.store.canonical_json import canonical_json
from activities.store.interface import Store
from tests.activities.cache.results import NOON, keep, key_of
from tests.activities.workspace.trees import tree


def key(step: dict[str, JsonValue] | None = None, environment: dict[str, str] | None = None) -> CacheKey:
    return cache_key({"type": "shell", "command": "make", **(step or {})}, environment=environment)


def described(store: Store, made: CacheKey) -> Described:
    return Described(store.write_blob(canonical_json(made.descriptor)), store.write_blob(made.files))


def explain(store: Store, before: CacheKey, after: CacheKey) -> list[Difference]:
    return differences(store, described(store, before), described(store, after))


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
    assert explain(store, before, after) == expected
    assert explain(store, before, before) == []


def test_input_files_that_differ_are_named(store: Store) -> None:
    old, new = (
        key_of(tree=tree(store, files))
        for files in ({"a": "1", "b": "2", "gone": "3"}, {"a": "1", "b*": "2", "new": "4"})
    )
    found = explain(store, old, new)
    assert [difference.field for difference in found] == [f"inputs.files: {name}" for name in ("b", "gone", "new")]
    assert str(found[0].before).startswith("file ")
    assert str(found[0].after).startswith("program ")
    assert found[1].after is None


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
    (record,) = records_of(store, key().digest)
    (Path(store.location) / "cas" / record.descriptor[:2] / record.descriptor).unlink()
    found = differences(store, Described.of(record), described(store, key({"command": "ls"})))
    assert Difference("step", None, {"type": "shell", "command": "ls"}) in found


def test_nearest_result_is_the_one_with_the_fewest_differences(store: Store) -> None:
    near = key({"command": "near"}, {"CI": "1"})
    for hours, made in enumerate([near, key({"command": "far", "shell": "sh"}, {"CI": "2"})]):
        keep(store, made, hours=hours)
    this = key({"command": "this"}, {"CI": "1"})
    keep(store, this, hours=2)
    found = explain_step(store, "demo", "build", this.digest)
    assert found.earlier is not None
    assert found.earlier.key == near.digest
    assert found.differences == (Difference("step.command", "near", "this"),)


def test_step_that_failed_is_explained_though_nothing_is_kept(store: Store) -> None:
    keep(store, key({"command": "worked"}))
    failed = key({"command": "fails"})
    place = described(store, failed)
    line = Line(
        key=failed.digest,
        execution_id="r",
        created_at=NOON + timedelta(hours=1),
        descriptor=place.descriptor,
        files=place.files,
        reason="nothing is kept under this key",
        not_kept="a tool of it was replaced while it ran",
    )
    remember(store, "demo", "build", line)
    found = explain_step(store, "demo", "build", failed.digest, "r")
    assert (found.verdict, found.record, found.not_kept) == ("differs", None, "a tool of it was replaced while it ran")
    assert found.differences == (Difference("step.command", "worked", "fails"),)


def test_reason_is_told_when_the_very_key_had_a_result(store: Store) -> None:
    keep(store, key(), tree(store, {"out": "1"}), tree(store, {"out": "2"}), run="first")
    again = keep(
        store, key(), tree(store, {"out": "x"}), tree(store, {"out": "2"}), run="again", hours=1, reason="`out`"
    )
    assert again.is_new
    found = explain_step(store, "demo", "build", key().digest, "again")
    assert (found.verdict, found.reason) == ("same", "`out`")
    assert found.earlier is not None
    assert found.earlier.produced_by.execution_id == "first"
    assert explain_step(store, "demo", "build", key().digest, "first").verdict == "first"
