"""Trees side by side with git, restic and `cp`: snapshot, unchanged, one file changed, restore; a neighbour's step.

    python -m tests.bench.trees [tree] [neighbour]

Two trees: 10,000 files of 494 MB (100 of them are 3 MiB of noise), and 100,000 small files. Arms in turn, medians.
"""

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from activities.memory import look_seldom
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from activities.workspace.pool import POOL, in_pool
from activities.workspace.slots import lay_out, take_in
from activities.workspace.snapshots import snapshot
from activities.workspace.stat_cache import StatCache

ROUNDS = int(os.environ.get("PERDURE_BENCH_ROUNDS", "3"))
PASSWORD = {**os.environ, "RESTIC_PASSWORD": "bench"}


def mixed_tree(folder: Path, files: int = 10_000, large: int = 100) -> None:
    """Write texts of all sizes up to 250 kB, and some large files that nothing compresses."""
    chance = random.Random(1)
    words = [chance.randbytes(6).hex() for _ in range(4000)]
    text = " ".join(chance.choice(words) for _ in range(60_000)).encode()
    for number in range(files - large):
        size = int(min(chance.lognormvariate(9.1, 1.2), 250_000))
        start = chance.randrange(0, len(text) - size)
        write(folder / f"d{number % 40}/e{number % 400}/f{number}.txt", b"%d\n" % number + text[start : start + size])
    for number in range(large):
        write(folder / f"large/{number}.bin", chance.randbytes(3 << 20))


def small_tree(folder: Path, files: int = 100_000) -> None:
    """Write many files of a few dozen bytes."""
    for number in range(files):
        write(folder / f"d{number % 100}/e{number % 1000}/f{number}.txt", b"file %d\n" % number * 8)


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Bench:
    """One tree, and where each arm keeps what it makes."""

    def __init__(self, base: Path, tree: Path) -> None:
        self.base, self.tree = base, tree
        self.times: dict[str, list[float]] = {}

    def new(self, name: str) -> Path:
        """Return an empty place."""
        place = self.base / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place

    def timed(self, name: str, work: Callable[[], object]) -> None:
        """Note how long work takes, begun with nothing left to write."""
        os.sync()
        begin = time.perf_counter()
        work()
        self.times.setdefault(name, []).append(time.perf_counter() - begin)

    def git(self, *arguments: str) -> None:
        """Run git with its repository outside of the tree."""
        command = ["git", f"--git-dir={self.base / 'git/.git'}", f"--work-tree={self.tree}", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.tree)

    def restic(self, *arguments: str) -> None:
        """Run restic."""
        command = ["restic", "-q", "-r", str(self.base / "restic"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=PASSWORD)

    def round(self) -> None:
        """Run every arm once."""
        self.new("git")
        self.git("init", "-q")
        self.timed("cold: git add", lambda: self.git("add", "-A"))
        if shutil.which("restic"):
            self.new("restic")
            self.restic("init")
            self.timed("cold: restic", lambda: self.restic("backup", str(self.tree)))
        store, stats = open_store(self.new("store")), StatCache()
        self.ours(store, stats)
        target = self.new("copy")
        self.timed("restore: cp -a", lambda: subprocess.run(["cp", "-a", f"{self.tree}/.", target], check=True))

    def ours(self, store: Store, stats: StatCache) -> None:
        """Run what is ours, and git's status beside it."""
        trees: list[Manifest] = []

        def keep() -> None:
            trees.append(snapshot(store, self.tree, trees[-1] if trees else None, stats=stats))
            save_manifest(store, trees[-1])

        self.timed("cold: ours", keep)
        for _ in range(3):
            self.timed("unchanged: git status", lambda: self.git("status", "--short"))
            self.timed("unchanged: ours", keep)
        changed = next(self.tree.rglob("f77.txt"))
        before = changed.read_bytes()
        changed.write_bytes(before + b"changed")
        self.timed("one file changed: ours", keep)
        changed.write_bytes(before)
        home = self.new("home")
        tree = trees[0].digest
        self.timed("restore: ours, with the start of a process", lambda: lay_out(store, home, tree))
        took = load_manifest(store, tree)
        self.timed("after a step: ours", lambda: take_in(store, home, took))
        self.timed("the same tree again: ours", lambda: lay_out(store, home, tree))
        POOL.close()


def report(name: str, times: dict[str, list[float]]) -> None:
    """Print the medians."""
    for arm, seconds in times.items():
        print(f"| {name} | {arm:<44} | {statistics.median(seconds):8.3f} s |", flush=True)  # noqa: T201


def both_trees() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Yield both trees with what makes them."""
    yield "10,000 files, 494 MB", mixed_tree
    yield "100,000 small files", small_tree


def files(base: Path) -> None:
    """Measure both trees, with as few looks for garbage as in the pool's process."""
    look_seldom()
    for number, (name, make) in enumerate(both_trees()):
        tree = base / f"tree{number}"
        make(tree)
        bench = Bench(base / f"bench{number}", tree)
        for _ in range(ROUNDS):
            bench.round()
        report(name, bench.times)
        shutil.rmtree(bench.base)


async def neighbour(base: Path) -> None:
    """Time a run of shell steps alone, beside a snapshot of 100,000 files in the pool, and beside one in a thread."""
    from tests.bench.stage import sequence, stage

    tree = base / "tree-of-another"
    small_tree(tree)
    async with stage(base / "stage", tuned=True) as scene:
        times: dict[str, list[float]] = {}
        await scene.ours(sequence(10))
        for number in range(ROUNDS):
            for name, work in (("alone", None), ("beside the pool", cold_in_pool), ("beside a thread", cold_here)):
                place = base / f"other-{number}-{name}"
                other = None if work is None else asyncio.create_task(asyncio.to_thread(work, place, tree))
                await asyncio.sleep(0.5)
                while len(seconds := times.setdefault(name, [])) < (number + 1) * 3:
                    begin = time.perf_counter()
                    await scene.ours(sequence(10))
                    seconds.append((time.perf_counter() - begin) / 10)
                    if other is not None and other.done():
                        break
                if other is not None:
                    await other
                shutil.rmtree(place, ignore_errors=True)
        report("a step of another run, 100,000 files snapshot meanwhile", times)
    POOL.close()


def cold_in_pool(place: Path, tree: Path) -> None:
    """Snapshot in the pool, as a worker does."""
    place.mkdir()
    in_pool(open_store(place / "store"), str(tree), cold, str(place / "store"), tree)


def cold_here(place: Path, tree: Path) -> None:
    """Snapshot in a thread, as a worker would without the pool."""
    place.mkdir()
    cold(str(place / "store"), tree)


def cold(location: str, tree: Path) -> str:
    """Snapshot without knowing anything."""
    store = open_store(location)
    return save_manifest(store, snapshot(store, tree, stats=StatCache()))


def main(names: list[str]) -> None:
    """Run what is named, or all."""
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="perdure-trees-") as name:
        if not names or "tree" in names:
            files(Path(name))
        if not names or "neighbour" in names:
            asyncio.run(neighbour(Path(name)))


if __name__ == "__main__":
    from tests.bench import trees as by_name  # what the pool is given has a module that it can import

    by_name.main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the SDK's core can abort at interpreter exit
