import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.store.interface import BlobMissing, Store
from activities.workspace import applying
from activities.workspace.apply_recovery import alone_in
from activities.workspace.changes import apply_to_folder
from activities.workspace.manifest import Entry, Manifest, manifest_of
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import make, read, tree

BEFORE = {"a": "1", "gone": "2", "d/only": "3", "run": "#!", "l": "-> a", "swap": "file", "box/x": "1", "same": "s"}
AFTER = {"a": "9", "new/deep": "n", "run*": "#!", "l": "-> run", "swap/in": "1", "box": "file", "same": "s", "e": None}


@pytest.fixture
def before(store: Store) -> Manifest:
    return tree(store, BEFORE)


@pytest.fixture
def after(store: Store) -> Manifest:
    return tree(store, AFTER)


def test_folder_has_what_the_run_made_when_applied(
    store: Store, folder: Path, before: Manifest, after: Manifest
) -> None:
    make(folder, BEFORE)
    written = apply_to_folder(store, before, after, folder).written
    assert read(folder) == AFTER
    assert written == ["a", "box", "box/x", "d/only", "e", "gone", "l", "new/deep", "run", "swap", "swap/in"]


def test_nothing_is_written_when_applied_twice(store: Store, folder: Path, before: Manifest, after: Manifest) -> None:
    make(folder, BEFORE)
    apply_to_folder(store, before, after, folder)
    inode = (folder / "a").stat().st_ino
    assert apply_to_folder(store, before, after, folder).written == []
    assert (folder / "a").stat().st_ino == inode


def test_users_other_files_stay_when_applied(store: Store, folder: Path, before: Manifest, after: Manifest) -> None:
    make(folder, {**BEFORE, "mine": "m", "same": "changed by me", "d/mine": "m"})
    apply_to_folder(store, before, after, folder)
    assert read(folder) == AFTER | {"mine": "m", "same": "changed by me", "d/mine": "m"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"a": "mine"}, "a"),
        ({"gone": "mine"}, "gone"),
        ({"new/deep": "mine"}, "new/deep"),
        ({"new": "a file of mine"}, "new/deep"),
    ],
)
def test_nothing_is_applied_when_a_path_holds_other_work(
    store: Store, folder: Path, before: Manifest, after: Manifest, change: dict[str, str], path: str
) -> None:
    make(folder, {**BEFORE, **change})
    present = read(folder)
    with pytest.raises(StepFailure, match=f"nothing was applied to `{folder}`: `{path}` changed there") as failure:
        apply_to_folder(store, before, after, folder)
    assert failure.value.error_class == ErrorClass.WORKSPACE
    assert failure.value.details == {"kind": "blocked", "paths": [path]}
    assert read(folder) == present


@pytest.mark.parametrize("obstacle", ["mode", "link", "pipe", "gone", "link above"])
def test_path_is_blocked_when_it_is_something_else(
    store: Store, folder: Path, tmp_path: Path, before: Manifest, after: Manifest, obstacle: str
) -> None:
    make(folder, BEFORE)
    outside = tmp_path / "outside"
    make(outside, {"deep": "n"})
    match obstacle:
        case "mode":
            (folder / "a").chmod(0o755)
        case "link above":
            (folder / "new").symlink_to(outside)
        case _:
            (folder / "a").unlink()
            if obstacle == "link":
                (folder / "a").symlink_to("same")
            elif obstacle == "pipe":
                os.mkfifo(folder / "a")
    with pytest.raises(StepFailure, match="nothing was applied"):
        apply_to_folder(store, before, after, folder)
    assert read(outside) == {"deep": "n"}


def test_ten_paths_are_named_when_many_are_blocked(store: Store, folder: Path) -> None:
    names = [f"{number:02}" for number in range(13)]
    make(folder, dict.fromkeys(names, "mine"))
    with pytest.raises(StepFailure, match="`09` and 3 more"):
        apply_to_folder(store, tree(store, {}), tree(store, dict.fromkeys(names, "theirs")), folder)


def test_git_and_ignored_paths_are_never_touched(store: Store, folder: Path) -> None:
    make(folder, {".git/config": "mine", "log": "mine", "a": "1"})
    before = tree(store, {".git/config": "mine", "log": "mine", "a": "1"}, ignored=(".git/config", "log"))
    entries = tree(store, {".git/config": "evil", ".git/hooks/x*": "evil", "log": "run's", "a": "2"}, ignored=("log",))
    assert apply_to_folder(store, before, entries, folder).written == ["a"]
    assert read(folder) == {".git/config": "mine", "log": "mine", "a": "2"}


def test_permissions_stay_when_content_is_replaced(store: Store, folder: Path) -> None:
    make(folder, {"secret": "1", "run": "1"})
    (folder / "secret").chmod(0o600)
    (folder / "run").chmod(0o640)
    apply_to_folder(store, tree(store, {"secret": "1", "run": "1"}), tree(store, {"secret": "2", "run*": "2"}), folder)
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    assert (folder / "run").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("failing_call", range(1, 14))
def test_everything_is_taken_back_when_it_fails_half_way(
    store: Store, folder: Path, before: Manifest, after: Manifest, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    make(folder, BEFORE)
    calls = 0
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(StepFailure, match=r"nothing was applied: cannot write .*: no space left on device"):
        apply_to_folder(store, before, after, folder)
    monkeypatch.undo()
    assert read(folder) == BEFORE


def test_nothing_is_changed_when_content_is_gone_from_the_store(store: Store, folder: Path) -> None:
    make(folder, {"a": "1"})
    after = manifest_of([Entry("a", "f", "0" * 64, 1)])
    with pytest.raises(BlobMissing):
        apply_to_folder(store, tree(store, {"a": "1"}), after, folder)
    assert read(folder) == {"a": "1"}


def test_second_apply_is_refused_when_one_is_at_work(
    store: Store, folder: Path, before: Manifest, after: Manifest
) -> None:
    make(folder, BEFORE)
    with alone_in(folder), pytest.raises(StepFailure, match="another `perdure apply` is at work"):
        apply_to_folder(store, before, after, folder)
    assert (folder / "a").read_text() == "1"


@pytest.mark.parametrize("call", ["rename", "mkdir", "replace", "rmdir"])
def test_next_apply_takes_back_what_a_killed_one_left(
    store: Store, folder: Path, before: Manifest, after: Manifest, call: str
) -> None:
    real = getattr(Path, call)
    for moment in range(1, 40):
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        make(folder, BEFORE)
        child = os.fork()
        if child == 0:
            _apply_and_die(store, before, after, folder, call, real, moment)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            assert moment > 1
            return
        unchanged = apply_to_folder(store, before, before, folder)
        assert unchanged.written == []
        assert {path: text for path, text in read(folder).items() if text is not None} == BEFORE
        apply_to_folder(store, before, after, folder)
        assert read(folder) == AFTER
    pytest.fail("it never came to its end")


def _apply_and_die(
    store: Store, before: Manifest, after: Manifest, folder: Path, call: str, real: Callable[..., object], moment: int
) -> None:
    """Apply in this process, which ends without a word at a moment."""
    calls = 0

    def dying(self: Path, *rest: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == moment:
            os._exit(1)
        return real(self, *rest, **named)

    setattr(Path, call, dying)
    try:
        apply_to_folder(store, before, after, folder)
    finally:
        os._exit(0)


@pytest.mark.parametrize(("target", "call"), [(Path, "mkdir"), (Path, "open")])
def test_failure_names_the_folder_when_it_cannot_be_used(
    store: Store,
    folder: Path,
    before: Manifest,
    after: Manifest,
    monkeypatch: pytest.MonkeyPatch,
    target: type,
    call: str,
) -> None:
    make(folder, BEFORE)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(target, call, refused)
    with pytest.raises(StepFailure, match=f"cannot write `{folder}`: permission denied"):
        apply_to_folder(store, before, after, folder)


def test_folder_of_the_users_stays_when_a_file_would_take_its_place(store: Store, folder: Path) -> None:
    make(folder, {"box/x": "1", "box/mine": "m"})
    before, after = tree(store, {"box/x": "1"}), tree(store, {"box": "file"})
    with pytest.raises(StepFailure, match="nothing was applied"):
        apply_to_folder(store, before, after, folder)
    assert read(folder) == {"box/x": "1", "box/mine": "m"}


OURS = "mine\n1\n2\n3\n4\n5\n"
BASE = "0\n1\n2\n3\n4\n5\n"
THEIRS = "0\n1\n2\n3\n4\ntheirs\n"


def test_texts_are_merged_when_both_sides_changed_other_places(store: Store, folder: Path) -> None:
    make(folder, {"a*": OURS, "b": BASE, "same": "3\n"})
    (folder / "a").chmod(0o710)
    before = tree(store, {"a": BASE, "b": BASE, "same": "1\n"})
    after = tree(store, {"a": THEIRS, "b": THEIRS, "same": "3\n"})
    applied = apply_to_folder(store, before, after, folder, merges=True)
    assert read(folder) == {"a*": "mine\n1\n2\n3\n4\ntheirs\n", "b": THEIRS, "same": "3\n"}
    assert applied == applying.Applied(["a", "b"], ["a"])
    assert (folder / "a").stat().st_mode & 0o777 == 0o710


def test_executable_bit_is_merged_with_the_text(store: Store, folder: Path) -> None:
    make(folder, {"a": OURS})
    apply_to_folder(store, tree(store, {"a": BASE}), tree(store, {"a*": BASE}), folder, merges=True)
    assert read(folder) == {"a*": OURS}


@pytest.mark.parametrize(
    ("mine", "base", "theirs"),
    [
        ("mine\n", "base\n", "theirs\n"),
        (b"\0mine", b"\0base", b"\0theirs"),
        ("-> mine", "-> base", "-> theirs"),
        ("mine\n", "base\n", "-> theirs"),
        ("mine\n", "", "theirs\n"),
    ],
    ids=["same lines", "binary", "links", "file and link", "nothing before"],
)
def test_nothing_is_applied_when_a_path_cannot_be_merged(
    store: Store, folder: Path, mine: str | bytes, base: str | bytes, theirs: str | bytes
) -> None:
    make(folder, {"a": mine, "free": "1"})
    before, after = tree(store, {"a": base, "free": "1"}), tree(store, {"a": theirs, "free": "2"})
    present = read(folder)
    with pytest.raises(StepFailure, match="`a` changed on both sides in ways that do not go together") as failure:
        apply_to_folder(store, before, after, folder, merges=True)
    assert failure.value.details["paths"] == ["a"]
    assert read(folder) == present


@pytest.mark.parametrize(("before", "after"), [({}, {"a": "x"}), ({"a": "x"}, {})], ids=["added", "deleted"])
def test_nothing_is_merged_when_one_side_is_missing(
    store: Store, folder: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    make(folder, {"a": "mine"})
    with pytest.raises(StepFailure, match="do not go together"):
        apply_to_folder(store, tree(store, before), tree(store, after), folder, merges=True)


def test_big_texts_are_not_merged(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {"a": OURS})
    monkeypatch.setattr(applying, "LARGEST_TEXT", 5)
    with pytest.raises(StepFailure, match="do not go together"):
        apply_to_folder(store, tree(store, {"a": BASE}), tree(store, {"a": THEIRS}), folder, merges=True)


def test_last_moment_edit_is_not_lost_when_files_are_moved(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, {"a": "1", "b": "1"})
    real = Path.mkdir

    def mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        real(self, mode, parents, exist_ok)
        (folder / "b").write_text("edited just now")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(StepFailure, match="`b` changed there"):
        apply_to_folder(store, tree(store, {"a": "1", "b": "1"}), tree(store, {"a": "2", "b": "2"}), folder)
    assert read(folder) == {"a": "1", "b": "edited just now"}
