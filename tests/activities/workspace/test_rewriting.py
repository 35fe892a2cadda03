"""What was written since a moment, however close to it."""

import os
from pathlib import Path

import pytest

from activities.workspace import rewriting
from activities.workspace.rewriting import mark, written_since_here


async def test_files_are_told_apart_when_they_are_written_right_before_and_right_after(tmp_path: Path) -> None:
    workspace, scratch = tmp_path / "workspace", tmp_path / "scratch"
    workspace.mkdir()
    scratch.mkdir()
    for number in range(20):
        (workspace / f"before{number}").write_text("x")
        since = await mark(scratch)
        after = workspace / f"after{number}"
        after.write_text("x")
        os.utime(after, (0, 0))  # a program may set this time, and does not hide by it
        assert written_since_here(workspace, since) == {after.name}


async def test_too_much_counts_as_written_when_the_clock_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "before").write_text("x")
    monkeypatch.setattr(rewriting, "_now", lambda scratch: os.lstat(workspace / "before").st_ctime_ns)
    assert written_since_here(workspace, await mark(tmp_path)) == {"before"}
