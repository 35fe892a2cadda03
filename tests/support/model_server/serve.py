"""The model server as a program: `python tests/support/model_server/serve.py SCRIPT.json [--port N]`.

Prints its address as the first line of standard output and serves until it is ended (SIGTERM, Ctrl-C).
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.model_server.server import ModelServer  # run as a file, it is not on the path


async def serve(script: Any, port: int) -> None:
    """Serve `script` until cancelled."""
    async with ModelServer(script, port) as server:
        sys.stdout.write(f"{server.address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A scripted model server on loopback")
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(json.loads(arguments.script.read_text()), arguments.port))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
