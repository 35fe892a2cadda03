"""A definition as a picture: Mermaid text that shows what runs after what."""

from collections.abc import Iterator, Sequence

from definitions.models import Definition
from definitions.steps import ApprovalStep, AssertStep, GroupStep, Step

_SHAPES: dict[type, tuple[str, str]] = {AssertStep: ("{{", "}}"), ApprovalStep: ("[/", "/]")}


def mermaid(definition: Definition) -> str:
    """Return a flow chart: an arrow from each step to those that wait for it, a box around each group."""
    lines = ["flowchart TD", *_steps(definition.steps, 1), *_arrows(definition.steps, is_parallel=False)]
    return "\n".join(lines) + "\n"


def predecessors(steps: Sequence[Step], index: int, *, is_parallel: bool) -> list[str]:
    """Return the ids of the siblings that a step waits for: its `needs`, else the one before it."""
    needs = steps[index].needs
    if needs is not None:
        return list(dict.fromkeys(needs))
    return [] if index == 0 or is_parallel else [steps[index - 1].id]


def _steps(steps: Sequence[Step], depth: int) -> Iterator[str]:
    indent = "    " * depth
    for step in steps:
        if isinstance(step, GroupStep):
            yield f'{indent}subgraph {_node(step.id)}["{_text(f"{step.id} ({step.mode})")}"]'
            yield from _steps(step.steps, depth + 1)
            yield f"{indent}end"
            continue
        opening, closing = _SHAPES.get(type(step), ("[", "]"))
        condition = f"<br/>when {step.when}" if step.when else ""
        yield f'{indent}{_node(step.id)}{opening}"{_text(f"{step.id}<br/>{step.type}{condition}")}"{closing}'


def _arrows(steps: Sequence[Step], *, is_parallel: bool) -> Iterator[str]:
    for index, step in enumerate(steps):
        for name in predecessors(steps, index, is_parallel=is_parallel):
            yield f"    {_node(name)} --> {_node(step.id)}"
        if isinstance(step, GroupStep):
            yield from _arrows(step.steps, is_parallel=step.mode == "parallel")


def _node(name: str) -> str:
    """Return a Mermaid node id; the prefix keeps its reserved words (`end`, `graph`) apart."""
    return f"step_{name}"


def _text(text: str) -> str:
    """Return a label's text: quotes and brackets of an author's text must not end the label."""
    kept = text.replace("<br/>", "\n").replace("\n", " \n ")
    escaped = kept.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return "<br/>".join(part.strip() for part in escaped.split("\n") if part.strip())
