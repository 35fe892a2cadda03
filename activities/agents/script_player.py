"""The scripted agent at work: it waits, changes files, and says what the script says, in event lines.

It plays in the worker's process (a child would cost a start and prove nothing more), but everything it says
goes through the same parser, runner, budget and verdict as a real agent's lines. It writes only inside the
workspace, whatever the script and the workspace's links try.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from activities.agents.scripts import ScriptEntry
from definitions.errors import ErrorClass, StepFailure


async def play(entry: ScriptEntry, workspace: Path, say: Callable[[str], None]) -> None:
    """Do what `entry` says. Raises `StepFailure` where a file leads out of the workspace."""
    _say(say, event="started", session="script", model="scripted")
    for number, (path, content) in enumerate(entry.files.items(), 1):
        call = f"file-{number}"
        _say(say, event="tool", id=call, name="Delete" if content is None else "Write", arguments={"file_path": path})
        await asyncio.to_thread(_change, workspace, path, content)
        _say(say, event="tool_result", id=call)
    await asyncio.sleep(entry.delay.total_seconds())
    _say_usage(say, entry)
    _say_last_word(say, entry)


def _say_usage(say: Callable[[str], None], entry: ScriptEntry) -> None:
    used = entry.usage
    for turn in range(used.turns):
        first = turn == 0
        _say(
            say,
            event="usage",
            call=f"turn-{turn + 1}",
            model="scripted",
            input_tokens=used.input_tokens if first else 0,
            output_tokens=used.output_tokens if first else 0,
            cache_read_tokens=used.cache_read_tokens if first else 0,
            cache_write_tokens=used.cache_write_tokens if first else 0,
        )


def _say_last_word(say: Callable[[str], None], entry: ScriptEntry) -> None:
    usd = entry.usage.usd
    if entry.fail is not None:
        _say(say, event="error", **{"class": entry.fail.error_class.value}, message=entry.fail.message, usd=usd)
        return
    if entry.text is not None:
        _say(say, event="text", text=entry.text)
    answer = entry.outputs if entry.outputs is not None else entry.answer
    _say(say, event="answer", answer=answer, text=entry.text, usd=usd)


def _say(say: Callable[[str], None], **fields: JsonValue) -> None:
    say(json.dumps(fields, ensure_ascii=False))


def _change(workspace: Path, path: str, content: str | None) -> None:
    root = workspace.resolve()
    target = root / path
    folder = target.parent.resolve()  # follows links that the workspace has
    if not folder.is_relative_to(root) or target.name in {"", ".", ".."} or target.is_symlink():
        raise StepFailure(ErrorClass.DENIED, f"the script's file `{path}` leads out of the workspace")
    try:
        if content is None:
            target.unlink(missing_ok=True)
            return
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StepFailure(
            ErrorClass.WORKSPACE, f"the script's file `{path}` cannot be changed: {error.strerror}"
        ) from error
