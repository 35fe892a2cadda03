"""A definition that is named, read or checked: whether it is there, how big it is, what is wrong with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from client.messages import amount_words


def definition_missing(name: str) -> str:
    """Say that a file does not exist."""
    return f"the file `{name}` does not exist"


def unknown_catalog_name(name: str) -> str:
    """Say that the catalog has no such definition."""
    return f"the catalog has no definition `{name}`"


def catalog_remedy(name: str, close: str | None) -> str:
    """Say how to name a definition."""
    if Path(name).exists():
        return f"for the file write `./{name}`"
    if close:
        return f"did you mean `{close}`?"
    return "`perdure catalog` lists the names; a file has a `/` in it or ends in .yaml, .yml or .json"


def invalid_definition(files: Sequence[str], errors: int) -> str:
    """Count the errors of a validation."""
    where = f"`{files[0]}`" if len(files) == 1 else f"{len(files)} files"
    return f"{errors} {'error' if errors == 1 else 'errors'} in {where}"


def refused_files(files: Sequence[str], counts: Mapping[str, int]) -> str:
    """Count the findings for which files are refused."""
    where = f"`{files[0]}`" if len(files) == 1 else f"{len(files)} files"
    return f"{', '.join(_findings(counts))} in {where}"


def valid_file(file: str, size: str, counts: Mapping[str, int]) -> str:
    """Say that a file has no errors, and what it has."""
    return f"{file}: valid ({', '.join([size, *_findings(counts)])})"


def definition_size(steps: int, implicit_inputs: Sequence[str]) -> str:
    """Return how big a definition is, with the inputs that it uses and does not declare."""
    size = amount_words.amount(steps, "step")
    if not implicit_inputs:
        return size
    return f"{size}; inputs that it uses and does not declare: {', '.join(f'`{name}`' for name in implicit_inputs)}"


def unknown_code(code: str) -> str:
    """Say that no finding has this code."""
    return f"no finding has the code `{code}`"


def explain_remedy(close: str | None) -> str:
    """Say how to find a code."""
    return f"did you mean `{close}`?" if close else "`perdure explain` lists the codes"


def try_it(path: Path) -> str:
    """Say what to do with a new definition."""
    return f"try it: perdure run {path}"


def _findings(counts: Mapping[str, int]) -> list[str]:
    """Return the findings in words, the worst first."""
    nouns = {"error": "error", "warning": "warning", "lint": "lint finding"}
    return [amount_words.amount(counts[kind], noun) for kind, noun in nouns.items() if counts.get(kind)]
