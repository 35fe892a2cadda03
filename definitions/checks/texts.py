"""Every text of a definition, parsed: syntax, functions, conditions, shell safety; and what it refers to.

All faults of a text are found, not only the first: a bad placeholder does not hide the next one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.errors import ExpressionError
from definitions.expressions import Call, Expression, Reference, parse_condition
from definitions.expressions.source import end_of_placeholder
from definitions.functions import FUNCTIONS
from definitions.nodes import Path
from definitions.references import FieldText, texts
from definitions.shell_values import ShellValueError, check_script
from definitions.steps import ShellStep
from definitions.steps.base import Language
from definitions.steps.sharing import is_made_after
from definitions.templates import CLOSING, OPENING, read_placeholder


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text with what was found in it; all positions count in the text."""

    owner: Placed | None
    """The step whose text it is; None: the definition's own."""
    path: Path
    """In the document."""
    field: str
    """The key of the step, or of the definition, that holds it."""
    language: Language
    text: str
    references: tuple[Reference, ...]
    calls: tuple[Call, ...]
    errors: tuple[ExpressionError, ...]
    expressions: tuple[tuple[int, Expression], ...]
    """Each with where its own text begins."""

    @property
    def is_about_a_pass(self) -> bool:
        """Whether the text is evaluated after a pass of its step's loop, over that pass's results."""
        key = self.path[len(self.owner.path) :][:2] if self.owner else ()
        return key in (("loop", "until"), ("loop", "start_at"), ("loop", "message"))

    @property
    def sees_own_result(self) -> bool:
        """Whether the text is read when its step has ended, with what the step made."""
        if self.owner is None:
            return False
        is_after = self.field in ("outputs", "store", "accept")
        return is_after or is_made_after(self.path[len(self.owner.path) :])

    @property
    def is_one_expression(self) -> bool:
        """Whether the whole text is one `{{ }}`, so that it keeps the value's type."""
        text = self.text.strip()
        return len(self.expressions) == 1 and text.startswith(OPENING) and text.endswith(CLOSING)


def parsed_texts(context: Context) -> Iterator[Parsed]:
    """Yield every text of the definition, outer ones first."""
    for found in texts(context.definition):
        if found.path[:1] != ("steps",):
            yield _parsed(None, found, found.path)
    for placed in context.placed:
        for found in texts(placed.step):
            path = (*placed.path, *found.path)
            if not context.is_broken(path):
                yield _parsed(placed, found, path)


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the texts themselves."""
    for parsed in found:
        for error in parsed.errors:
            yield _finding(context, parsed.path, error)
        for call in parsed.calls:
            if FUNCTIONS[call.name].only_in_when and parsed.field != "when":
                span = context.span_within(parsed.path, call.position, call.end - call.position)
                message = f"`{call.name}()` means something only in `when`"
                yield context.report("misplaced-function", message, span, "leave it out here")
    for placed in context.placed:
        if isinstance(placed.step, ShellStep):
            yield from _unsafe_values(context, placed.step, (*placed.path, "command"))


def _parsed(owner: Placed | None, found: FieldText, path: Path) -> Parsed:
    if found.language is Language.CONDITION:
        return _condition(owner, found, path)
    references: list[Reference] = []
    calls: list[Call] = []
    errors: list[ExpressionError] = []
    expressions: list[tuple[int, Expression]] = []
    start = found.text.find(OPENING)
    while start >= 0:
        after = start + len(OPENING)
        try:
            placeholder = read_placeholder(found.text, start)
        except ExpressionError as error:
            errors.append(error)
            after = _after_a_bad_one(found.text, after)
        else:
            references += placeholder.references
            calls += _shifted_calls(placeholder.expression, placeholder.inside)
            expressions.append((placeholder.inside, placeholder.expression))
            after = placeholder.end
        start = found.text.find(OPENING, after)
    return Parsed(
        owner,
        path,
        str(found.path[0]),
        found.language,
        found.text,
        tuple(references),
        tuple(calls),
        tuple(errors),
        tuple(expressions),
    )


def _after_a_bad_one(text: str, inside: int) -> int:
    """Return where to go on after a placeholder that cannot be read."""
    try:
        end = end_of_placeholder(text, inside)
    except ExpressionError:  # a string in it is not closed
        end = text.find(CLOSING, inside)
    return len(text) if end is None or end < 0 else end + len(CLOSING)


def _condition(owner: Placed | None, found: FieldText, path: Path) -> Parsed:
    field = str(found.path[0])
    try:
        expression = parse_condition(found.text)
    except ExpressionError as error:
        return Parsed(owner, path, field, found.language, found.text, (), (), (error,), ())
    return Parsed(
        owner,
        path,
        field,
        found.language,
        found.text,
        expression.references,
        expression.calls,
        (),
        ((0, expression),),
    )


def _shifted_calls(expression: Expression, offset: int) -> list[Call]:
    return [Call(call.name, call.position + offset, call.end + offset) for call in expression.calls]


def _finding(context: Context, path: Path, error: ExpressionError) -> Diagnostic:
    start = error.position or 0
    width = (error.end - start) if error.end is not None else 1
    message, _, help_ = error.message.partition("; ")
    if isinstance(error, ShellValueError):
        message, help_ = error.message, error.help
    return context.report(error.code, message, context.span_within(path, start, width), help_ or None)


def _unsafe_values(context: Context, step: ShellStep, path: Path) -> Iterator[Diagnostic]:
    if context.is_broken(path) or OPENING not in step.command:
        return
    for error in check_script(step.command, step.shell):
        if isinstance(error, ShellValueError):  # others are found where templates are read
            yield _finding(context, path, error)
