"""Which paths git would ignore: `.gitignore` at every level, `.git/info/exclude`, and our own `.perdureignore`.

Nearer files win over those further up, later lines over earlier ones, and what lies in an ignored folder is
ignored whatever else is said: git's rules. `.perdureignore` has the same syntax and is read after `.gitignore`.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import cast

from pathspec import GitIgnoreSpec

from activities.workspace.manifest import is_git_path

IGNORE_FILES = (".gitignore", ".perdureignore")
BUILT_IN = ("node_modules/",)
"""Ignored unless a repository tracks it or says `!node_modules/`."""
LARGEST_IGNORE_FILE = 1 << 20


class IgnoreRules:
    """Rules of one folder; `add` reads the ignore files of a folder below as it is found."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._rules: dict[str, GitIgnoreSpec] = {}
        self._of_folders: set[str] = set()
        """Whose rules ignore folders and nothing else: they have no say on a file in a folder that is not ignored."""
        self._nearest: dict[str, list[tuple[int, GitIgnoreSpec]]] = {}
        """The rules that decide on the files of a folder, with where the paths begin that they are asked for."""
        self._folders: dict[str, bool] = {"": False}
        self.add("", IGNORE_FILES)

    def add(self, folder: str, names: tuple[str, ...] | list[str]) -> None:
        """Read the ignore files among `names`, which are in `folder` (relative to the root)."""
        lines = [] if folder else [*BUILT_IN, *self._lines(".git/info/exclude")]
        for name in IGNORE_FILES:
            if name in names:
                lines += self._lines(f"{folder}/{name}" if folder else name)
        if lines:
            self._rules[folder] = _spec(lines)
            self._nearest.clear()
            if all(line.endswith("/") and not line.startswith("!") for line in lines):
                self._of_folders.add(folder)

    def ignores_file(self, path: str) -> bool:
        """Whether git ignores a file (or link) that it does not track."""
        if is_git_path(path):
            return True
        folder = path.rpartition("/")[0]
        if self.ignores_folder(folder):
            return True
        nearest = self._nearest.get(folder)
        if nearest is None:
            nearest = self._nearest[folder] = list(self._rules_on(folder, self._of_folders))
        return bool(nearest) and _verdict(path, nearest)

    def ignores_folder(self, path: str) -> bool:
        """Whether git ignores a folder, or one above it."""
        known = self._folders.get(path)
        if known is None:
            parent = path.rpartition("/")[0]
            known = is_git_path(path) or self.ignores_folder(parent) or _verdict(path + "/", self._rules_on(parent))
            self._folders[path] = known
        return known

    def _rules_on(self, folder: str, without: Container[str] = ()) -> Iterator[tuple[int, GitIgnoreSpec]]:
        """Yield the rules on what is in a folder, the nearest first."""
        while True:
            rules = self._rules.get(folder)
            if rules is not None and folder not in without:
                yield len(folder) + 1 if folder else 0, rules
            if not folder:
                return
            folder = folder.rpartition("/")[0]

    def _lines(self, path: str) -> list[str]:
        """Return the lines of an ignore file; one that is absent, a link or huge has none."""
        file = self._root / path
        try:
            if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST_IGNORE_FILE:
                return []
            return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError:
            return []


def _verdict(path: str, nearest: Iterable[tuple[int, GitIgnoreSpec]]) -> bool:
    """Whether a path is ignored: the first rules that say anything decide."""
    for start, rules in nearest:
        verdict = rules.check_file(path[start:]).include
        if verdict is not None:
            return verdict
    return False


def _spec(lines: list[str]) -> GitIgnoreSpec:
    """Return the rules of these lines; git passes over lines that make no sense, and so do we."""
    try:
        return _compiled(lines)
    except ValueError:
        return _compiled([line for line in lines if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    try:
        _compiled([line])
    except ValueError:
        return False
    return True


def _compiled(lines: list[str]) -> GitIgnoreSpec:
    compile_lines = cast("Callable[[list[str]], GitIgnoreSpec]", GitIgnoreSpec.from_lines)  # untyped in pathspec
    return compile_lines(lines)
