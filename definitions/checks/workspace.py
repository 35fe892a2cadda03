"""The files that a run starts with: one source, an address without secrets, folders to link that are inside."""

import re
from collections.abc import Iterator

from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic
from definitions.inputs import is_inside_workspace
from definitions.nodes import Path
from definitions.templates import OPENING

_PASSWORD = re.compile(r"^[a-z+]+://[^/@]*:[^/@]+@|^https?://[^/@]+@", re.IGNORECASE)


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `conflicting-keys`, `key-without-effect`, `path-escapes`, `duplicate-item` and `invalid-value`."""
    yield from _source(context)
    yield from _address(context)
    yield from _links(context)


def has_password(url: str) -> bool:
    """Whether an address carries a password or token: it would stand in the run's history."""
    return _PASSWORD.match(url) is not None


def _source(context: Context) -> Iterator[Diagnostic]:
    workspace = context.definition.workspace
    if workspace.git is not None and "source" in workspace.model_fields_set:
        message = f"`from: {workspace.source}` and `git` name two sources for the files"
        yield context.report("conflicting-keys", message, context.key_span(("workspace", "git")), "keep one of them")
    elif workspace.link and not workspace.takes_tree:
        message = "`link` does nothing here: the files do not come from a folder of the caller's"
        span = context.key_span(("workspace", "link"))
        yield context.report("key-without-effect", message, span, "leave it out", severity="warning")


def _address(context: Context) -> Iterator[Diagnostic]:
    git = context.definition.workspace.git
    if git is None:
        return
    for key, text in (("url", git.url), ("ref", git.ref)):
        path = ("workspace", "git", key)
        if context.is_broken(path):
            continue
        if not text.strip() or text.startswith("-"):
            message = f"`{key}` must not " + ("begin with `-`" if text.strip() else "be empty")
            yield context.report("invalid-value", message, context.span(path))
    if not context.is_broken(("workspace", "git", "url")) and has_password(git.url):
        message = "the address carries a password, which would stand in the run's history"
        help_ = "leave it out: the worker's git asks its own credential helpers"
        yield context.report("invalid-value", message, context.span(("workspace", "git", "url")), help_)


def _links(context: Context) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, link in enumerate(context.definition.workspace.link):
        path: Path = ("workspace", "link", index)
        if context.is_broken(path):
            continue
        name = link.rstrip("/")
        if OPENING in link or set(link) & set("*?["):
            message = f"`{link}` is not the path of one folder"
            yield context.report("invalid-value", message, context.span(path), "write each folder out")
        elif not is_inside_workspace(link) or {"", ".", "..", ".git"} & set(name.split("/")):
            message = f"`{link}` is not the path of a folder inside the workspace"
            help_ = "write it relative to the workspace's top folder"
            yield context.report("path-escapes", message, context.span(path), help_)
        elif any(name == other or name.startswith(f"{other}/") or other.startswith(f"{name}/") for other in seen):
            message = f"`{link}` is the same as another folder of `link`, or lies inside one"
            yield context.report("duplicate-item", message, context.span(path), "keep one", severity="warning")
        seen.add(name)
