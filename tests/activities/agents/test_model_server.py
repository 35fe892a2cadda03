"""The scripted model server, as a program and as an object: what the other tests and the demonstration rely on."""

import asyncio
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server.server import ModelServer

PROGRAM = Path(__file__).parents[2] / "support" / "model_server" / "serve.py"
TOOLS = [{"name": "Write"}]


def post(address: str, **fields: Any) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields}
    request = urllib.request.Request(f"{address}/v1/messages", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


async def test_turns_are_said_in_order_when_tools_are_offered() -> None:
    turns: list[dict[str, Any]] = [
        {"tool": "Write", "input": {"path": ["$CWD/a", 1]}, "text": "first"},
        {"text": "last"},
    ]
    async with ModelServer(turns) as server:
        system = "Primary working directory: /there"
        one = await asyncio.to_thread(post, server.address, tools=TOOLS, system=system)
        side = await asyncio.to_thread(post, server.address)
        rest = [await asyncio.to_thread(post, server.address, tools=TOOLS) for _ in range(2)]
    assert [block["type"] for block in one["content"]] == ["text", "tool_use"]
    assert one["content"][1]["input"] == {"path": ["/there/a", 1]}
    assert one["stop_reason"] == "tool_use"
    assert side["content"] == [{"type": "text", "text": "ok"}]
    assert [answer["content"][0]["text"] for answer in rest] == ["last", "last"]
    assert len(server.requests) == 3


async def test_conversation_is_found_by_its_words_when_there_are_several() -> None:
    script = {"conversations": [{"when": "hello", "turns": [{"text": "hi"}]}, {"turns": [{"text": "other"}]}]}
    async with ModelServer(script) as server:
        named = await asyncio.to_thread(post, server.address, tools=TOOLS)
        messages = [{"role": "user", "content": [{"type": "text", "text": "bye"}]}]
        other = await asyncio.to_thread(post, server.address, tools=TOOLS, messages=messages)
    assert (named["content"][0]["text"], other["content"][0]["text"]) == ("hi", "other")


async def test_it_serves_when_it_is_started_as_a_program(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    await asyncio.to_thread(script.write_text, '[{"text": "served"}]')
    process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, script, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        address = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        answer = await asyncio.to_thread(post, address, tools=TOOLS)
    finally:
        process.terminate()
        await process.wait()
    assert answer["content"] == [{"type": "text", "text": "served"}]


async def test_other_addresses_are_unknown_when_they_are_asked() -> None:
    async with ModelServer([{"text": "x"}]) as server:
        with pytest.raises(urllib.error.HTTPError) as raised:
            await asyncio.to_thread(urllib.request.urlopen, f"{server.address}/v1/models", None, 10)
        raised.value.close()
    assert raised.value.code == 404
