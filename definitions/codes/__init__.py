"""Every diagnostic that Perdure knows: its slug, title, explanation and an example.

`perdure explain SLUG` shows an entry and `docs/diagnostics.md` has them all; a test holds the two together,
and another one wants a fixture with the expected text for each.

    document      how a text must look before it is a definition
    structure     keys, types and values
    steps         ids, order, what refers to what
    expressions   the value language, and values in shell text
    inputs        values given to a run
"""

from definitions.codes import document, expressions, inputs, steps, structure
from definitions.codes.entry import Code, Example
from definitions.suggestions import closest

CODES: dict[str, Code] = {
    code.slug: code for code in (*document.CODES, *structure.CODES, *steps.CODES, *expressions.CODES, *inputs.CODES)
}
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
        parts.append(f"Refused:\n\n```yaml\n{code.example.wrong}\n```")
    if code.example.right:
        parts.append(f"Right:\n\n```yaml\n{code.example.right}\n```")
    return "\n\n".join(parts) + "\n"


__all__ = ["CODES", "Code", "Example", "find", "markdown", "suggestion"]
