"""`perdure definitions`: what became of one in the folder of definitions, and why it is refused."""

from collections.abc import Sequence

from client.messages import amount_words

NO_DEFINITIONS = "no definitions"
AS_IN_THE_FOLDER = "it was checked as it would stand in the folder of definitions; refer to others by their names"
USED_REMEDY = "change or delete those first"
IN_USE_REMEDY = "wait for them, or cancel them; `--force` deletes it all the same: what they need is frozen with them"


def definition_written(verb: str, name: str, path: str, status: str) -> str:
    """Say what became of a definition."""
    return f"{verb} `{name}` ({status}): {path}"


def definition_deleted(name: str, path: str) -> str:
    """Say that a definition is gone."""
    return f"deleted `{name}`: {path}"


def unknown_definition(name: str, folder: str) -> str:
    """Say that a folder has no such definition."""
    return f"`{folder}` has no definition `{name}`"


def definitions_remedy(known: Sequence[str]) -> str:
    """Say which definitions there are."""
    few = ", ".join(f"`{name}`" for name in known[:10])
    return f"there are {few}" if known else "`perdure definitions create FILE` takes the first one"


def taken_definition(definition_id: str, path: str) -> str:
    """Say that an id is in use."""
    return f"there is a definition `{definition_id}` already: `{path}`"


def update_remedy(definition_id: str) -> str:
    """Say how a definition is replaced."""
    return f"`perdure definitions update {definition_id} FILE` replaces it"


def create_remedy(file: str) -> str:
    """Say how a definition with another id is taken."""
    return f"`perdure definitions create {file}` takes it under its own id"


def other_id(definition_id: str, name: str) -> str:
    """Say that a file is of another definition."""
    return f"the file's id is `{definition_id}`, not `{name}`"


def referred_to(name: str, users: Sequence[str]) -> str:
    """Say that other definitions lead to one."""
    return f"`{name}` is referred to by {', '.join(f'`{user}`' for user in users)}"


def in_use(name: str, runs: Sequence[str]) -> str:
    """Say that runs use a definition."""
    few = ", ".join(f"`{run}`" for run in runs[:5])
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    verbs = ("has", "uses") if len(runs) == 1 else ("have", "use")
    return f"{amount_words.amount(len(runs), 'run')} that {verbs[0]} not ended {verbs[1]} `{name}`: {few}{more}"
