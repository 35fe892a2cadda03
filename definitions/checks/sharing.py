"""`publish` and `fetch`: one source, one version, names that artifacts can have.

Whether anybody publishes what is fetched is looked for where other definitions are (`definitions.publishers`).
"""

from collections.abc import Iterator

from definitions.artifact_names import MEDIA_TYPE_PATTERN, name_fault, parse_reference, tag_fault, version_of
from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.inputs import is_inside_workspace
from definitions.nodes import Path
from definitions.steps import ArtifactStep
from definitions.steps.sharing import Fetch, Publication
from definitions.templates import OPENING


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong with publications and fetches, and the warning `published-before-accepted`."""
    for placed in context.placed:
        if isinstance(placed.step, ArtifactStep):
            yield from _artifact_step(context, placed)
        for path, publication in _publications(placed):
            if not context.is_mended_below(path):
                yield from _publication(context, publication, path)
        for path, fetch in fetches(placed):
            if not context.is_mended_below(path):
                yield from _fetch(context, placed, fetch, path)
        yield from _accepted_later(context, placed)


def _publications(placed: Placed) -> Iterator[tuple[Path, Publication]]:
    path = (*placed.path, "publish")
    is_list = isinstance(placed.step.publish, list)
    for index, publication in enumerate(placed.step.publications):
        yield (*path, index) if is_list else path, publication


def fetches(placed: Placed) -> Iterator[tuple[Path, Fetch]]:
    """Yield what a step fetches, each with its place."""
    path = (*placed.path, "fetch")
    is_list = isinstance(placed.step.fetch, list)
    for index, fetch in enumerate(placed.step.fetches):
        yield (*path, index) if is_list else path, fetch


def _artifact_step(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step, path = placed.step, placed.path
    if context.is_mended_below((*path, "publish")) or context.is_mended_below((*path, "fetch")):
        return
    if step.publish is None and step.fetch is None:
        message = f"the artifact step `{step.id}` neither publishes nor fetches anything"
        yield context.report("missing-key", message, context.span((*path, "type")), "add `publish:` or `fetch:`")
    if step.publish is not None and step.fetch is not None:
        message = "an artifact step does one thing, and `publish` is there already"
        help_ = "put the other one into a step of its own"
        yield context.report("conflicting-keys", message, context.key_span((*path, "fetch")), help_)
    for key, given in (("publish", step.publish), ("fetch", step.fetch)):
        if isinstance(given, list):
            message = f"`{key}` of an artifact step is one artifact, not a list"
            help_ = "write a step for each, or the list at the step that makes or needs them"
            yield context.report("invalid-value", message, context.span((*path, key)), help_)


def _publication(context: Context, publication: Publication, path: Path) -> Iterator[Diagnostic]:
    has_value = "value" in publication.model_fields_set
    if publication.path is None and not has_value:
        message = f"it is not said what `{publication.name}` is"
        yield context.report("missing-key", message, context.span((*path, "name")), "add `path:` or `value:`")
    if publication.path is not None and has_value:
        message = "`path` says already what is published"
        yield context.report("conflicting-keys", message, context.key_span((*path, "value")), "keep one of them")
    yield from _name(context, publication.name, (*path, "name"))
    for index, tag in enumerate(publication.tags):
        fault = None if OPENING in tag else tag_fault(tag)
        if fault is not None:
            yield context.report("invalid-value", fault, context.span((*path, "tags", index)))
    kind = publication.media_type
    if kind is not None and OPENING not in kind and not MEDIA_TYPE_PATTERN.fullmatch(kind):
        message = f"`{kind[:100]}` is no media type"
        span = context.span((*path, "media_type"))
        yield context.report("invalid-value", message, span, "write it like `text/plain` or `application/json`")
    yield from _inside(context, publication.path, (*path, "path"))


def _fetch(context: Context, placed: Placed, fetch: Fetch, path: Path) -> Iterator[Diagnostic]:
    if fetch.version is None and fetch.tag is None and "@" in fetch.name and OPENING not in fetch.name:
        yield from _whole_name(context, fetch.name, (*path, "name"))
    else:
        yield from _name(context, fetch.name, (*path, "name"))
    if fetch.version is not None and fetch.tag is not None:
        message = "`version` says already which one is fetched"
        yield context.report("conflicting-keys", message, context.key_span((*path, "tag")), "keep one of them")
    if fetch.tag is not None and OPENING not in fetch.tag and fetch.tag != "latest":
        fault = tag_fault(fetch.tag)
        if fault is not None:
            yield context.report("invalid-value", fault, context.span((*path, "tag")))
    if fetch.version is not None and OPENING not in str(fetch.version):
        try:
            version_of(str(fetch.version))
        except ValueError as error:
            yield context.report("invalid-value", str(error), context.span((*path, "version")))
    if fetch.path is None and not isinstance(placed.step, ArtifactStep):
        message = f"it is not said where `{fetch.name}` shall lie in the workspace"
        yield context.report("missing-key", message, context.span((*path, "name")), "add `path:`")
    if fetch.path is not None and context.definition.workspace.source == "none":
        message = "the definition has no workspace into which anything could be laid"
        help_ = "leave `path` out and read the output `file` of an `artifact` step, or write `workspace: {from: empty}`"
        yield context.report("invalid-value", message, context.span((*path, "path")), help_)
    yield from _inside(context, fetch.path, (*path, "path"))


def _whole_name(context: Context, name: str, path: Path) -> Iterator[Diagnostic]:
    try:
        parse_reference(name)
    except ValueError as error:
        yield context.report("invalid-value", str(error), context.span(path))


def _name(context: Context, name: str, path: Path) -> Iterator[Diagnostic]:
    fault = None if OPENING in name else name_fault(name)
    if fault is not None:
        yield context.report("invalid-value", fault, context.span(path))


def _inside(context: Context, text: str | None, path: Path) -> Iterator[Diagnostic]:
    if text is not None and OPENING not in text and not is_inside_workspace(text):
        message = f"the path `{text}` leads out of the workspace"
        help_ = "write it relative to the workspace's top folder"
        yield context.report("path-escapes", message, context.span(path), help_)


def _accepted_later(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    if placed.step.accept is None or placed.step.publish is None or context.is_broken((*placed.path, "publish")):
        return
    message = "this is published before anybody accepts it"
    help_ = "publish it in an `artifact` step after this one"
    span = context.key_span((*placed.path, "publish"))
    yield context.report("published-before-accepted", message, span, help_, severity="warning")
