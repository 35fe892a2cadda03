"""How big a workspace may be: bounds that catch a home folder or a disk given by mistake."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from activities.workspace.manifest import printable
from definitions.errors import ErrorClass, StepFailure

MOST_FILES = 200_000
MOST_BYTES = 5 * 1000**3
NAMED_FOLDERS = 5


def is_within_limits(files: int, size: int) -> bool:
    """Whether so many files of that size together may be a workspace."""
    return files <= MOST_FILES and size <= MOST_BYTES


def check_size(folder: Path, files: Sequence[tuple[str, int]]) -> None:
    """Raise `StepFailure` with the largest folders where a workspace is too big; `files` are paths and sizes."""
    size = sum(size for _, size in files)
    if is_within_limits(len(files), size):
        return
    raise StepFailure(
        ErrorClass.WORKSPACE,
        f"the workspace `{folder}` has {len(files):,} files and {size / 1000**3:.1f} GB; "
        f"the most is {MOST_FILES:,} files and {MOST_BYTES / 1000**3:.0f} GB. Largest: {_largest(files)}; "
        "give a smaller folder, or leave things out by `.gitignore` or `.perdureignore`",
    )


def _largest(files: Sequence[tuple[str, int]]) -> str:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for path, size in files:
        place = "/".join(path.split("/")[:-1][:2]) or "."
        counts[place] += 1
        sizes[place] += size
    by_share = sorted(
        counts, key=lambda place: max(counts[place] / MOST_FILES, sizes[place] / MOST_BYTES), reverse=True
    )
    return ", ".join(
        f"`{printable(place)}` ({counts[place]:,} files, {sizes[place] / 1000**3:.2f} GB)"
        for place in by_share[:NAMED_FOLDERS]
    )
