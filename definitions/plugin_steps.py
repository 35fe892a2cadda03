"""Steps of types that packages bring, made into the plain form that runs are frozen with.

    {id: a, type: http-get, url: …, timeout: 5s}
    {id: a, type: plugin, plugin: http-get, options: {url: …}, timeout: 5s}

The package's model is asked here, at load, and once more by the attempt, when templates are resolved: a value that
holds `{{ }}` can be anything until then. Values keep their places, so that findings point into the author's text.
"""

import json
from collections.abc import Iterator
from functools import cached_property

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from definitions.diagnostics import Diagnostic, Span
from definitions.nodes import Entry, Mapping, Node, Path, Scalar, Sequence, find, head, text_at, to_value
from definitions.plugins import STEP_KEYS, Plugin, PluginUnfit
from definitions.plugins import find as find_plugin
from definitions.plugins import names as plugin_names
from definitions.shape import STEP_BY_TYPE
from definitions.spellings import steps_of
from definitions.steps.plugin import PLUGIN_TYPE
from definitions.suggestions import did_you_mean, listed
from definitions.templates import OPENING

_MOST_FINDINGS = 20


def resolve(root: Mapping, file: str) -> list[Diagnostic]:
    """Bring the steps of packages' types into the plain form, in place; return what is wrong with them."""
    found: list[Diagnostic] = []
    packages = _Packages()
    for step in steps_of(root):
        kind = step.get("type")
        if isinstance(kind, Scalar) and isinstance(kind.value, str) and kind.value not in STEP_BY_TYPE:
            found += _resolve(step, kind, packages, file)
    return found


class _Packages:
    """What packages bring, asked once for a definition: to read what they all say takes 10 ms."""

    def __init__(self) -> None:
        self._known: dict[str, Plugin | PluginUnfit | None] = {}

    @cached_property
    def _names(self) -> frozenset[str]:
        return plugin_names()

    def find(self, name: str) -> Plugin | PluginUnfit | None:
        """Return a step type, what is wrong with it, or None where no package has it."""
        if name not in self._names:
            return None
        if name not in self._known:
            try:
                found = find_plugin(name)
            except PluginUnfit as unfit:
                found = unfit
            self._known[name] = found
        return self._known[name]


def _resolve(step: Mapping, kind: Scalar, packages: _Packages, file: str) -> list[Diagnostic]:
    is_plain = kind.value == PLUGIN_TYPE
    named = step.get("plugin") if is_plain else kind
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        return []  # the model of the plain form complains
    plugin = packages.find(named.value)
    if plugin is None:
        message = f"no installed package brings a step type `{named.value}`"
        unknown = Diagnostic("unknown-step-type", "error", message, file, head(named), help="install the package")
        return [unknown] if is_plain else []  # a type that nobody knows is said where types are checked
    if not is_plain:
        _make_plain(step, kind)
    if isinstance(plugin, PluginUnfit):
        return [Diagnostic(plugin.code, "error", plugin.message, file, head(named), help=plugin.help)]
    options = step.get("options") or Mapping({}, kind.span)
    return list(_check(plugin, step, options, file)) if isinstance(options, Mapping) else []


def _make_plain(step: Mapping, kind: Scalar) -> None:
    own = {key: entry for key, entry in step.entries.items() if key not in STEP_KEYS}
    entry = step.entries["type"]
    kept = {key: known for key, known in step.entries.items() if key in STEP_KEYS}
    kept["type"] = Entry(entry.key, Scalar(PLUGIN_TYPE, PLUGIN_TYPE, kind.style, kind.span))
    kept["plugin"] = Entry(entry.key, kind)
    if own:
        kept["options"] = Entry(entry.key, Mapping(own, step.span, step.is_flow))
    step.entries = kept


def _check(plugin: Plugin, step: Mapping, options: Mapping, file: str) -> Iterator[Diagnostic]:
    """Yield what the package's model says, in the words of the language."""
    owner = f"the {plugin.name} step `{text_at(step, 'id') or ''}`"
    anchor = head(step.entries["plugin"].value)
    model = plugin.kind.model
    known = [field.alias or name for name, field in model.model_fields.items()]
    unknown = [] if model.model_config.get("extra") == "allow" else [key for key in options.entries if key not in known]
    for key in unknown:
        help_ = did_you_mean(key, known) or (f"the keys here are {listed(known)}" if known else "it has no keys")
        message = f"no key is called `{key[:60]}` here"
        yield Diagnostic("unknown-key", "error", message, file, options.entries[key].key.span, help=help_)
    given = Mapping({key: one for key, one in options.entries.items() if key not in unknown}, options.span)
    try:
        complaints = _complaints(model, given)
    except Exception as error:  # a validator of the package's: whatever it raises, the reader learns of it
        message = f"the model of `{plugin.name}` (package `{plugin.package}`) failed: {type(error).__name__}: {error}"
        yield Diagnostic("plugin-failed", "error", message, file, anchor, help="mend or reinstall the package")
        return
    for complaint in complaints[:_MOST_FINDINGS]:
        yield _explained(complaint, given, owner, anchor, file)


def _complaints(model: type[BaseModel], options: Mapping) -> list[ErrorDetails]:
    """Return what the model says of values that are known now."""
    try:
        model.model_validate_json(json.dumps(to_value(options)), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        return [one for one in details if one["type"] == "missing" or not _is_open(_node(options, one["loc"]))]
    return []


def _explained(complaint: ErrorDetails, options: Mapping, owner: str, anchor: Span, file: str) -> Diagnostic:
    path = complaint["loc"]
    if complaint["type"] == "missing":
        span = anchor if len(path) == 1 else head(_node(options, path))
        key = ".".join(map(str, path))
        return Diagnostic("missing-key", "error", f"{owner} has no `{key}`", file, span, help=f"add `{path[-1]}:`")
    said = complaint["msg"]
    message = f"{said[:1].lower()}{said[1:]}"
    if not path:
        return Diagnostic("invalid-value", "error", f"{owner}: {message}", file, anchor)
    key = ".".join(str(part) for part in path)
    return Diagnostic("invalid-value", "error", f"`{key}`: {message}", file, head(_node(options, path)))


def _node(options: Mapping, path: Path) -> Node:
    return find(options, path).node


def _is_open(node: Node) -> bool:
    """Whether a value holds a template, so that only the run knows it."""
    match node:
        case Scalar():
            return isinstance(node.value, str) and OPENING in node.value
        case Sequence():
            return any(map(_is_open, node.items))
        case Mapping():
            return any(_is_open(entry.value) for entry in node.entries.values())
