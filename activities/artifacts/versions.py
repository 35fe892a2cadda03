"""Versions of artifacts: immutable records, counted from 1, with where they come from.

A number belongs to the first who creates the record. A publication notes each number before it tries to take it, so
that whoever repeats it after a crash finds the version that it made, and makes no second one.
"""

from datetime import datetime
from typing import Literal
from urllib.parse import unquote

from pydantic import JsonValue, ValidationError

from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.keys import encode_name
from definitions.artifact_names import ArtifactReference
from definitions.errors import ErrorClass, StepFailure
from definitions.records import Record, SharedArtifact

ROOT = "artifacts"
MOST_TRIES = 1000
"""Numbers that one publication tries while others take them."""
_DIGITS = 9
_PARTS = 4
"""Of a version's key."""


class RetentionRule(Record):
    """Which versions of a name stay; that of the newest version counts."""

    versions: int | None = None
    age_seconds: float | None = None


class Provenance(Record):
    """Where a version comes from."""

    execution_id: str | None = None
    definition_id: str | None = None
    definition_digest: str | None = None
    step: str | None = None
    attempt: int | None = None
    starter: str | None = None
    cache_key: str | None = None
    """Of the step that made it, where that is cached."""
    cached: bool = False
    """Whether the step's result was taken from the cache."""
    tree: str | None = None
    """The workspace that the step began with."""
    inputs: dict[str, JsonValue] = {}
    """The run's inputs that the step reads."""
    fetched: list[str] = []
    """The versions that the step fetched, as `name@version`."""


class ArtifactVersion(Record):
    """One version of an artifact."""

    schema_version: int = 1
    name: str
    version: int
    kind: Literal["file", "folder"] = "file"
    digest: str
    """Of a file its content's, of a folder that of its tree's manifest."""
    size: int
    files: int = 1
    file_name: str
    """What it was called where it was made; what it is called where it is laid without another name."""
    executable: bool = False
    media_type: str
    metadata: dict[str, JsonValue] = {}
    retention: RetentionRule | None = None
    published_at: datetime
    published_by: Provenance = Provenance()
    publication: str
    """What makes a repetition known: the digest of who publishes what."""

    @property
    def shown(self) -> str:
        """`name@version`; of a draft the name alone."""
        return f"{self.name}@{self.version}" if self.version else self.name

    def shared(self, path: str | None = None) -> SharedArtifact:
        """Return what a run's records say of it."""
        return SharedArtifact(
            name=self.name,
            version=self.version,
            digest=self.digest,
            kind=self.kind,
            size=self.size,
            media_type=self.media_type,
            path=path,
        )


def artifact_key(name: str, *parts: str) -> str:
    """Return the key of one of an artifact's records or documents; without parts, the prefix of all of them."""
    return "/".join((ROOT, encode_name(name), *parts)) + ("" if parts else "/")


def publish_version(store: Store, draft: ArtifactVersion) -> ArtifactVersion:
    """Give a draft the next number and keep it; of a publication that is repeated, return what it made before.

    The content must be in the store. Blocks. Raises `StoreError`, `StepFailure`.
    """
    made = _made_before(store, draft)
    if made is not None:
        return made
    who = digest_of(draft.publication.encode())[:32]
    number = 1 + max((*version_numbers(store, draft.name), *deleted_numbers(store, draft.name)), default=0)
    for candidate in range(number, number + MOST_TRIES):
        store.create_record(artifact_key(draft.name, "publications", who, _digits(candidate)), b"{}")
        version = draft.model_copy(update={"version": candidate})
        key = artifact_key(draft.name, "versions", _digits(candidate))
        if store.create_record(key, version.model_dump_json(exclude_defaults=True).encode()):
            return version
    message = f"`{draft.name}` is published by so many at once that {MOST_TRIES} numbers were taken; try again"
    raise StepFailure(ErrorClass.ARTIFACT, message)


def find_version(store: Store, reference: ArtifactReference, tag_version: int | None = None) -> ArtifactVersion | None:
    """Return the version that a reference means, None where there is none. `tag_version`: where its tag stands."""
    if reference.tag is not None:
        return None if tag_version is None else read_version(store, reference.name, tag_version)
    if reference.version is not None:
        return read_version(store, reference.name, reference.version)
    for number in reversed(version_numbers(store, reference.name)):
        version = read_version(store, reference.name, number)
        if version is not None:
            return version
    return None


def read_version(store: Store, name: str, number: int) -> ArtifactVersion | None:
    """Return a version, None where there is none. Raises `StepFailure` where its record is damaged."""
    content = store.read_record(artifact_key(name, "versions", _digits(number)))
    if content is None:
        return None
    try:
        version = ArtifactVersion.model_validate_json(content)
    except ValidationError as error:
        version, why = None, f": {error.error_count()} fields are wrong"
    else:
        why = ""
    if version is None or (version.name, version.version) != (name, number):
        message = f"the record of the artifact `{name}@{number}` is damaged{why}"
        way_out = f"delete it (`perdure artifacts delete {name}@{number}`) and publish again"
        raise StepFailure(ErrorClass.ARTIFACT, f"{message}; {way_out}", {"name": name, "version": number})
    return version


def version_numbers(store: Store, name: str) -> list[int]:
    """Return the numbers of the versions that there are, in order."""
    return _numbers(store, artifact_key(name, "versions", ""))


def deleted_numbers(store: Store, name: str) -> list[int]:
    """Return the numbers that are never given again."""
    return _numbers(store, artifact_key(name, "deleted", ""))


def artifact_names(store: Store) -> list[str]:
    """Return the names of all artifacts that have a version, in order."""
    parts = (key.split("/") for key in store.list_keys(f"{ROOT}/"))
    return sorted({unquote(part[1]) for part in parts if len(part) == _PARTS and part[2] == "versions"})


def delete_version(store: Store, name: str, number: int) -> bool:
    """Delete a version; its number is not given again. False where there is none.

    First the note that it is gone, then the record: a version that is half deleted is there still.
    """
    key = artifact_key(name, "versions", _digits(number))
    if store.read_record(key) is None:
        return False
    store.create_record(artifact_key(name, "deleted", _digits(number)), b"{}")
    store.delete_record(key)
    return True


def _made_before(store: Store, draft: ArtifactVersion) -> ArtifactVersion | None:
    """Return the version that an earlier try of the same publication made."""
    who = digest_of(draft.publication.encode())[:32]
    for number in _numbers(store, artifact_key(draft.name, "publications", who, "")):
        version = read_version(store, draft.name, number)
        if version is not None and version.publication == draft.publication:
            return version
    return None


def _numbers(store: Store, prefix: str) -> list[int]:
    names = (key.rpartition("/")[2] for key in store.list_keys(prefix))
    return sorted(int(name) for name in names if name.isdecimal())


def _digits(number: int) -> str:
    return f"{number:0{_DIGITS}d}"
