"""Ready-made definitions: a YAML file each in this folder, started by the file's name without `.yaml`."""

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
    if name not in names():
        raise KeyError(name)
    path = _FOLDER / f"{name}.yaml"
    return path.read_text(encoding="utf-8"), str(path)
