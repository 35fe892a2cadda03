"""Three versions of a text made one: what two sides changed in different places, by `git merge-file`."""

import tempfile
from pathlib import Path

from activities.workspace.git import GitFailed, ask_git

LARGEST_TEXT = 4 << 20
"""Bigger files are not merged: on both sides changed, they conflict."""
_MOST_CONFLICTS = 127
"""Of `git merge-file`: up to here its status is how many conflicts there are, beyond it is an error."""


def merged_text(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Return `base` with what both sides made of it; None where they disagree, or where it is no text. Blocks.

    Raises:
        StepFailure: git is absent, or cannot do its work.
    """
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    versions = (ours, base, theirs)
    if any(len(version) > LARGEST_TEXT or b"\0" in version for version in versions):
        return None
    with tempfile.TemporaryDirectory(prefix="perdure-merge-") as place:
        folder = Path(place)
        names = ("ours", "base", "theirs")
        for name, version in zip(names, versions, strict=True):
            (folder / name).write_bytes(version)
        answer = ask_git(folder, "merge-file", "-p", "-q", *names)
    if answer.status > _MOST_CONFLICTS or answer.status < 0:
        raise GitFailed(answer, ("merge-file",))
    return answer.output if answer.status == 0 else None
