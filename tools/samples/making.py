"""A sample is a history of commits; making it is writing and committing them with a fixed author and fixed dates."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

_FIRST_DAY = 1_767_259_800  # 1 January 2026, 09:30 UTC; each commit is a day later


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its message and the whole text of each file that it writes."""

    message: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A repository to run a catalog definition on."""

    definition: str
    """The catalog name."""
    inputs: dict[str, JsonValue]
    """The inputs to run it with."""
    commits: tuple[Commit, ...]

    @property
    def script(self) -> Path:
        """Return the file for `--script`."""
        return Path(__file__).parent / f"{self.definition}.script.yaml"

    def make(self, folder: Path) -> Path:
        """Make the repository in `folder`, which must be empty or absent; return it."""
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError(f"`{folder}` is not empty; name a new folder")
        _git(folder, "init", "--quiet", "--initial-branch=main")
        for day, commit in enumerate(self.commits):
            for name, text in commit.files.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            _git(folder, "add", "--all")
            _git(folder, "commit", "--quiet", "--no-gpg-sign", "--message", commit.message, day=day)
        return folder


def _git(folder: Path, *arguments: str, day: int = 0) -> None:
    date = f"{_FIRST_DAY + day * 86_400} +0000"
    who = {
        "GIT_AUTHOR_NAME": "Sample Author",
        "GIT_AUTHOR_EMAIL": "author@example.invalid",
        "GIT_COMMITTER_NAME": "Sample Author",
        "GIT_COMMITTER_EMAIL": "author@example.invalid",
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
        "GIT_CONFIG_GLOBAL": os.devnull,  # a user's hooks, templates and signing must not change a sample
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *arguments], cwd=folder, env={**kept, **who}, check=True, timeout=60)
