"""What `perdure artifacts` lists: names, the versions of one, all facts of one, and what a run kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from client.messages import amount_words, artifact_words
from client.output import Problem, write_table
from definitions.errors import StepFailure

if TYPE_CHECKING:
    from activities.artifacts.versions import ArtifactVersion
    from activities.store.interface import Store


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows for a person."""

    heads: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])


def names_table(store: Store) -> tuple[list[Any], Table]:
    """Return each artifact with its newest version."""
    from activities.artifacts.versions import artifact_names, version_numbers

    found: list[Any] = []
    table = Table(("NAME", "NEWEST", "SIZE", "PUBLISHED", "BY", "TAGS"))
    for name in artifact_names(store):
        numbers = version_numbers(store, name)
        tags = _tags(store, name)
        newest, damage = _read(store, name, numbers[-1])
        facts = {"damaged": damage} if newest is None else _facts(newest)
        found.append({"name": name, "versions": len(numbers), "tags": tags, "newest": facts})
        shown = ", ".join(f"{tag}={number}" for tag, number in tags.items())
        table.rows.append((name, str(numbers[-1]), *_columns(newest), shown))
    return found, table


def versions_table(store: Store, name: str) -> tuple[list[Any], Table]:
    """Return the versions of an artifact, the newest first."""
    from activities.artifacts.versions import version_numbers

    tags = _tags(store, name)
    found: list[Any] = []
    table = Table(("VERSION", "SIZE", "PUBLISHED", "BY", "TAGS"))
    for number in reversed(version_numbers(store, name)):
        version, damage = _read(store, name, number)
        its = [tag for tag, stands in tags.items() if stands == number]
        facts = {"name": name, "version": number, "damaged": damage} if version is None else _facts(version)
        found.append({**facts, "tags": its})
        table.rows.append((str(number), *_columns(version), ", ".join(its)))
    return found, table


def one_version(store: Store, version: ArtifactVersion) -> tuple[dict[str, Any], Table]:
    """Return all that is known of a version."""
    tags = [tag for tag, stands in _tags(store, version.name).items() if stands == version.version]
    facts: dict[str, Any] = {**_facts(version), "tags": tags}
    origin: dict[str, Any] = facts["published_by"]
    told: dict[str, Any] = {name: value for name, value in facts.items() if name != "published_by"}
    told |= {f"published_by.{name}": value for name, value in origin.items()}
    rows = [(name, _shown(value)) for name, value in told.items() if value not in (None, [], {})]
    return facts, Table(("FACT", ""), rows)


def of_run(execution_id: str, profile: str | None) -> list[dict[str, Any]]:
    """Return what a run kept and published."""
    from client.recorded import status_and_store

    status, _ = status_and_store(execution_id, profile)
    return list(status.artifacts)


def run_table(kept: list[dict[str, Any]]) -> None:
    """Write what a run kept, for a person."""
    rows: list[tuple[str, ...]] = []
    for one in kept:
        file: dict[str, Any] = one.get("file") or one
        version = one.get("version")
        name = one["name"] if version is None else f"{one['name']}@{version}"
        rows.append((str(name), str(one.get("step") or ""), amount_words.size(int(file.get("size") or 0))))
    write_table(("NAME", "STEP", "SIZE"), rows)


def kept_as_version(execution_id: str, name: str, step: str | None, profile: str | None) -> ArtifactVersion:
    """Return what a run kept under a name, as a version that can be got. Raises `Problem`."""
    from activities.artifacts.content import content_of_value
    from activities.artifacts.versions import ArtifactVersion
    from client.recorded import status_and_store

    status, store = status_and_store(execution_id, profile)
    of_name = [one for one in status.artifacts if one.get("name") == name and "file" in one]
    found = [one for one in of_name if step is None or one.get("step") == step]
    if not found:
        raise Problem(
            artifact_words.unknown_run_artifact(execution_id, name),
            slug="unknown-artifact",
            remedy=f"`perdure artifacts list --run {execution_id}` shows what there is",
        )
    if len({str(one["file"]) for one in found}) > 1:
        steps = [str(one.get("step")) for one in found]
        remedy = f"say which with `--step`: {', '.join(f'`{one}`' for one in steps)}"
        raise Problem(artifact_words.several_run_artifacts(name, steps), slug="ambiguous-artifact", remedy=remedy)
    content = content_of_value(store, found[-1]["file"], name)
    return ArtifactVersion(
        name=name,
        version=0,
        kind=content.kind,
        digest=content.digest,
        size=content.size,
        files=content.files,
        file_name=content.file_name,
        media_type=content.media_type,
        published_at=status.created_at or datetime.now(UTC),
        publication="",
    )


def _read(store: Store, name: str, number: int) -> tuple[ArtifactVersion | None, str | None]:
    """Return a version, or what is wrong with its record."""
    from activities.artifacts.versions import read_version

    try:
        return read_version(store, name, number), None
    except StepFailure as failure:
        return None, failure.message


def _tags(store: Store, name: str) -> dict[str, int]:
    from activities.artifacts.tags import tags_of

    return {tag: stands.version for tag, stands in tags_of(store, name)}


def _facts(version: ArtifactVersion) -> dict[str, Any]:
    return version.model_dump(mode="json", exclude={"publication", "schema_version"}, exclude_none=True)


def _columns(version: ArtifactVersion | None) -> tuple[str, str, str]:
    if version is None:
        return ("?", "its record is damaged", "")
    by = version.published_by
    who = by.execution_id or "?" if by.step is None else f"{by.execution_id} {by.step}"
    size = amount_words.size(version.size)
    shown = size if version.kind == "file" else amount_words.folder_size(size, version.files)
    return (shown, f"{version.published_at:%Y-%m-%d %H:%M}", who)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
