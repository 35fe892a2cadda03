"""The script of the model server: what the model says at each call that offers it tools.

A script is a list of turns, or `{"conversations": [{"when": "text in the first message", "turns": […]}, …]}`;
a conversation without `when` takes what no other takes. A turn is a JSON object:

    {"text": "…"}                                   words
    {"tool": "Write", "input": {…}}                 a tool call; with "text" words before it
    {"tools": [{"tool": …, "input": …}, …]}         several at once
    {"status": 529, "message": "busy"}              an error of the service; "times": n repeats it
    {"drop": true}                                  the connection breaks
    "delay": seconds, "usage": {"input_tokens": …, "output_tokens": …}      with any of them

In inputs, `$CWD` stands for the agent's working directory, as its prompt tells it. After the last turn the model
says the last text again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Turn = Mapping[str, Any]


@dataclass(slots=True)
class Conversation:
    """Turns in order, and how far they are."""

    turns: list[Turn]
    when: str = ""
    position: int = 0

    def next(self) -> Turn:
        """Return the turn that answers the next call."""
        turn = self.turns[min(self.position, len(self.turns) - 1)]
        self.position += 1
        return turn


@dataclass(slots=True)
class Script:
    """All conversations."""

    conversations: list[Conversation] = field(default_factory=list[Conversation])

    def conversation(self, request: Json) -> Conversation:
        """Return the one that a request belongs to."""
        first = text_of(request["messages"][0])
        named = [c for c in self.conversations if c.when and c.when in first]
        others = [c for c in self.conversations if not c.when]
        return (named or others or self.conversations)[0]


def read_script(script: Sequence[Turn] | Mapping[str, Any]) -> Script:
    """Return the script that a JSON value is."""
    if isinstance(script, Mapping):
        return Script([Conversation(_repeated(c["turns"]), c.get("when", "")) for c in script["conversations"]])
    return Script([Conversation(_repeated(script))])


def text_of(message: Json) -> str:
    """Return all the text of a message."""
    content = message.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if part.get("type") == "text")


def working_directory(request: Json) -> str:
    """Return the folder in which the agent says it works."""
    system = request.get("system", "")
    told = system if isinstance(system, str) else "\n".join(part.get("text", "") for part in system)
    told += "\n" + "\n".join(text_of(message) for message in request["messages"])
    found = re.search(r"[Ww]orking directory:?\s*`?(/[^\s`\n]*)", told)
    return found.group(1) if found else "."


def blocks_of(turn: Turn, cwd: str, serial: int) -> list[Json]:
    """Return the content blocks that a turn stands for."""
    blocks: list[Json] = [{"type": "text", "text": turn["text"]}] if "text" in turn else []
    calls = turn.get("tools", [turn] if "tool" in turn else [])
    for number, call in enumerate(calls, 1):
        given = _in_place(call.get("input", {}), cwd)
        blocks.append({"type": "tool_use", "id": f"toolu_{serial}_{number}", "name": call["tool"], "input": given})
    return blocks


def _in_place(value: Any, cwd: str) -> Any:
    match value:
        case str():
            return value.replace("$CWD", cwd)
        case list():
            return [_in_place(item, cwd) for item in value]
        case dict():
            return {key: _in_place(item, cwd) for key, item in value.items()}
        case _:
            return value


def _repeated(turns: Sequence[Turn]) -> list[Turn]:
    return [turn for turn in turns for _ in range(turn.get("times", 1))]
