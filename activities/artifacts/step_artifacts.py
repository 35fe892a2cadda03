"""`fetch` and `publish` of a step: before it runs, its artifacts are found; when it has ended, its own appear.

What is fetched is fixed for the attempt: its versions are part of the cache key, and go into the run's records with
the result. What is published appears once the step's result is there, whether it ran or came from the cache; repeated
after a crash, with the same content, it is the same version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from activities.artifacts.content import Content, content_at, content_of_value, digests_of, laid_into
from activities.artifacts.retention import prune
from activities.artifacts.tags import read_tag, set_tag
from activities.artifacts.versions import (
    ArtifactVersion,
    Provenance,
    RetentionRule,
    find_version,
    publish_version,
    read_version,
)
from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import Store
from activities.workspace.manifest import Manifest
from definitions.artifact_names import (
    MEDIA_TYPE_PATTERN,
    ArtifactReference,
    name_fault,
    parse_reference,
    reference_of,
    tag_fault,
)
from definitions.errors import ErrorClass, StepFailure
from definitions.evaluation import Evaluation
from definitions.expressions import FileReader
from definitions.records import RunContext, StepCall, StepResult
from definitions.steps import Step
from definitions.steps.sharing import Fetch, Publication
from definitions.stored_values import is_file_reference, json_size
from definitions.templates import render_value, to_text

METADATA_LIMIT = 16_384
"""Bytes of the facts beside a version."""
_INPUTS_LIMIT = 16_384
_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a step's fetches gave, and the tree that it begins with then."""

    versions: list[ArtifactVersion]
    manifest: Manifest


def resolve(store: Store, reference: ArtifactReference) -> ArtifactVersion | None:
    """Return the version that a reference means, None where there is none. Blocks."""
    if reference.tag is None:
        return find_version(store, reference)
    tag = read_tag(store, reference.name, reference.tag)
    return find_version(store, reference, None if tag is None else tag.version)


def fetch_for(store: Store, step: Step, call: StepCall, files: FileReader, manifest: Manifest) -> Fetched:
    """Return what a step fetches, and the tree with it in it. Blocks.

    Raises:
        StepFailure: there is no such artifact, or it cannot lie there (class `artifact`).
        ExpressionError: a template cannot be evaluated.
    """
    versions: list[ArtifactVersion] = []
    for written in step.fetches:
        fetch = _rendered_fetch(written, call.values, files)
        version = _found(store, fetch)
        if version is None:
            continue
        versions.append(version)
        if fetch.path is not None:
            if call.tree is None:
                message = f"artifact `{version.shown}`: the run has no workspace, so nothing can be laid at a path"
                raise StepFailure(ErrorClass.ARTIFACT, message, {"path": fetch.path})
            manifest = laid_into(store, manifest, version, fetch.path)
    return Fetched(versions, manifest)


def publish_for(
    store: Store,
    step: Step,
    call: StepCall,
    context: RunContext,
    result: StepResult,
    manifest: Manifest | None,
    files: FileReader,
    fetched: list[ArtifactVersion],
) -> list[ArtifactVersion]:
    """Publish what a step that has ended publishes; all contents first. Blocks.

    Args:
        store: Where it goes.
        step: The step, rendered but for what its result is needed for.
        call: The attempt.
        context: The run.
        result: What the step made.
        manifest: The tree after it; None where the run has no workspace.
        files: Reads files of that tree.
        fetched: What the step itself fetched.

    Raises:
        StepFailure: something cannot be published.
        ExpressionError: a template cannot be evaluated on the result.
    """
    scope = _own_scope(step, call, result)
    now = datetime.now(UTC)
    drafts: list[tuple[ArtifactVersion, list[str]]] = []
    for index, publication in enumerate(step.publications):
        content = _content(store, publication, scope, files, manifest)
        draft = _draft(publication, content, scope, files, now).model_copy(
            update={
                "published_by": _provenance(call, context, result, fetched),
                "publication": _publication_id(call, index, publication.name, content),
            }
        )
        drafts.append((draft, _tags(publication, scope, files)))
    return [_publish(store, draft, tags, f"{call.run.execution_id} {call.path}") for draft, tags in drafts]


def facts_of(version: ArtifactVersion, file: JsonValue) -> dict[str, JsonValue]:
    """Return the outputs of an `artifact` step."""
    return {
        "name": version.name,
        "version": version.version,
        "kind": version.kind,
        "digest": version.digest,
        "size": version.size,
        "media_type": version.media_type,
        "metadata": version.metadata,
        "file": file,
    }


# --- fetching ---------------------------------------------------------------------------------------


def _rendered_fetch(fetch: Fetch, scope: Mapping[str, JsonValue], files: FileReader) -> Fetch:
    def text(written: str | int | None) -> str | None:
        return None if written is None else to_text(render_value(written, scope, files))

    return fetch.model_copy(
        update={
            "name": text(fetch.name),
            "version": text(fetch.version),
            "tag": text(fetch.tag),
            "path": text(fetch.path),
        }
    )


def _found(store: Store, fetch: Fetch) -> ArtifactVersion | None:
    try:
        version = None if fetch.version is None else str(fetch.version)
        is_whole = version is None and fetch.tag is None
        reference = parse_reference(fetch.name) if is_whole else reference_of(fetch.name, version, fetch.tag)
    except ValueError as error:
        raise StepFailure(ErrorClass.ARTIFACT, str(error), {"name": fetch.name}) from error
    found = resolve(store, reference)
    if found is None:
        if fetch.optional:
            return None
        raise StepFailure(ErrorClass.ARTIFACT, not_there(store, reference), {"artifact": str(reference)})
    gone = store.missing_blobs(digests_of(store, found))
    if gone:
        message = f"the content of the artifact `{found.shown}` is gone from the store `{store.location}`"
        raise StepFailure(ErrorClass.ARTIFACT, f"{message}; publish it again", {"missing": [*sorted(gone)[:10]]})
    return found


def not_there(store: Store, reference: ArtifactReference) -> str:
    """Say that there is no such artifact, version or tag."""
    newest = None
    if reference.version is not None or reference.tag is not None:
        newest = find_version(store, ArtifactReference(reference.name))
    if newest is None:
        return (
            f"no artifact is called `{reference.name}` in the store `{store.location}`; publish one first, or see "
            "`perdure artifacts list`"
        )
    if reference.version is not None:
        what = f"the artifact `{reference.name}` has no version {reference.version}"
    else:
        what = f"the artifact `{reference.name}` has no tag `{reference.tag}`"
    return f"{what}; the newest is {newest.version}, and `perdure artifacts list {reference.name}` shows all"


# --- publishing -------------------------------------------------------------------------------------


def _own_scope(step: Step, call: StepCall, result: StepResult) -> dict[str, JsonValue]:
    """Return the scope with the step's own result in it, artifacts too."""
    steps = call.values.get("steps")
    entry: dict[str, JsonValue] = {
        "outputs": dict(result.outputs),
        "artifacts": dict(result.artifacts),
        "status": "completed",
        "error": None,
        "cached": result.cached,
    }
    others = dict(steps) if isinstance(steps, dict) else {}
    return {**call.values, "steps": {**others, step.id: entry}, "result": dict(result.outputs)}


def _content(
    store: Store,
    publication: Publication,
    scope: Mapping[str, JsonValue],
    files: FileReader,
    manifest: Manifest | None,
) -> Content:
    what = f"artifact `{publication.name}`"
    fault = name_fault(publication.name)
    if fault is not None:
        raise StepFailure(ErrorClass.ARTIFACT, fault, {"name": publication.name[:200]})
    if publication.path is None:
        return content_of_value(store, render_value(publication.value, scope, files), publication.name)
    if manifest is None:
        message = f"{what}: the run has no workspace, so there is nothing at `{publication.path}`"
        raise StepFailure(ErrorClass.OUTPUT, message, {"path": publication.path})
    return content_at(store, manifest, publication.path, what)


def _draft(
    publication: Publication, content: Content, scope: Mapping[str, JsonValue], files: FileReader, now: datetime
) -> ArtifactVersion:
    whole = Evaluation(scope, files).resolve_whole(render_value(publication.metadata, scope, files))
    metadata = whole if isinstance(whole, dict) else {}
    if any(map(is_file_reference, metadata.values())):
        message = f"artifact `{publication.name}`: `metadata` holds a file; publish the file by itself"
        raise StepFailure(ErrorClass.ARTIFACT, message)
    if json_size(metadata) > METADATA_LIMIT:
        message = f"artifact `{publication.name}`: `metadata` is over {METADATA_LIMIT} bytes; publish it as a value"
        raise StepFailure(ErrorClass.ARTIFACT, message)
    media_type = publication.media_type or content.media_type
    if not MEDIA_TYPE_PATTERN.fullmatch(media_type):
        message = f"artifact `{publication.name}`: `{media_type[:100]}` is no media type"
        raise StepFailure(ErrorClass.ARTIFACT, message)
    rule = publication.retention
    age = None if rule is None or rule.age is None else rule.age.total_seconds()
    return ArtifactVersion(
        name=publication.name,
        version=0,
        kind=content.kind,
        digest=content.digest,
        size=content.size,
        files=content.files,
        file_name=content.file_name,
        executable=content.executable,
        media_type=media_type,
        metadata=metadata,
        retention=None if rule is None else RetentionRule(versions=rule.versions, age_seconds=age),
        published_at=now,
        publication="",
    )


def _tags(publication: Publication, scope: Mapping[str, JsonValue], files: FileReader) -> list[str]:
    tags = [to_text(render_value(tag, scope, files)) for tag in publication.tags]
    for tag in tags:
        fault = tag_fault(tag)
        if fault is not None:
            raise StepFailure(ErrorClass.ARTIFACT, f"artifact `{publication.name}`: {fault}", {"tag": tag[:200]})
    return tags


def _publish(store: Store, draft: ArtifactVersion, tags: list[str], by: str) -> ArtifactVersion:
    for _ in range(_MOST_TRIES):
        version = publish_version(store, draft)
        for tag in tags:
            set_tag(store, version.name, tag, version.version, now=draft.published_at, by=by, is_forward=True)
        if tags and read_version(store, version.name, version.version) is None:
            continue  # somebody's retention took it away in the moment before its tags protected it
        prune(store, version.name, draft.published_at)
        return version
    message = f"`{draft.name}` is deleted as fast as it is published; look at its `retention`"
    raise StepFailure(ErrorClass.ARTIFACT, message)


def _provenance(call: StepCall, context: RunContext, result: StepResult, fetched: list[ArtifactVersion]) -> Provenance:
    inputs = call.values.get("inputs")
    known = dict(inputs) if isinstance(inputs, dict) and json_size(inputs) <= _INPUTS_LIMIT else {}
    return Provenance(
        execution_id=call.run.execution_id,
        definition_id=call.run.definition_id,
        definition_digest=context.definition_digest,
        step=call.path,
        attempt=call.attempt,
        starter=context.starter,
        cache_key=result.cache_key,
        cached=result.cached,
        tree=call.tree,
        inputs=known,
        fetched=[version.shown for version in fetched],
    )


def _publication_id(call: StepCall, index: int, name: str, content: Content) -> str:
    """Return what two tries of one publication share, and nothing else does."""
    return digest_of(
        canonical_json(
            {
                "run": call.run.execution_id,
                "path": call.path,
                "index": index,
                "name": name,
                "content": [content.kind, content.digest, content.executable],
            }
        )
    )
