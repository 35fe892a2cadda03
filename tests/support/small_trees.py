"""Trees of files as small as can be: a mapping of names to contents, written as the text that is its own digest."""

import json
from collections.abc import Mapping, Sequence

Tree = str


def written(tree: Tree, name: str | None, content: str) -> Tree:
    """Return a tree with one file more, or the same tree."""
    return tree if name is None else text_of({**files_of(tree), name: content})


def joined(base: Tree, trees: Sequence[Tree]) -> Tree:
    """Return the tree in which the changes to `base` are together; of a conflict, the last one's."""
    files = files_of(base)
    for tree in trees:
        files.update(changes(base, tree))
    return text_of(files)


def conflicts(base: Tree, trees: Sequence[Tree]) -> bool:
    """Whether two trees changed a file in different ways."""
    seen: dict[str, str] = {}
    for tree in trees:
        for name, content in changes(base, tree).items():
            if seen.setdefault(name, content) != content:
                return True
    return False


def changes(base: Tree, tree: Tree) -> dict[str, str]:
    """Return the files that a tree has and `base` has not, or not so."""
    before = files_of(base)
    return {name: content for name, content in files_of(tree).items() if before.get(name) != content}


def files_of(tree: Tree) -> dict[str, str]:
    """Return the files of a tree."""
    return dict(json.loads(tree))


def text_of(files: Mapping[str, str]) -> Tree:
    """Return the text of a tree."""
    return json.dumps(files, sort_keys=True)
