"""What README.md and docs/getting-started.md tell a new user to do, done."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from definitions.loader import load

ROOT = Path(__file__).parent.parent.parent
PERDURE = [sys.executable, "-c", "from client.cli import main; main()"]

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]


class User:
    """Somebody at a terminal with a home folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
        self.environment = {**os.environ, "PERDURE_HOME": str(folder / "home"), "PYTHONPATH": path}

    def say(self, *arguments: str, code: int = 0) -> str:
        """Give a command; return what it printed on stdout and stderr."""
        done = subprocess.run(
            [*PERDURE, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        assert done.returncode == code, f"perdure {' '.join(arguments)}: {done.stdout}"
        return done.stdout


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path)
    yield user
    user.say("dev", "stop")


def yaml_blocks(page: str) -> list[str]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    return blocks


def test_the_readmes_definition_is_valid() -> None:
    (text,) = yaml_blocks("README.md")
    assert load(text, "readme.yaml").diagnostics == ()


def test_getting_started_holds_when_it_is_followed(user: User) -> None:
    user.say("init", "hello")
    user.folder = user.folder / "hello"
    definition = user.folder / "hello.yaml"
    assert "run completed" in user.say("run", "./hello.yaml", "-i", "who=you")
    assert "from the cache" in user.say("run", "./hello.yaml", "-i", "who=you")

    written = definition.read_text()
    assert "condition: steps.greet.outputs.stdout" in written
    definition.write_text(written.replace("condition: steps.greet.", "condition: steps.great."))
    assert "did you mean `greet`" in user.say("validate", "hello.yaml", code=7)
    assert "error[unknown-step]" in user.say("run", "./hello.yaml", code=7)
    assert "unknown-step" in user.say("explain", "unknown-step")

    (gate,) = yaml_blocks("docs/getting-started.md")
    steps, outputs = written.split("\noutputs:")
    definition.write_text(f"{steps}\n{textwrap.indent(textwrap.dedent(gate), '  ')}\noutputs:{outputs}")
    run = user.say("run", "./hello.yaml", "--detach").splitlines()[-1]
    user.say("watch", run, "--timeout", "5s", code=5)
    assert run in user.say("gates")
    user.say("approve", run)
    assert "run completed" in user.say("watch", run)

    other = user.say("run", "./hello.yaml", "--detach").splitlines()[-1]
    user.say("watch", other, "--timeout", "2s", code=5)
    user.say("reject", other, "--reason", "not yet")
    assert "not yet" in user.say("watch", other, code=4)

    assert run in user.say("list")
    assert "fine" in user.say("show", run)
    assert "hello world" in user.say("logs", run)
    assert "greet" in user.say("cache", "explain", run, "greet")
    assert "+hello world" in user.say("diff", run)
    user.say("apply", run)
    assert (user.folder / "greeting.txt").read_text() == "hello world\n"
    assert "http://" in user.say("dev", "status")
    assert "raise-coverage" in user.say("catalog")
    assert "name: reviewed-change" in user.say("catalog", "show", "reviewed-change")
