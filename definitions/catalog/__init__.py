"""Ready-made definitions: a YAML file each in this folder, started by the file's name without `.yaml`.

Those in `measures` are for `perdure bench`: each worker has them, and no list shows them.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all definitions of the catalog, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml") if not path.stem.endswith(".test"))


def read(name: str) -> tuple[str, str]:
    """Return the text of a definition, and its file for diagnostics.

    Raises:
        KeyError: the catalog has none of that name.
    """
    known = {path.stem: path for folder in (_FOLDER / "measures", _FOLDER) for path in folder.glob("*.yaml")}
    if name.endswith(".test"):
        raise KeyError(name)
    path = known[name]
    return path.read_text(encoding="utf-8"), str(path)
