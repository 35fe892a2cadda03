"""Short definitions for tests of checks: a step a line, and what is found under which caret."""

from definitions.loader import load

Found = list[tuple[str, str]]


INPUTS = """\
inputs:
  go: {type: boolean, default: true}
  n: {type: number, default: 1}
  list: {type: array, default: []}
  map: {type: object, default: {}}
  text: {default: a}
"""


def findings(steps: str, top: str = "") -> Found:
    """Return code and marked text of each finding."""
    text = f"name: x\n{INPUTS}{top}steps:\n"
    text += "".join(f"  - {line}\n" for line in steps.strip().split("\n"))
    found: Found = []
    for finding in load(text, "f").diagnostics:
        span = finding.span
        assert span is not None
        found.append((finding.code, text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]))
    return found


def reads(name: str, *, reader: str = "r", keys: str = "", field: str = "outputs.v") -> str:
    return f'{{id: {reader}, type: set, values: {{v: "{{{{ steps.{name}.{field} }}}}"}}{keys}}}'


def defaulted(name: str, *, reader: str = "r", keys: str = "") -> str:
    return f'{{id: {reader}, type: set, values: {{v: "{{{{ default(steps.{name}.outputs.v, 1) }}}}"}}{keys}}}'


def makes(name: str, keys: str = "") -> str:
    return f"{{id: {name}, type: set, values: {{v: 1}}{keys}}}"


def group(name: str, mode: str, *steps: str, keys: str = "") -> str:
    return f"{{id: {name}, type: group, mode: {mode}, steps: [{', '.join(steps)}]{keys}}}"


WHEN = ", when: inputs.go"

NOT_RUN = ("may-not-have-run", "a")
