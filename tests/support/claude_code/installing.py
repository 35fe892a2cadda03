"""The real Claude Code CLI for tests: installed by npm from the lock beside this file, once per machine.

The package's install script is not run: the platform's own package already holds the program.
"""

from pathlib import Path

from tests.support.npm import installed

HERE = Path(__file__).parent
REMEDY = (
    "install Node.js 20 or newer with npm (tests marked `real_cli` run the CLI from npm), "
    "or leave these tests out: -m 'not real_cli'"
)


def claude_code() -> Path:
    """Return the path of the CLI, installed where it is not yet. Raises `RuntimeError` with the remedy."""
    folder = installed(HERE, "claude-code", REMEDY)
    found = sorted(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude"))
    if not found:
        raise RuntimeError(f"npm brought no Claude Code for this platform into `{folder}`; {REMEDY}")
    return found[0]
