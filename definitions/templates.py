"""Templates: text with `{{ expression }}` in it.

A text that is one placeholder, with nothing but white space around it, keeps the value's type; else values become
text (`definitions.values.to_text`). `{{ '{{' }}` gives two braces. `${…}` means nothing here and stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FileReader, Scope
from definitions.expressions import Expression, Reference, evaluate, parse
from definitions.expressions.source import end_of_placeholder
from definitions.values import to_text

OPENING, CLOSING = "{{", "}}"
TEXT_LIMIT = 1024 * 1024
"""Characters of a rendered text."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A `{{ expression }}`, and where it stands in the whole text."""

    expression: Expression
    start: int
    """Of the `{{`."""
    end: int
    """After the `}}`."""
    inside: int
    """Where the expression's own text begins; positions in it are counted from here."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return what it refers to, with positions in the whole text."""
        return tuple(
            replace(
                reference,
                spans=tuple((start + self.inside, end + self.inside) for start, end in reference.spans),
            )
            for reference in self.expression.references
        )


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts and placeholders in turn."""

    text: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Return the placeholders in order."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Return the expressions in order."""
        return tuple(placeholder.expression for placeholder in self.placeholders)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return what the template refers to, with positions in its text."""
        return tuple(reference for placeholder in self.placeholders for reference in placeholder.references)

    @property
    def single(self) -> Placeholder | None:
        """Return the placeholder that is all there is, if so."""
        filled = [part for part in self.parts if not isinstance(part, str) or part.strip()]
        only = filled[0] if len(filled) == 1 else None
        return only if isinstance(only, Placeholder) else None

    @property
    def is_single(self) -> bool:
        """Whether it is one placeholder, whose value keeps its type."""
        return self.single is not None


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Return the template that `text` is.

    Raises:
        ExpressionError: a placeholder is not closed or holds no expression; `position` is an offset into `text`.
    """
    return Template(text, tuple(_parts(text)))


def _parts(text: str) -> Iterator[str | Placeholder]:
    at = 0
    while (start := text.find(OPENING, at)) >= 0:
        if start > at:
            yield text[at:start]
        placeholder = read_placeholder(text, start)
        yield placeholder
        at = placeholder.end
    if at < len(text):
        yield text[at:]


def read_placeholder(text: str, start: int) -> Placeholder:
    """Return the placeholder whose `{{` stands at `start`.

    Raises:
        ExpressionError: it is not closed or holds no expression; `position` is an offset into `text`.
    """
    inside = start + len(OPENING)
    end = end_of_placeholder(text, inside)
    if end is None:
        raise ExpressionError(
            "template-syntax", "`{{` is not closed by `}}`; for the characters themselves write `{{ '{{' }}`",
            start, inside,
        )  # fmt: skip
    try:
        return Placeholder(parse(text[inside:end]), start, end + len(CLOSING), inside)
    except ExpressionError as error:
        raise shifted(error, inside, end) from None


def shifted(error: ExpressionError, inside: int, end: int) -> ExpressionError:
    """Return an error of an expression with positions in the text around it."""
    start = inside if error.position is None else inside + error.position
    stop = end if error.end is None else inside + error.end
    return ExpressionError(error.code, error.message, start, max(start, stop))


def render(template: Template, scope: Scope, files: FileReader | None = None) -> JsonValue:
    """Return the value of a template over `scope`: the one placeholder's value as it is, else text.

    Raises:
        ExpressionError: it failed on these values; `position` is an offset into the template's text.
        FilesNeeded: it reads a file or a stored value, and there is no reader.
    """
    if (single := template.single) is not None:
        return evaluate_placeholder(single, scope, files)
    rendered = "".join(
        part if isinstance(part, str) else placeholder_text(part, scope, files) for part in template.parts
    )
    if len(rendered) > TEXT_LIMIT:
        raise ExpressionError("result-too-big", f"the text is over {TEXT_LIMIT // 1024} KiB; pass a file instead", 0)
    return rendered


def evaluate_placeholder(placeholder: Placeholder, scope: Scope, files: FileReader | None = None) -> JsonValue:
    """Return a placeholder's value; errors have positions in the whole text."""
    try:
        return evaluate(placeholder.expression, scope, files)
    except ExpressionError as error:
        raise shifted(error, placeholder.inside, placeholder.end - len(CLOSING)) from None


def placeholder_text(placeholder: Placeholder, scope: Scope, files: FileReader | None = None) -> str:
    """Return a placeholder's value as text; errors have positions in the whole text."""
    value = evaluate_placeholder(placeholder, scope, files)
    try:
        return to_text(Evaluation(scope, files).resolve_whole(value))
    except ExpressionError as error:
        shown = placeholder.expression.text.strip()
        message = f"`{shown}` is null, which {error.message[len('null ') :]}" if value is None else error.message
        raise ExpressionError(error.code, message, placeholder.start, placeholder.end) from None


def render_value(value: JsonValue, scope: Scope, files: FileReader | None = None) -> JsonValue:
    """Return `value` with each string inside it rendered (keys are left as they are).

    Raises:
        ExpressionError: as `render`.
        FilesNeeded: as `render`.
    """
    if isinstance(value, str):
        return render(parse_template(value), scope, files) if OPENING in value else value
    if isinstance(value, list):
        return [render_value(item, scope, files) for item in value]
    if isinstance(value, dict):
        return {key: render_value(item, scope, files) for key, item in value.items()}
    return value


__all__ = ["Placeholder", "Template", "parse_template", "render", "render_value", "to_text"]
