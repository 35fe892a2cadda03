"""What a step shares with other runs: `publish` gives an artifact to all, `fetch` takes one; keys of any step."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from definitions.durations import Duration
from definitions.steps.languages import Model, Template, TemplateValue

_MADE_AFTER = frozenset({"value", "tags", "metadata"})
"""Keys of a publication that may refer to what the step has made."""


def is_made_after(path: Sequence[str | int]) -> bool:
    """Whether the text at `path` of a step belongs to a publication and is made when the step has ended."""
    keys = [key for key in path[:3] if isinstance(key, str)]
    return keys[:1] == ["publish"] and len(keys) > 1 and keys[1] in _MADE_AFTER


class Retention(Model):
    """Which versions of an artifact stay. The newest, and what has a tag, always do."""

    versions: int | None = Field(default=None, ge=1, le=100_000)
    """How many versions stay; older ones go. Absent: however many there are."""
    age: Duration | None = None
    """Versions go when they are older. Absent: however old they are."""


class Publication(Model):
    """A file, a folder or a value, given to all as a new version of an artifact; it never changes afterwards."""

    name: Template = Field(min_length=1)
    """What it is called, for everybody who uses the same store: letters, digits, `.`, `_`, `-`, `/`."""
    path: Template | None = None
    """A file or a folder of the workspace, as it is when the step has ended."""
    value: TemplateValue = None
    """In place of `path`: any value. A file value gives that file, a text a text file, anything else JSON."""
    tags: list[Template] = Field(default=[], max_length=20)
    """Tags that stand at this version from now on; `latest` is the newest version without saying so."""
    media_type: Template | None = None
    """What kind of content it is, as `application/xml`. Absent: from the file's name."""
    metadata: dict[str, TemplateValue] = {}
    """Facts that are kept with the version, for people and for those who fetch it."""
    retention: Retention | None = None
    """Which versions of this name stay. Absent: all of them."""


class Fetch(Model):
    """An artifact that somebody published: which version, and where it shall lie."""

    name: Template = Field(min_length=1)
    """What it is called; `NAME@VERSION` or `NAME@TAG` says at once which one (an input of type `artifact` does)."""
    version: int | Template | None = None
    """The version, by its number. Absent: the newest, or that of `tag`."""
    tag: Template | None = None
    """The version that a tag stands at."""
    path: Template | None = None
    """Where it is laid in the workspace before the step runs, in place of what is there. Absent, on an `artifact`
    step: nowhere; its output `file` stands for it."""
    optional: bool = False
    """Whether the step goes on without it where there is no such version."""
