"""A definition as a picture: Mermaid text that shows what runs after what, and where jumps lead."""

from collections.abc import Iterator, Sequence

from definitions.models import Definition
from definitions.routes import exhausted_target, failure_target, handlers, success_target
from definitions.steps import ApprovalStep, AssertStep, GroupStep, Step, WorkflowStep, lists_of

_SHAPES: dict[type, tuple[str, str]] = {
    AssertStep: ("{{", "}}"),
    ApprovalStep: ("[/", "/]"),
    WorkflowStep: ("[[", "]]"),
}


def mermaid(definition: Definition) -> str:
    """Return a flow chart: an arrow from each step to those that wait for it, a box around each group.

    Jumps are arrows with the word that takes them, dotted where a failure does; what undoes a step hangs on it by a
    dotted line.
    """
    lines = ["flowchart TD", *_steps(definition.steps, 1), *_arrows(definition.steps, is_parallel=False)]
    return "\n".join(lines) + "\n"


def predecessors(steps: Sequence[Step], index: int, *, is_parallel: bool) -> list[str]:
    """Return the ids of the siblings that a step waits for: its `needs`, else the one that the list goes on from.

    A handler waits for nobody, and a step whose `on_success` leads elsewhere is nobody's predecessor.
    """
    needs = steps[index].needs
    if needs is not None:
        return list(dict.fromkeys(needs))
    by_jump_only = handlers(steps)
    if is_parallel or steps[index].id in by_jump_only:
        return []
    before = next((step for step in reversed(steps[:index]) if step.id not in by_jump_only), None)
    leads_on = before is not None and (before.on_success is None or any(step.needs is not None for step in steps))
    return [before.id] if before is not None and leads_on else []


def _steps(steps: Sequence[Step], depth: int) -> Iterator[str]:
    indent = "    " * depth
    for step in steps:
        if isinstance(step, GroupStep):
            label = f"{step.id} ({step.mode})" + _repetition(step)
            yield f'{indent}subgraph {_node(step.id)}["{_text(label)}"]'
            yield from _steps(step.steps, depth + 1)
            yield f"{indent}end"
        else:
            opening, closing = _SHAPES.get(type(step), ("[", "]"))
            condition = f"<br/>when {step.when}" if step.when else ""
            label = f"{step.id}<br/>{step.type}{condition}{_repetition(step)}"
            yield f'{indent}{_node(step.id)}{opening}"{_text(label)}"{closing}'
        if step.compensate is not None:
            yield from _steps(step.compensate.steps, depth)


def _repetition(step: Step) -> str:
    """Return how often a step is done, as lines of its label."""
    found = ""
    if step.for_each is not None:
        items = step.for_each.items
        over = f"{len(items)} items" if isinstance(items, list | dict) else str(items).strip("{} ")
        found += f"<br/>for each {step.for_each.name} of {over}"
    if step.loop is not None:
        until = f" until {step.loop.until}" if step.loop.until else ""
        found += f"<br/>loop, at most {step.loop.max_iterations}{until}"
    return found


def _arrows(steps: Sequence[Step], *, is_parallel: bool) -> Iterator[str]:
    for index, step in enumerate(steps):
        for name in predecessors(steps, index, is_parallel=is_parallel):
            yield f"    {_node(name)} --> {_node(step.id)}"
        yield from _jumps(step)
        for keys, inner in lists_of(step):
            if keys[0] == "compensate":
                yield f"    {_node(step.id)} -.-|undo| {_node(inner[0].id)}"
            yield from _arrows(inner, is_parallel=_is_parallel(step, keys))


def _is_parallel(step: Step, keys: tuple[str, ...]) -> bool:
    return keys[0] != "compensate" and isinstance(step, GroupStep) and step.mode != "sequential"


def _jumps(step: Step) -> Iterator[str]:
    found = (
        (success_target(step), "-->", "on success"),
        (failure_target(step), "-.->", "on failure"),
        (exhausted_target(step), "-.->", "exhausted"),
    )
    for target, arrow, word in found:
        if target is not None:
            yield f"    {_node(step.id)} {arrow}|{word}| {_node(target)}"


def _node(name: str) -> str:
    """Return a Mermaid node id; the prefix keeps its reserved words (`end`, `graph`) apart."""
    return f"step_{name}"


def _text(text: str) -> str:
    """Return a label's text: quotes and brackets of an author's text must not end the label."""
    kept = text.replace("<br/>", "\n").replace("\n", " \n ")
    escaped = kept.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return "<br/>".join(part.strip() for part in escaped.split("\n") if part.strip())
