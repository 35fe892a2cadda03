"""A small model server for tests and demonstrations: Anthropic's Messages API over SSE, scripted, on loopback.

    async with ModelServer([{"text": "hello"}]) as server:
        environment = server.environment()
        server.requests       every call that consumed a turn, as JSON

Calls that offer no tools (titles, probes) are answered with a word and consume no turn. Only asyncio is used.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tests.support.model_server.turns import Json, Turn, blocks_of, read_script, working_directory

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 529: "Overloaded"}
_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}


class ModelServer:
    """Serves one script."""

    def __init__(self, script: Sequence[Turn] | Mapping[str, Any], port: int = 0) -> None:
        self._script = read_script(script)
        self._port = port
        self._server: asyncio.Server | None = None
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.side_calls = 0

    @property
    def address(self) -> str:
        """Its base address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def environment(self) -> dict[str, str]:
        """Return the variables by which Claude Code finds it."""
        return {"ANTHROPIC_BASE_URL": self.address, "ANTHROPIC_API_KEY": "dummy-key-of-the-test"}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (received := await _read_request(reader)) is not None:
                path, headers, body = received
                await self._answer(path, headers, body, writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        route = path.split("?")[0]
        if route == "/v1/messages/count_tokens":
            await _send_json(writer, 200, {"input_tokens": 10})
            return
        if route != "/v1/messages":
            await _send_json(writer, 404, {"type": "error", "error": {"type": "not_found_error", "message": route}})
            return
        request = json.loads(body)
        if not request.get("tools"):
            self.side_calls += 1
            await _send_message(writer, request, [{"type": "text", "text": "ok"}], {}, self.side_calls)
            return
        self.requests.append(request)
        self.headers.append(headers)
        await self._play(self._script.conversation(request).next(), request, writer)

    async def _play(self, turn: Turn, request: Json, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(turn.get("delay", 0))
        if turn.get("drop"):
            writer.transport.abort()
            return
        if "status" in turn:
            kind = _ERROR_TYPES.get(turn["status"], "overloaded_error")
            error = {"type": kind, "message": turn.get("message", "the script says so")}
            await _send_json(writer, turn["status"], {"type": "error", "error": error})
            return
        serial = len(self.requests)
        blocks = blocks_of(turn, working_directory(request), serial)
        await _send_message(writer, request, blocks, turn.get("usage", {}), serial)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes] | None:
    head = await reader.readline()
    if not head.strip():
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return head.decode("latin-1").split()[1], headers, body


async def _send_json(writer: asyncio.StreamWriter, status: int, answer: Json) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def _send_message(
    writer: asyncio.StreamWriter, request: Json, blocks: list[Json], usage: Json, serial: int
) -> None:
    used = {"input_tokens": 100, "output_tokens": 20, **usage}
    if request.get("stream"):
        body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in _events(request, blocks, used, serial))
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body.encode())}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        return
    await _send_json(writer, 200, {**_message(request, used, serial), "content": blocks, "stop_reason": _stop(blocks)})


def _events(request: Json, blocks: list[Json], used: Json, serial: int) -> list[Json]:
    opening = {**used, "output_tokens": 1}
    events: list[Json] = [{"type": "message_start", "message": _message(request, opening, serial)}]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": _stop(blocks), "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": used["output_tokens"]}})
    events.append({"type": "message_stop"})
    return events


def _message(request: Json, used: Json, serial: int) -> Json:
    return {
        "id": f"msg_{serial:04d}",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "scripted"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": used,
    }


def _stop(blocks: list[Json]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
