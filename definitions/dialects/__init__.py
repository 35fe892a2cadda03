"""Other shapes of a definition, brought into the model of the main language before anything else looks at it.

    recognition      which dialect a document is in
    agent_steps      `workflow: {steps: [{id, agent, inputs, condition, on_success, on_failure}]}`
    stages           `stages`, `stageConfigs`, `loop`, `profiles`; values as `${vars.name}`
    stage_steps      one stage as steps: an agent, several side by side, a graph of nodes
    stop_conditions  `stop_when` as a condition of the main language
    asked_fields     fields that later stages read, asked of the agents that make them
    rewriting        texts in the main language's names; each character knows where the author wrote it
    inputs_used      inputs that are used and not declared
    absent_steps     what a step that did not run is worth
    grafting         nodes that stand where the author wrote what they are made from

Both dialects are milder than the main language in two things: an input that is used and not declared is a required
one, and a step that may not have run gives null, and a warning.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from definitions.checks import MOST_FINDINGS, Context
from definitions.diagnostics import Diagnostic
from definitions.dialects import recognition
from definitions.expressions import Reference
from definitions.models import Definition
from definitions.nodes import Mapping, Path

Beside = Callable[[str], str | None]
"""Gives the text of a file beside the definition, None where there is none."""


def nothing_beside(_: str) -> str | None:
    """Return None: the text stands alone."""
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect that a text was written in."""

    name: str
    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    implicit_inputs: tuple[str, ...] = ()
    """Inputs that are used and not declared, in the order of their first use."""

    def judged(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return findings with the weight that they have here: a step that may not have run gives null."""
        return [
            replace(one, severity="warning", help="it is null then; `default(…, …)` gives another value")
            if one.code == "may-not-have-run"
            else one
            for one in findings
        ]

    def finished(self, definition: Definition, context: Context, findings: Sequence[Diagnostic]) -> Definition:
        """Return a definition in which steps that did not run are worth null: those that `findings` are about."""
        from definitions.dialects import absent_steps

        doubtful = {one.span for one in findings if one.code == "may-not-have-run"}

        def is_doubtful(path: Path, reference: Reference, offset: int) -> bool:
            if len(findings) >= MOST_FINDINGS:
                return True  # there were more than are said
            start, end = reference.spans[1]
            return context.span_within(path, offset + start, end - start) in doubtful

        return absent_steps.tolerated(definition, is_doubtful)


def normalise(root: Mapping, file: str, beside: Beside = nothing_beside) -> Dialect | None:
    """Change the tree of a definition in a dialect into the main language's; None where it is in that already."""
    is_in_agent_steps = recognition.is_in_agent_steps(root)
    if not is_in_agent_steps and not recognition.is_in_stages(root):
        return None
    from definitions.dialects import agent_steps, inputs_used, stages  # they take time that most definitions do without

    if is_in_agent_steps:
        name, findings = agent_steps.NAME, agent_steps.normalise(root, file)
    else:
        name, findings = stages.NAME, stages.normalise(root, file, beside)
    return Dialect(name, findings, inputs_used.declare(root))


__all__ = ["Beside", "Dialect", "normalise", "nothing_beside"]
