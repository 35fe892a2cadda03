"""Tags: names that stand at a version of an artifact, and move.

Whoever moves one says where it stood, so that of two who move it at once the second sees what the first did. A
publication moves a tag forward only: repeated late, it does not take back what a newer version has.
"""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import unquote

from pydantic import ValidationError

from activities.artifacts.versions import artifact_key
from activities.store.interface import Store
from activities.store.keys import encode_name
from definitions.errors import ErrorClass, StepFailure
from definitions.records import Record

MOST_TRIES = 100


class Tag(Record):
    """Where a tag stands. `version` 0: nowhere any more."""

    version: int
    moved_at: datetime
    moved_by: str | None = None
    """A run and its step, or a person."""
    before: int | None = None
    """Where it stood before."""


def read_tag(store: Store, name: str, tag: str) -> Tag | None:
    """Return where a tag stands, None where it does not."""
    return _parsed(store.read_document(_key(name, tag)), name, tag)


def tags_of(store: Store, name: str) -> Iterator[tuple[str, Tag]]:
    """Yield the tags of an artifact; one whose document is damaged is left out."""
    for key in store.list_keys(artifact_key(name, "tags", "")):
        tag = unquote(key.rpartition("/")[2])
        try:
            found = read_tag(store, name, tag)
        except StepFailure:
            continue
        if found is not None:
            yield tag, found


def set_tag(
    store: Store, name: str, tag: str, version: int, *, now: datetime, by: str | None, is_forward: bool = False
) -> Tag | None:
    """Have a tag stand at a version; return where it stood. Blocks. Raises `StoreError`, `StepFailure`.

    `is_forward`: not where it stands at a newer version already.
    """
    for _ in range(MOST_TRIES):
        written = store.read_document(_key(name, tag))
        try:
            stood = _parsed(written, name, tag)
        except StepFailure:
            stood = None  # a damaged one is replaced
        if stood is not None and (stood.version == version or (is_forward and stood.version > version)):
            return stood
        moved = Tag(version=version, moved_at=now, moved_by=by, before=None if stood is None else stood.version)
        if store.swap_document(_key(name, tag), written, moved.model_dump_json(exclude_none=True).encode()):
            return stood
    message = f"the tag `{tag}` of `{name}` is moved by so many at once that it could not be set; try again"
    raise StepFailure(ErrorClass.ARTIFACT, message)


def remove_tag(store: Store, name: str, tag: str, *, now: datetime, by: str | None) -> Tag | None:
    """Have a tag stand nowhere; return where it stood, None where it stood nowhere."""
    stood = read_tag(store, name, tag)
    if stood is None:
        return None
    return set_tag(store, name, tag, 0, now=now, by=by)


def _key(name: str, tag: str) -> str:
    return artifact_key(name, "tags", encode_name(tag))


def _parsed(written: bytes | None, name: str, tag: str) -> Tag | None:
    if written is None:
        return None
    try:
        found = Tag.model_validate_json(written)
    except ValidationError as error:
        message = f"the tag `{tag}` of `{name}` is damaged; set it again with `perdure artifacts tag {name}@N {tag}`"
        raise StepFailure(ErrorClass.ARTIFACT, message) from error
    return None if found.version == 0 else found
