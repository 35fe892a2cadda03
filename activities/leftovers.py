"""What an earlier worker left in this worker's folder: scratch files of killed attempts, folders of forgotten runs."""

import asyncio
import shutil
from pathlib import Path

from activities.store.interface import Store
from activities.workspace.checkouts import Checkouts

SCRATCH = "scratch"
CHECKOUTS = "checkouts"


async def remove_leftovers(store: Store, work: Path) -> None:
    """Remove them, before any step of ours runs: the folder belongs to one worker at a time."""
    await asyncio.to_thread(shutil.rmtree, work / SCRATCH, ignore_errors=True)
    await Checkouts(work / CHECKOUTS, store).remove_leftovers()
