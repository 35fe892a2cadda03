"""Every code that Perdure says: its slug, title, explanation and an example.

`perdure explain SLUG` shows an entry and `docs/diagnostics.md` has them all; tests hold the three together, want a
fixture with the expected text for each code of a definition or an expression, and search the sources for codes that
have no page.

    document      how a text must look before it is a definition
    structure     keys, types and values
    steps         ids, order, what refers to what
    dialects      the two dialects, agents and skills by name
    effect        keys and values that would do nothing where they stand
    plugins       step types of installed packages
    lint          what is legal and unwise, and comments that allow it
    expressions   the value language, and values in shell text
    library       definitions that lead to others
    inputs        values given to a run
    evaluation    expressions that fail on the values of a run
    failures      classes of failure of a step
    answers       why a run does not take a message, or cannot begin
    cases         test files, and expectations that are not met
    commands      what the command line cannot do

A new topic is a module with `CODES` and its place in a section below.
"""

from dataclasses import dataclass

from definitions.codes import (
    answers,
    cases,
    commands,
    dialects,
    document,
    effect,
    evaluation,
    expressions,
    failures,
    inputs,
    library,
    lint,
    plugins,
    steps,
    structure,
)
from definitions.codes.entry import Code, Example
from definitions.suggestions import closest


@dataclass(frozen=True, slots=True)
class Section:
    """Codes that are met in the same place."""

    title: str
    preface: str
    codes: tuple[Code, ...]


SECTIONS = {
    "definition": Section(
        "In a definition",
        "`perdure validate` finds these, and so does every start.",
        (
            *document.CODES,
            *structure.CODES,
            *steps.CODES,
            *library.CODES,
            *effect.CODES,
            *plugins.CODES,
            *expressions.CODES,
            *dialects.CODES,
        ),
    ),
    "lint": Section(
        "Advice",
        "What is legal and unwise. `perdure validate` says it too, and nothing is refused for it unless `--strict` is "
        "given. A comment `# perdure: allow SLUG reason` on the line, on the line above, or where the step begins, "
        "allows a finding.",
        lint.CODES,
    ),
    "inputs": Section("In the inputs of a run", "Nothing has started when one of these is said.", inputs.CODES),
    "evaluation": Section(
        "In an expression, while a run goes on",
        "Where values decide, these cannot be found before; where the text does, `perdure validate` says them. The "
        "step fails with class `expression`, and the code is `steps.ID.error.details.code`. `retry: {on: "
        "[expression]}` would try again with the same values; `default` and `when` are what helps.",
        evaluation.CODES,
    ),
    "failures": Section(
        "Failures of a step",
        "The words of `retry: {on: […]}` and of `steps.ID.error.type`; a run that fails shows the one that ended it.",
        failures.CODES,
    ),
    "answers": Section(
        "Answers of a run",
        "Why a message (a decision, pause, resume, cancel) was not taken, and why a run could not begin. They are the "
        "types of the errors that Temporal's clients see.",
        answers.CODES,
    ),
    "cases": Section(
        "In a test file",
        "`perdure test` says these, and the codes above where a case names inputs, outputs or steps.",
        cases.CODES,
    ),
    "commands": Section("On the command line", "Said by `perdure` itself.", (*commands.CODES, *dialects.AT_START)),
}
"""All codes by where they are met, in the order of the docs."""

CODES: dict[str, Code] = {code.slug: code for section in SECTIONS.values() for code in section.codes}
"""All codes by slug, in the order of the docs."""


def find(slug: str) -> Code | None:
    """Return the entry of a slug."""
    return CODES.get(slug)


def suggestion(slug: str) -> str | None:
    """Return the slug that is nearly spelled like `slug`."""
    return closest(slug, CODES)


def markdown(code: Code, level: int = 2) -> str:
    """Return an entry as a section of Markdown."""
    heading = "#" * level
    parts = [f"{heading} {code.slug}", f"**{code.title}**", code.explanation]
    if code.example.wrong:
        parts.append(f"{code.example.label}:\n\n```{code.example.language}\n{code.example.wrong}\n```")
    if code.example.right:
        parts.append(f"Right:\n\n```{code.example.language}\n{code.example.right}\n```")
    return "\n\n".join(parts) + "\n"


__all__ = ["CODES", "SECTIONS", "Code", "Example", "Section", "find", "markdown", "suggestion"]
