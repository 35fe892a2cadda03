"""`perdure artifacts`: versions fetched, linked to, tagged and deleted, and why not."""

from collections.abc import Sequence
from pathlib import Path

from client.messages import amount_words

NO_ARTIFACTS = "no artifacts: a step publishes one with `publish: {name: …, path: …}`"


def artifact_taken(path: str | Path) -> str:
    """Say that an artifact is not written over something."""
    return f"`{path}` is there already; nothing was written"


def artifact_written(shown: str, path: str | Path) -> str:
    """Say where an artifact is now."""
    return f"{shown} is in {path}"


def no_link(shown: str, location: str) -> str:
    """Say that there is no link to an artifact."""
    return f"there is no link to `{shown}`: the store `{location}` gives none"


def no_link_to_folder(shown: str) -> str:
    """Say that a folder has no link."""
    return f"`{shown}` is a folder, which is many objects in the store"


def tag_moved(name: str, tag: str, version: int, before: int | None) -> str:
    """Say where a tag stands now."""
    if before == version:
        return f"`{tag}` of {name} stands at version {version}, as before"
    stood = "" if before is None else f" (before: {before})"
    return f"`{tag}` of {name} stands at version {version}{stood}"


def tag_removed(name: str, tag: str, before: int) -> str:
    """Say that a tag stands nowhere."""
    return f"`{tag}` of {name} is removed; it stood at version {before}"


def unknown_tag(name: str, tag: str) -> str:
    """Say that an artifact has no such tag."""
    return f"the artifact `{name}` has no tag `{tag}`"


def tagged(shown: str, tags: Sequence[str]) -> str:
    """Say that a version is not deleted since a tag stands at it."""
    names = ", ".join(f"`{tag}`" for tag in tags)
    return f"`{shown}` is not deleted: {names} {'stand' if len(tags) > 1 else 'stands'} at it"


def confirm_delete_artifact(shown: str, count: int, location: str) -> str:
    """Ask before versions are deleted."""
    return f"delete {shown} ({amount_words.counted(count, 'version')}) from {location}? whoever fetches it will fail"


def artifacts_deleted(count: int) -> str:
    """Say how many versions are gone."""
    return f"{amount_words.counted(count, 'version')} deleted; `perdure store gc` gives the room back"


def unknown_run_artifact(execution_id: str, name: str) -> str:
    """Say that a run kept no artifact of that name."""
    return f"the run `{execution_id}` has no artifact `{name}`"


def several_run_artifacts(name: str, steps: Sequence[str]) -> str:
    """Say that several steps kept an artifact of one name."""
    return f"{amount_words.counted(len(steps), 'step')} kept an artifact `{name}`"
