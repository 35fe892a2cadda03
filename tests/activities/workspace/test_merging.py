import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.store.interface import Store
from activities.workspace import merging
from activities.workspace.deltas import diff
from activities.workspace.manifest import Manifest, check_entries, load_manifest, save_manifest
from activities.workspace.merging import merge, merge_manifests
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import MANIFESTS, tree

BASE = {"a": "1", "b": "2", "d/x": "3", "d/y": "4"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (BASE, BASE, BASE),
        ({**BASE, "a": "9"}, BASE, {**BASE, "a": "9"}),
        ({**BASE, "a": "9"}, {**BASE, "b": "8"}, {**BASE, "a": "9", "b": "8"}),
        ({**BASE, "a": "9"}, {**BASE, "a": "9"}, {**BASE, "a": "9"}),
        ({**BASE, "n/1": "x"}, {**BASE, "n/2": "y"}, {**BASE, "n/1": "x", "n/2": "y"}),
        ({"b": "2", "d/x": "3", "d/y": "4"}, {**BASE, "c": "1"}, {"b": "2", "d/x": "3", "d/y": "4", "c": "1"}),
        ({"a": "1", "b": "2", "d": None}, BASE, {"a": "1", "b": "2", "d": None}),
        ({"a": "1", "b": "2", "d": None}, {**BASE, "d/z": "5"}, {"a": "1", "b": "2", "d/z": "5"}),
        ({"a": "1", "b": "2", "d": "file"}, BASE, {"a": "1", "b": "2", "d": "file"}),
    ],
)
def test_join_takes_each_branchs_changes(
    store: Store, first: dict[str, str | None], second: dict[str, str | None], expected: dict[str, str | None]
) -> None:
    base = tree(store, BASE)
    for order in ({"one": first, "two": second}, {"two": second, "one": first}):
        branches = {name: tree(store, files) for name, files in order.items()}
        assert merge_manifests(base, branches) == tree(store, expected)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ({**BASE, "a": "8"}, {**BASE, "a": "9"}, "a"),
        ({"b": "2", "d/x": "3", "d/y": "4"}, {**BASE, "a": "9"}, "a"),
        ({**BASE, "n": "8"}, {**BASE, "n": "9"}, "n"),
        ({"a*": "1", "b": "2", "d/x": "3", "d/y": "4"}, {**BASE, "a": "9"}, "a"),
        ({**BASE, "n": "file"}, {**BASE, "n/x": "below"}, "n"),
        ({**BASE, "n": "-> a"}, {**BASE, "n/x": "below"}, "n"),
        ({"a": "1", "b": "2", "d": "file"}, {**BASE, "d/z": "5"}, "d"),
        ({**BASE, "n": None}, {**BASE, "n": "file"}, "n"),
    ],
)
def test_join_fails_naming_path_and_branches_when_branches_differ(
    store: Store, first: dict[str, str | None], second: dict[str, str | None], path: str
) -> None:
    branches = {"one": tree(store, first), "two": tree(store, second)}
    with pytest.raises(StepFailure, match=rf"different ways: `{path}` \(by `one`, `two`\); ") as failure:
        merge_manifests(tree(store, BASE), branches)
    assert failure.value.error_class == ErrorClass.WORKSPACE
    assert failure.value.details == {"kind": "conflict", "paths": [path]}


def test_ten_paths_are_named_when_many_conflict(store: Store) -> None:
    branches = {name: tree(store, {f"{n:02}": name for n in range(13)}) for name in ("one", "two")}
    with pytest.raises(StepFailure, match=r"`09` .* and 3 more") as failure:
        merge_manifests(tree(store, {}), branches)
    assert "`10`" not in failure.value.message


def test_ignored_paths_stay_as_before_when_branches_changed_them(store: Store) -> None:
    base = tree(store, {"a": "1", "log": "old"}, ignored=("log",))
    branches = {
        name: tree(
            store, {"a": "1", "log": name, f"only-{name}": "", f"seen-{name}": ""}, ignored=("log", f"only-{name}")
        )
        for name in ("one", "two")
    }
    expected = tree(store, {"a": "1", "log": "old", "seen-one": "", "seen-two": ""}, ignored=("log",))
    assert merge_manifests(base, branches) == expected


def test_ignored_path_gives_way_when_a_branch_made_something_there(store: Store) -> None:
    base = tree(store, {"out": "old", "log/x": "old", "keep": "1"}, ignored=("out", "log/x", "keep"))
    one = tree(store, {"out/new": "1", "log": "file", "keep": "1"}, ignored=("keep",))
    assert merge_manifests(base, {"one": one}) == one


def test_trees_are_read_and_kept_when_named_by_digest(store: Store) -> None:
    digests = {name: save_manifest(store, tree(store, {**BASE, name: name})) for name in ("one", "two")}
    base = save_manifest(store, tree(store, BASE))
    assert load_manifest(store, merge(store, base, digests)) == tree(store, {**BASE, "one": "one", "two": "two"})
    assert load_manifest(store, merge(store, None, {"one": None})) == Manifest()


@given(MANIFESTS, st.lists(MANIFESTS, min_size=1, max_size=3))
def test_join_keeps_every_change_or_fails(base: Manifest, trees: list[Manifest]) -> None:
    branches = {str(number): tree for number, tree in enumerate(trees)}
    try:
        merged = merge_manifests(base, branches)
    except StepFailure:
        return
    check_entries(merged.entries, "merged")
    for branch in trees:
        for change in diff(base, branch):
            if change.after is not None and change.after.type != "d" and not change.after.ignored:
                assert merged.by_path[change.path].content == change.after.content
    assert merge_manifests(base, dict(reversed(branches.items()))) == merged


LINES = "0\n1\n2\n3\n4\n5\n6\n"


def test_texts_are_merged_when_branches_changed_different_places(store: Store) -> None:
    base = tree(store, {"a": LINES, "run": "#!\n1\n2\n3\n"})
    trees = {
        "one": tree(store, {"a": LINES.replace("0", "one"), "run*": "#!\n1\n2\n3\n"}),
        "two": tree(store, {"a": LINES.replace("3", "two"), "run": "#!\n1\n2\ntwo\n"}),
        "three": tree(store, {"a": LINES.replace("6", "three"), "run": "#!\n1\n2\n3\n"}),
    }
    digests = {name: save_manifest(store, branch) for name, branch in trees.items()}
    with pytest.raises(StepFailure, match="or set `merge: texts`"):
        merge(store, save_manifest(store, base), digests)
    joined = load_manifest(store, merge(store, save_manifest(store, base), digests, texts=True))
    assert joined == tree(store, {"a": "one\n1\n2\ntwo\n4\n5\nthree\n", "run*": "#!\n1\n2\ntwo\n"})


@pytest.mark.parametrize(
    ("before", "one", "two"),
    [
        ({"a": LINES}, {"a": "one\n"}, {"a": "two\n"}),
        ({"a": LINES}, {}, {"a": "two\n"}),
        ({}, {"a": "one\n"}, {"a": "two\n"}),
        ({"a": LINES}, {"a": "-> b"}, {"a": "two\n"}),
        ({"a": b"\0"}, {"a": b"\0one"}, {"a": b"\0two"}),
    ],
    ids=["same lines", "deleted", "added", "link", "binary"],
)
def test_join_fails_when_texts_do_not_go_together(
    store: Store, before: dict[str, str], one: dict[str, str], two: dict[str, str]
) -> None:
    digests = {"one": save_manifest(store, tree(store, one)), "two": save_manifest(store, tree(store, two))}
    with pytest.raises(StepFailure, match="`a` \\(by `one`, `two`\\)") as failure:
        merge(store, save_manifest(store, tree(store, before)), digests, texts=True)
    assert failure.value.details["kind"] == "conflict"


def test_big_files_conflict_when_both_changed_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "LARGEST_TEXT", 5)
    digests = {
        "one": save_manifest(store, tree(store, {"a": "x" + LINES})),
        "two": save_manifest(store, tree(store, {"a": LINES + "x"})),
    }
    with pytest.raises(StepFailure, match="in different ways"):
        merge(store, save_manifest(store, tree(store, {"a": LINES})), digests, texts=True)
