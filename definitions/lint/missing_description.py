"""`missing-description`: who starts a run reads what it does, and what its inputs mean."""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for the definition and for each input that nobody has described."""
    definition, context = survey.context.definition, survey.context
    if not _says_something(definition.description):
        help_ = "add `description:` with what it does, in a sentence"
        message = f"`{definition.name}` has no description"
        yield survey.report("missing-description", message, context.key_span(("name",)), help_)
    for name, declared in definition.inputs.items():
        if not _says_something(declared.description):
            span = context.key_span(("inputs", name))
            help_ = "add `description:` with what it means, in a sentence"
            yield survey.report("missing-description", f"the input `{name}` has no description", span, help_)


def _says_something(text: str | None) -> bool:
    return bool(text and text.strip())
