"""Texts of a dialect in the main language's names.

    {{ input.x }}  {{ vars.x }}        inputs.x
    {{ steps.a.output.b }}             steps.a.outputs.b
    {{ stages.a.output.b }}            steps.a.outputs.b, or what the stage's own output is called
    ${ vars.x }                        {{ inputs.x }}, in the stages dialect

Nothing is parsed: only names are exchanged, outside of strings, so that whatever else is wrong is found later, and at
its place. A text that was changed knows where each of its characters stands in the author's (`definitions.nodes`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from definitions.errors import ExpressionError
from definitions.expressions.source import end_of_placeholder, end_of_string
from definitions.nodes import Mapping, Node, Origin, Scalar, Sequence

CONDITIONS = frozenset({"when", "until", "condition", "skip_if"})
"""Keys whose text is an expression as a whole."""

_NAME = re.compile(
    r"""
    (?P<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
    |(?<![\w.])(?P<input>input|vars)(?=\s*[.\[])
    |(?<![\w.])(?P<root>steps|stages|nodes)
        (?P<way>\s*\.\s*(?P<id>[A-Za-z_][A-Za-z0-9_-]*)|\s*\[\s*(?P<quote>['"])(?P<quoted>[^'"\n]+)(?P=quote)\s*\])
        (?:\s*\.\s*(?P<output>output)\b(?!\s*\())?
    """,
    re.VERBOSE,
)
_PATH_OR_CALL = re.compile(r"\s*[A-Za-z_]\w*\s*[.\[(]")
"""What `${…}` must look like to be a value: `${HOME}` stays a text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a text, and what stands there afterwards."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the names of a dialect mean."""

    step_ids: Callable[[str, str], str] = field(default=lambda root, name: name)
    """The id of the step that `ROOT.NAME` means."""
    outputs: Callable[[str], str] = field(default=lambda step_id: "outputs")
    """What `output` of a step is."""
    has_dollars: bool = False
    """Whether `${…}` is a value too."""


def rewrite(node: Node, vocabulary: Vocabulary, key: str = "") -> Node:
    """Return a tree whose texts have the main language's names."""
    match node:
        case Scalar(value=str(value)):
            return changed(node, edits_in(value, vocabulary, is_expression=key in CONDITIONS))
        case Scalar():
            return node
        case Sequence():
            node.items = [rewrite(item, vocabulary) for item in node.items]
        case Mapping():
            for name, one in node.entries.items():
                one.value = rewrite(one.value, vocabulary, name)
    return node


def edits_in(text: str, vocabulary: Vocabulary, *, is_expression: bool = False) -> list[Edit]:
    """Return what changes in a text."""
    if is_expression:
        return list(_names(text, 0, len(text), vocabulary))
    return list(_placeholders(text, vocabulary))


def changed(node: Scalar, edits: Iterable[Edit]) -> Scalar:
    """Return a text with changes made; it remembers where its characters come from."""
    text, at = str(node.value), 0
    parts: list[str] = []
    offsets: list[int] = []
    for edit in sorted(edits, key=lambda one: one.start):
        parts += [text[at : edit.start], edit.text]
        last = max(edit.end - 1, edit.start)
        offsets += range(at, edit.start)
        offsets += [min(edit.start + index, last, max(len(text) - 1, 0)) for index in range(len(edit.text))]
        at = edit.end
    if not parts:
        return node
    offsets += range(at, len(text))
    value = "".join([*parts, text[at:]])
    return Scalar(value, value, node.style, node.span, Origin(node, offsets))


def _placeholders(text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Yield the changes inside `{{ }}`, and those that make `${ }` one."""
    at = 0
    while (start := text.find("{", at)) >= 0:
        at = start + 1
        try:
            if text.startswith("{{", start):
                end = end_of_placeholder(text, start + 2)
                if end is not None:
                    yield from _names(text, start + 2, end, vocabulary)
                    at = end + 2
            elif vocabulary.has_dollars and text[max(start - 1, 0) : start] == "$":
                end = _end_of_dollar(text, start + 1)
                if end is not None and _PATH_OR_CALL.match(text, start + 1, end):
                    yield Edit(start - 1, start + 1, "{{ ")
                    yield from _names(text, start + 1, end, vocabulary)
                    yield Edit(end, end + 1, " }}")
                    at = end + 1
        except ExpressionError:  # a string that is not closed: the checks say so
            return


def _end_of_dollar(text: str, start: int) -> int | None:
    """Return where the `}` stands that closes a `${` whose inside begins at `start`."""
    depth, at = 0, start
    while at < len(text):
        if text[at] in "'\"":
            at = end_of_string(text, at)
            continue
        if text[at] == "}" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return None


def _names(text: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[Edit]:
    for found in _NAME.finditer(text, start, end):
        if found["input"]:
            yield Edit(*found.span("input"), "inputs")
        if not found["root"]:
            continue
        name = "id" if found["id"] else "quoted"
        step_id = vocabulary.step_ids(found["root"], found[name])
        if found["root"] != "steps":
            yield Edit(*found.span("root"), "steps")
        if step_id != found[name]:
            yield Edit(*found.span(name), step_id)
        if found["output"]:
            yield Edit(*found.span("output"), vocabulary.outputs(step_id))
