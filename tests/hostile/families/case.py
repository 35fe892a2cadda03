"""A hostile text, and what is to be said about it."""

from dataclasses import dataclass

HEAD = "name: hostile\n"
STEPS = "steps:\n  - {id: a, type: wait, duration: 1s}\n"
SOUND = HEAD + STEPS


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and the codes that must be among its findings; none: it loads."""

    content: str | bytes
    codes: frozenset[str] = frozenset()


def refused(content: str | bytes, *codes: str) -> Case:
    """Return a text that gives at least these findings."""
    return Case(content, frozenset(codes))


def sound(content: str | bytes) -> Case:
    """Return a text that is odd, and loads."""
    return Case(content)


def step(body: str) -> str:
    """Return a definition with one step, given in flow style without its braces."""
    return f"{HEAD}inputs: {{x: {{}}, n: {{type: number}}}}\nsteps:\n  - {{id: a, {body}}}\n"


def script(command: str) -> str:
    """Return a definition whose one step runs a script."""
    lines = "".join(f"      {line}\n" for line in command.split("\n"))
    return f"{HEAD}inputs: {{x: {{}}}}\nsteps:\n  - id: a\n    type: shell\n    command: |\n{lines}"
