"""What editors stand on, for tests: yaml-language-server and ajv, installed by npm from the lock beside this file."""

import json
import shutil
import subprocess
from pathlib import Path

from pydantic import JsonValue

from tests.support.npm import installed

HERE = Path(__file__).parent
REMEDY = (
    "install Node.js 20 or newer with npm (tests marked `npm` run yaml-language-server and ajv), "
    "or leave these tests out: -m 'not npm'"
)


def language_server() -> list[str]:
    """Return the command that starts yaml-language-server on standard input and output."""
    program = _folder() / "node_modules/yaml-language-server/bin/yaml-language-server"
    return [_node(), str(program), "--stdio"]


def ajv_verdicts(schema: dict[str, JsonValue], values: list[JsonValue], draft: str) -> list[bool]:
    """Return for each value whether ajv finds that it fits the schema, read as draft `2020` or `07`."""
    command = [_node(), str(HERE / "fits.cjs"), str(_folder() / "node_modules"), draft]
    given = json.dumps({"schema": schema, "values": values})
    ran = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _folder() -> Path:
    return installed(HERE, "editors", REMEDY)


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise RuntimeError(f"there is no `node`; {REMEDY}")
    return node
