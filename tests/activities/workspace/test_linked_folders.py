import asyncio
import subprocess
from pathlib import Path

import pytest

from activities.process import shielding
from activities.process.shielding import Shield
from activities.store.interface import Store
from activities.workspace import linked_folders
from activities.workspace.linked_folders import linked, links_of
from activities.workspace.snapshots import snapshot
from definitions.errors import StepFailure
from tests.activities.workspace.trees import make, read, tree


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    root = tmp_path / "caller"
    make(root, {".venv/bin/python": "#!", "web/node_modules/m/i.js": "", "src/a": "1"})
    return root


def links(caller: Path) -> dict[str, str]:
    return {".venv": str(caller / ".venv"), "web/node_modules": str(caller / "web/node_modules")}


async def test_folders_are_there_while_the_block_runs(store: Store, folder: Path, caller: Path) -> None:
    make(folder, {"a": "1"})
    before = snapshot(store, folder)
    async with linked(folder, links(caller)) as notes:
        assert (folder / ".venv/bin/python").read_text() == "#!"
        assert (folder / "web/node_modules/m/i.js").exists()
        assert notes == [] or "not protected" in notes[0]
    assert read(folder) == {"a": "1"}
    assert snapshot(store, folder, before) is before


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True, text=True)
    return done.stdout


async def test_git_ignores_them_while_they_are_there(folder: Path, caller: Path) -> None:
    git(folder, "init", "-q")
    make(folder, {".gitignore": ".venv/\n"})
    excludes = (folder / ".git/info/exclude").read_bytes()
    async with linked(folder, {**links(caller), "odd*[x]?\\": str(caller)}):
        assert git(folder, "status", "--porcelain", "-uall") == "?? .gitignore\n"
    assert (folder / ".git/info/exclude").read_bytes() == excludes


async def test_excludes_stay_when_the_step_changed_them(folder: Path, caller: Path) -> None:
    make(folder, {".git/HEAD": "x"})
    async with linked(folder, links(caller)):
        make(folder, {".git/info/exclude": "mine\n"})
    assert (folder / ".git/info/exclude").read_text() == "mine\n"
    (folder / ".git/info/exclude").unlink()
    async with linked(folder, links(caller)):
        pass
    assert not (folder / ".git/info/exclude").exists()


@pytest.mark.parametrize("planted", [".git", ".git/info", ".git/info/exclude"])
async def test_nothing_is_written_through_a_link_of_the_steps(
    folder: Path, caller: Path, tmp_path: Path, planted: str
) -> None:
    outside = tmp_path / "outside"
    make(outside, {"info/exclude": "theirs", "exclude": "theirs"})
    place = folder / planted
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside / "exclude" if planted.endswith("exclude") else outside)
    async with linked(folder, links(caller)):
        pass
    assert read(outside) == {"info/exclude": "theirs", "exclude": "theirs"}


async def test_files_own_things_stay_when_they_are_where_a_link_would_be(
    folder: Path, caller: Path, tmp_path: Path
) -> None:
    make(folder, {".venv/own": "mine", "web": "-> elsewhere", "elsewhere/x": "1"})
    async with linked(folder, {**links(caller), "gone": str(tmp_path / "gone")}) as notes:
        assert (folder / ".venv/own").exists()
        assert not (folder / "elsewhere/node_modules").exists()
    assert [note.split(":")[0] for note in notes[:3]] == [
        "`.venv` is not linked",
        "`web/node_modules` is not linked",
        "`gone` is not linked",
    ]
    assert (folder / ".venv/own").exists()


async def test_what_the_step_put_in_place_of_a_link_stays(folder: Path, caller: Path) -> None:
    async with linked(folder, links(caller)):
        (folder / ".venv").unlink()
        make(folder, {".venv/new": "1", "web/page": "1"})
    assert read(folder) == {".venv/new": "1", "web/page": "1"}


async def test_folders_are_gone_when_the_step_is_cancelled(folder: Path, caller: Path) -> None:
    begun = asyncio.Event()

    async def step() -> None:
        async with linked(folder, links(caller)):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(step())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert read(folder) == {}


async def test_note_is_left_when_nothing_protects_them(
    folder: Path, caller: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_folders, "shield_of", lambda: Shield(reason="not here"))
    async with linked(folder, links(caller)) as notes:
        assert notes == ["`.venv`, `web/node_modules`: linked, but not protected from what the step writes (not here)"]


async def test_step_fails_when_the_copy_cannot_be_written(
    folder: Path, caller: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(StepFailure, match="permission denied"):
        async with linked(folder, links(caller)):
            pass
    assert not (folder / "web").exists()


async def test_nothing_is_read_only_when_nothing_is_linked(folder: Path) -> None:
    async with linked(folder, {}) as notes:
        assert shielding.shielded(["x"]) == ["x"]
    assert notes == []


def test_links_are_those_that_are_there_and_no_part_of_the_tree(store: Store, caller: Path) -> None:
    files = tree(store, {"src/a": "1", "log": "1", "cache/x": "1"}, ignored=("cache/x",))
    make(caller, {"cache/x": "1"})
    wanted = [".venv/", "src", "src/a", "log/in", "nowhere", "cache"]
    assert links_of(wanted, caller, files) == (
        {".venv": str(caller / ".venv"), "cache": str(caller / "cache")},
        ["src", "src/a", "log/in"],
    )
