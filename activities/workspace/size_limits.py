"""How big a workspace may be: bounds that catch a home folder or a disk given by mistake."""

from collections import Counter
from pathlib import Path

from activities.workspace.manifest import printable
from activities.workspace.scanning import Found
from definitions.errors import ErrorClass, StepFailure

MOST_FILES = 200_000
MOST_BYTES = 5 * 1000**3
NAMED_FOLDERS = 5


def check_size(folder: Path, files: list[Found]) -> None:
    """Raise `StepFailure` with the largest folders where a workspace is too big."""
    size = sum(status.st_size for _, status in files)
    if len(files) <= MOST_FILES and size <= MOST_BYTES:
        return
    raise StepFailure(
        ErrorClass.WORKSPACE,
        f"the workspace `{folder}` has {len(files):,} files and {size / 1000**3:.1f} GB; "
        f"the most is {MOST_FILES:,} files and {MOST_BYTES / 1000**3:.0f} GB. Largest: {_largest(files)}; "
        "give a smaller folder, or leave things out by `.gitignore` or `.perdureignore`",
    )


def _largest(files: list[Found]) -> str:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for path, status in files:
        place = "/".join(path.split("/")[:-1][:2]) or "."
        counts[place] += 1
        sizes[place] += status.st_size
    by_share = sorted(
        counts, key=lambda place: max(counts[place] / MOST_FILES, sizes[place] / MOST_BYTES), reverse=True
    )
    return ", ".join(
        f"`{printable(place)}` ({counts[place]:,} files, {sizes[place] / 1000**3:.2f} GB)"
        for place in by_share[:NAMED_FOLDERS]
    )
