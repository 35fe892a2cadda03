"""An editor, as far as a language server can tell: opens a text and asks for findings, completion, hover.

with editing(command, folder) as editor:
    editor.open("a.yaml", text)      -> findings
    editor.completion("a.yaml", …)   -> labels and what they insert
"""

import json
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

DEADLINE = 60.0
CURSOR = "│"


@dataclass(slots=True)
class Editor:
    """A session with a language server over standard input and output."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    settings: dict[str, Any]
    incoming: "Queue[dict[str, Any]]" = field(default_factory=Queue)
    asked: int = 0

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a text and return the findings about it."""
        document = {"uri": self._uri(name), "languageId": "yaml", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self.incoming.get(timeout=DEADLINE)
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == self._uri(
                name
            ):
                return message["params"]["diagnostics"]
            self._answer(message)

    def completion(self, name: str, text: str) -> dict[str, dict[str, Any]]:
        """Open a text with a cursor in it and return what is offered there, by label."""
        position = self._open_at_cursor(name, text)
        found = self._ask("textDocument/completion", {"textDocument": {"uri": self._uri(name)}, "position": position})
        items = found["items"] if isinstance(found, dict) else found or []
        return {item["label"]: item for item in items}

    def hover(self, name: str, text: str) -> str:
        """Open a text with a cursor in it and return what is shown there."""
        position = self._open_at_cursor(name, text)
        found = self._ask("textDocument/hover", {"textDocument": {"uri": self._uri(name)}, "position": position})
        return found["contents"]["value"] if found else ""

    def _open_at_cursor(self, name: str, text: str) -> dict[str, int]:
        before, cursor, after = text.partition(CURSOR)
        assert cursor, "the text has no cursor"
        self.open(name, before + after)
        return {"line": before.count("\n"), "character": len(before) - (before.rfind("\n") + 1)}

    def start(self) -> None:
        """Shake hands."""
        threading.Thread(target=self._read, daemon=True).start()
        root = self.folder.as_uri()
        snippets = {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}}
        capabilities = {
            "textDocument": {"completion": snippets, "hover": {"contentFormat": ["markdown"]}},
            "workspace": {"configuration": True, "workspaceFolders": True},
        }
        folders = [{"uri": root, "name": "folder"}]
        self._ask(
            "initialize",
            {"processId": None, "rootUri": root, "workspaceFolders": folders, "capabilities": capabilities},
        )
        self._notify("initialized", {})

    def stop(self) -> None:
        """Say goodbye, and end the process in any case."""
        try:
            self._ask("shutdown", None)
            self._notify("exit", None)
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.process.communicate()

    def _ask(self, method: str, parameters: Any) -> Any:
        self.asked += 1
        self._send({"id": self.asked, "method": method, "params": parameters})
        while True:
            message = self.incoming.get(timeout=DEADLINE)
            if message.get("id") == self.asked and "method" not in message:
                assert "error" not in message, message["error"]
                return message.get("result")
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        """Answer what the server asks: its settings; anything else gets null."""
        if "id" not in message or "method" not in message:
            return
        result: Any = None
        if message["method"] == "workspace/configuration":
            result = [self.settings.get(item.get("section", "")) for item in message["params"]["items"]]
        self._send({"id": message["id"], "result": result})

    def _notify(self, method: str, parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(content) + content)
        self.process.stdin.flush()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while line := stream.readline():
            size = int(line.partition(b":")[2])
            while stream.readline().strip():
                pass
            self.incoming.put(json.loads(stream.read(size)))

    def _uri(self, name: str) -> str:
        return (self.folder / name).as_uri()


@contextmanager
def editing(command: list[str], folder: Path, settings: dict[str, Any]) -> Generator[Editor]:
    """Start a language server over `folder` with the editor's settings."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
    )
    editor = Editor(process, folder, settings)
    try:
        editor.start()
        yield editor
    finally:
        editor.stop()
