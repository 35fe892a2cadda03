"""The dialect *agent steps*: steps that name an agent, and jumps by id.

    workflow:                                   name, version, …
      steps:
        - id: fix                               - id: fix
          agent: coding-agent                     type: agent, agent: coding-agent, a prompt made here
          inputs: {bug: "{{input.bug}}"}          inputs: {bug: "{{ inputs.bug }}"}
          condition: "{{steps.a.output.n}} > 3"   when: "{{steps.a.outputs.n}} > 3"
          skip_if: …                              when: not (…)
          max_retries: 2                          retry: {max_attempts: 3}
          timeout_seconds: 600                    timeout: 600s
          depends_on: [a]                         needs: [a]
          on_success, on_failure                  the same

With or without the `workflow:` around it. Every other key of an agent step may stand there too, and a step that has a
`type` is one of the main language.
"""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic
from definitions.dialects.grafting import entry, mapping, renamed, scalar, sequence, text
from definitions.dialects.rewriting import Edit, Vocabulary, changed, rewrite
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, head, text_at
from definitions.spellings import steps_of

NAME = "agent steps"

_VOCABULARY = Vocabulary()
_PAIRS = {"when": "condition", "timeout": "timeout_seconds", "retry": "max_retries", "needs": "depends_on"}
"""Today's keys and the dialect's, which cannot both stand in a step."""


def normalise(root: Mapping, file: str) -> list[Diagnostic]:
    """Change the tree in place; return what is wrong with the dialect's own keys."""
    wrapped = root.get("workflow")
    if isinstance(wrapped, Mapping) and "steps" not in root.entries:
        around = {key: one for key, one in root.entries.items() if key != "workflow"}
        root.entries = {**around, **wrapped.entries}
    title = text_at(root, "name") or text_at(root, "id") or "this workflow"
    findings: list[Diagnostic] = []
    steps = root.get("steps")
    for step in steps.items if isinstance(steps, Sequence) else []:
        if isinstance(step, Mapping) and "type" not in step.entries:
            findings += _step(step, title, file)
    for step in steps_of(root):
        rewrite(step, _VOCABULARY)
    for key in ("outputs", "env"):
        if key in root.entries:
            rewrite(root.entries[key].value, _VOCABULARY)
    return findings


def _step(step: Mapping, title: str, file: str) -> Iterator[Diagnostic]:
    entries = step.entries
    name = text_at(step, "id") or ""
    at: Node = entries["agent"].value if "agent" in entries else step
    if "agent" not in entries and "provider" not in entries:
        owner = f"step `{name}`" if name else "this step"
        place = entries["id"].value if "id" in entries else step
        yield Diagnostic("missing-key", "error", f"{owner} has no `agent`", file, head(place), help="add `agent:`")
    for today, older in _PAIRS.items():
        if today in entries and older in entries:
            message = f"`{older}` and `{today}` say the same thing"
            yield Diagnostic("conflicting-keys", "error", message, file, entries[older].key.span, help="keep one")
            del entries[older]
    entries.pop("metadata", None)
    yield from _durations_and_counts(entries, file)
    _conditions(entries)
    if "depends_on" in entries:
        written = entries.pop("depends_on")
        names = sequence(written.value, [written.value]) if isinstance(written.value, Scalar) else written.value
        entries["needs"] = renamed("needs", written, names)
    if "prompt" not in entries:
        entries["prompt"] = entry("prompt", text(_prompt(step, name, title), at))
    step.entries = {"type": entry("type", text("agent", at)), **entries}


def _durations_and_counts(entries: dict[str, Entry], file: str) -> Iterator[Diagnostic]:
    if "max_retries" in entries:
        written = entries.pop("max_retries")
        more = whole_number(written.value)
        if more is None:
            yield not_a_count("max_retries", written.value, file)
        else:
            attempts = mapping(written.value, max_attempts=scalar(more + 1, written.value))
            entries["retry"] = renamed("retry", written, attempts)
    if "timeout_seconds" in entries:
        written = entries.pop("timeout_seconds")
        seconds = written.value.value if isinstance(written.value, Scalar) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
            message = "`timeout_seconds` must be a number of seconds, more than 0"
            yield Diagnostic("invalid-value", "error", message, file, head(written.value))
        else:
            entries["timeout"] = renamed("timeout", written, text(f"{round(seconds * 1000)}ms", written.value))


def _conditions(entries: dict[str, Entry]) -> None:
    if "condition" in entries:
        entries["when"] = renamed("when", entries.pop("condition"))
    skipped = entries.pop("skip_if", None)
    if skipped is None:
        return
    node = skipped.value
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        entries.setdefault("when", renamed("when", skipped))  # of a wrong type, which is said there
        return
    before = entries["when"].value if "when" in entries else None
    opening = f"({before.value}) and not (" if isinstance(before, Scalar) else "not ("
    length = len(node.value)
    entries["when"] = renamed("when", skipped, changed(node, [Edit(0, 0, opening), Edit(length, length, ")")]))


def _prompt(step: Mapping, name: str, title: str) -> str:
    """Return what an agent is asked where the author says nothing: its part, by the step's own words."""
    said = text_at(step, "description") or text_at(step, "name")
    part = f"You are at the step `{name}` of the workflow `{title}`. Do your part with the values given."
    return (f"{said}\n\n{part}" if said else part).replace("{{", "{ {")


def whole_number(node: Node) -> int | None:
    """Return a number of times, None where it is none."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1000 else None


def not_a_count(key: str, node: Node, file: str) -> Diagnostic:
    """Return the finding about a number of times that is none."""
    message = f"`{key}` must be a whole number from 0 to 999"
    return Diagnostic("invalid-value", "error", message, file, head(node))


__all__ = ["NAME", "normalise"]
