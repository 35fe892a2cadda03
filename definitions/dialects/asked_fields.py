"""Fields of a stage's output that other texts read, asked of the agents that make it.

The core asks an agent for the fields that are read of its own step. Where a stage is a group, they are read of the
group: so the agents whose answer becomes the stage's are asked in their prompts.
"""

import re
from collections.abc import Iterator

from definitions.dialects.rewriting import Edit, changed
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, text_at

_READ = re.compile(r"\bsteps\.([A-Za-z_][\w-]*)\.outputs\.output\.([A-Za-z_]\w*)\b(?!\s*\()")


def ask(root: Mapping, agents: dict[str, list[Mapping]]) -> None:
    """Add the request for fields to the prompts of `agents`, which are those that give each stage's output."""
    fields: dict[str, dict[str, None]] = {}
    for text in _texts(root):
        for stage, name in _READ.findall(text):
            fields.setdefault(stage, {})[name] = None
    for stage, steps in agents.items():
        named = ", ".join(f"`{name}`" for name in fields.get(stage, ()))
        for step in steps if named else []:
            prompt = step.get("prompt")
            if isinstance(prompt, Scalar) and isinstance(prompt.value, str) and text_at(step, "type") == "agent":
                asked = f"\n\nEnd your answer with one JSON object that has the fields {named}, and nothing after it."
                length = len(prompt.value)
                text = changed(prompt, [Edit(length, length, asked)])
                step.entries["prompt"] = Entry(step.entries["prompt"].key, text)


def _texts(node: Node) -> Iterator[str]:
    match node:
        case Scalar(value=str(value)):
            yield value
        case Sequence():
            for item in node.items:
                yield from _texts(item)
        case Mapping():
            for one in node.entries.values():
                yield from _texts(one.value)
        case _:
            return
