import json

import pytest
from hypothesis import given
from pydantic import JsonValue

from activities.store.interface import Store
from activities.workspace.deltas import apply_delta, delta_from_json, delta_to_json, diff
from activities.workspace.manifest import Manifest
from tests.activities.workspace.trees import MANIFESTS, tree


@given(MANIFESTS, MANIFESTS)
def test_tree_after_is_reached_when_the_delta_is_applied(before: Manifest, after: Manifest) -> None:
    reached = apply_delta(before, diff(before, after, with_ignored=True))
    assert [entry.path for entry in reached.entries] == [entry.path for entry in after.entries]
    assert [entry.content for entry in reached.entries] == [entry.content for entry in after.entries]


@given(MANIFESTS, MANIFESTS)
def test_delta_reads_back_when_written_as_json(before: Manifest, after: Manifest) -> None:
    delta = diff(before, after, with_ignored=True)
    assert delta_from_json(json.loads(json.dumps(delta_to_json(delta)))) == delta


@given(MANIFESTS)
def test_delta_is_empty_when_nothing_differs(manifest: Manifest) -> None:
    assert diff(manifest, manifest) == ()


def test_ignored_paths_are_left_out_when_not_asked_for(store: Store) -> None:
    before = tree(store, {"a": "1", "log": "1"}, ignored=("log",))
    after = tree(store, {"a": "1", "log": "2", "new": ""}, ignored=("log",))
    assert [change.path for change in diff(before, after)] == ["new"]
    assert [change.path for change in diff(before, after, with_ignored=True)] == ["log", "new"]


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {},
        [1],
        [[None, None]],
        [[None, ["../x", "f", "", "", 0]]],
        [[["a", "f", "", "", 0], ["b", "f", "", "", 0]]],
        [[None, ["a", "q", "", "", 0]]],
    ],
)
def test_json_is_refused_when_it_is_no_delta(rows: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"delta|change|entry|path"):
        delta_from_json(rows)
