from datetime import UTC, datetime, timedelta
from os import utime
from pathlib import Path

from activities.leftovers import remove_leftovers
from activities.store.opening import open_store
from activities.workspace.checkouts import Checkouts


async def test_scratch_of_killed_attempts_and_folders_of_forgotten_runs_go(tmp_path: Path):
    store = open_store(str(tmp_path / "store"))
    work = tmp_path / "work"
    (work / "scratch" / "attempt-x").mkdir(parents=True)
    checkouts = Checkouts(work / "checkouts", store)
    for run in ("old", "new"):
        async with checkouts.hold(run, "a", None):
            pass
    long_ago = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    for path in [*(work / "checkouts" / "old").rglob("*"), work / "checkouts" / "old"]:
        utime(path, (long_ago, long_ago))
    await remove_leftovers(store, work)
    assert not (work / "scratch").exists()
    assert [folder.name for folder in (work / "checkouts").iterdir()] == ["new"]
