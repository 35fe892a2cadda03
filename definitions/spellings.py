"""Older spellings of the main language, brought into today's before anything is checked.

    name: Raise coverage                     gives `id: raise-coverage` where there is none; `id` alone gives `name`
    type: claude_code                        `type: agent` with `provider: claude-code`; so `codex`, `gemini`, `grok`
    x-anything: …                            dropped, wherever the language itself gives the keys

The others need no change of shape: `inputs` as a list, `cache_key`, `use_cache`, `outputs` that name files,
`{{ }}` inside a condition, `build.outputs.x` for `steps.build.outputs.x` are part of the models and of the
expression language.

A value made here stands where the author wrote what it was made from, so that findings point there.
"""

import re

from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, text_at

PROVIDER_TYPES = {
    "claude_code": "claude-code",
    "claude-code": "claude-code",
    "codex": "codex",
    "gemini": "gemini",
    "grok": "grok",
}
_FREE_FORM = frozenset({"metadata", "default", "values", "show", "output_schema", "enum", "value", "inputs"})
_DECLARATIONS = frozenset({"inputs", "outputs"})
_LONGEST_ID = 100


def normalise(root: Mapping) -> None:
    """Change the tree of a definition in place."""
    _identify(root)
    _drop_extensions(root, is_top=True)
    for step in steps_of(root):
        _provider_type(step)
        _undo_in_place(step)


def steps_of(node: Mapping) -> list[Mapping]:
    """Return the steps of a definition or group at any depth, outer ones first."""
    found: list[Mapping] = []
    waiting: list[Node | None] = [node.get("steps")]
    while waiting:
        steps = waiting.pop(0)
        if not isinstance(steps, Sequence):
            continue
        for step in steps.items:
            if isinstance(step, Mapping):
                found.append(step)
                waiting.append(step.get("steps"))
                undo = step.get("compensate")
                if isinstance(undo, Mapping):
                    waiting.append(undo.get("steps") or Sequence([undo], undo.span))
    return found


def slug(name: str) -> str:
    """Return the URL-safe id that `name` gives; empty where nothing of it is left."""
    words = re.sub(r"[^a-z0-9_]+", "-", name.lower())
    return words.strip("-_")[:_LONGEST_ID]


def _identify(root: Mapping) -> None:
    name, given = text_at(root, "name"), text_at(root, "id")
    if "id" not in root.entries and name is not None and slug(name):
        entry = root.entries["name"]
        root.entries["id"] = Entry(entry.key, _like(entry.value, slug(name)))
    if "name" not in root.entries and given is not None:
        entry = root.entries["id"]
        root.entries["name"] = Entry(entry.key, _like(entry.value, given))


def _provider_type(step: Mapping) -> None:
    kind = text_at(step, "type")
    if kind not in PROVIDER_TYPES:
        return
    entry = step.entries["type"]
    step.entries["type"] = Entry(entry.key, _like(entry.value, "agent"))
    step.entries.setdefault("provider", Entry(entry.key, _like(entry.value, PROVIDER_TYPES[kind])))


def _undo_in_place(step: Mapping) -> None:
    """`compensate` with a single step in place becomes a list of one; without an id it is called `undo_ID`."""
    compensation = step.get("compensate")
    if not isinstance(compensation, Mapping) or "steps" in compensation.entries:
        return
    inner = dict(compensation.entries)
    entry = step.entries["compensate"]
    name = text_at(step, "id")
    if "id" not in inner and name is not None:
        inner = {"id": Entry(entry.key, _like(entry.key, f"undo_{name}")), **inner}
    steps = Sequence([Mapping(inner, compensation.span, compensation.is_flow)], compensation.span)
    compensation.entries = {"steps": Entry(entry.key, steps)}


def _drop_extensions(node: Node, *, is_top: bool = False, holds_names: bool = False) -> None:
    """Drop keys `x-…`. Where a mapping holds names that the author gives, none of them means free form."""
    if isinstance(node, Sequence):
        for item in node.items:
            _drop_extensions(item)
        return
    if not isinstance(node, Mapping):
        return
    for key in [key for key in node.entries if key.startswith("x-")]:
        del node.entries[key]
    for key, entry in node.entries.items():
        if is_top and key in _DECLARATIONS:
            _drop_extensions(entry.value, holds_names=True)
        elif holds_names or key not in _FREE_FORM:
            _drop_extensions(entry.value)


def _like(node: Node, text: str) -> Scalar:
    """Return a text that stands where `node` stands."""
    style = node.style if isinstance(node, Scalar) else "plain"
    return Scalar(text, text, style, node.span)
