"""`unused-input`: somebody gives a value, and nothing comes of it."""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each input that no text refers to."""
    used: set[str] = set()
    for parsed in survey.texts:
        for reference in parsed.references:
            match reference.parts:
                case ("inputs", str(name), *_):
                    used.add(name)
                case ("inputs", *_):
                    return  # the inputs as a whole, or one whose name only the run knows
                case _:
                    pass
    for name in survey.context.definition.inputs:
        if name not in used:
            span = survey.context.key_span(("inputs", name))
            help_ = f"leave it out, or use it: `{{{{ inputs.{name} }}}}`"
            yield survey.report("unused-input", f"nothing uses the input `{name}`", span, help_)
