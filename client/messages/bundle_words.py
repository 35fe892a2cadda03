"""`perdure export` and `perdure import`: what a bundle holds or brought, and why it is refused."""

from collections.abc import Sequence

from client.messages import amount_words

IN_THE_WAY_REMEDY = "import into another folder (`--into DIR`), or replace them with `--force`"
BAD_BUNDLE_REMEDY = "nothing was written; have it exported again by `perdure export`"


def exported(name: str, files: int, digest: str, path: str) -> str:
    """Say what a bundle holds."""
    return f"exported `{name}` with {amount_words.amount(files, 'file')}, digest {digest[:12]}: {path}"


def imported(name: str, digest: str, path: str) -> str:
    """Say what a bundle brought."""
    return f"imported `{name}`, digest {digest[:12]}; run it: `perdure run {path}`"


def in_the_way(paths: Sequence[str]) -> str:
    """Say that files are there already with other content."""
    few = ", ".join(f"`{path}`" for path in paths[:5])
    return f"{amount_words.amount(len(paths), 'file')} would be written over: {few}{' …' if len(paths) > 5 else ''}"


def bad_bundle(path: str, reason: str) -> str:
    """Say that a bundle is refused."""
    return f"the bundle `{path}` is refused: {reason}"
