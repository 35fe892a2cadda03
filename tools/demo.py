"""The demo: a badly covered module gets its tests, on a real Temporal server, with nothing set up beforehand.

    a sample repository   ->  run with a scripted agent, approved from a second process
    the same run again    ->  from the cache
    what the run made     ->  shown, and taken into the repository
    a source file edited  ->  of four cached steps exactly those run that depend on it

All of it happens in `.demo/` of this repository (or `$PERDURE_DEMO_FOLDER`), and no process is left when it
ends. It fails with exit code 1 where the story does not go as told.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import click

from tools.samples import SAMPLES

ROOT = Path(__file__).resolve().parent.parent
STAGE = Path(os.environ.get("PERDURE_DEMO_FOLDER") or ROOT / ".demo").absolute()
SHOP = STAGE / "shop"
HOME = STAGE / "perdure"
SCRIPT = STAGE / "agent-script.yaml"
CHECKS = STAGE / "shop-checks.yaml"
BIN = Path(sys.prefix) / "bin"
NAME = "raise-coverage"
FIRST, SECOND, THIRD, FOURTH = "demo-first", "demo-second", "demo-third", "demo-fourth"
LIMIT_SECONDS = 300


class StoryBroken(Exception):
    """Something did not go as told."""


def main() -> int:
    """Tell the story; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with stage():
            first_run()
            second_run()
            harvest()
            edit_and_run_again()
    except StoryBroken as error:
        click.secho(f"\nThe demo failed: {error}", fg="red", err=True)
        return 1
    except KeyboardInterrupt:
        click.secho("\nInterrupted; all processes of the demo have ended.", err=True)
        return 130
    tell(
        "That is all, and every process has ended.",
        "To look at both runs in Temporal's own Web UI, start the demo's server again and open the address it prints:",
    )
    click.echo(f"    PERDURE_HOME={shlex.quote(str(HOME))} {shlex.quote(str(BIN / 'perdure'))} dev\n")
    return 0


@contextlib.contextmanager
def stage() -> Generator[None]:
    """Make the sample repository; end the server and the worker afterwards, whatever happens."""
    if HOME.exists():
        perdure_quietly("dev", "stop")  # of a demo that was killed
    shutil.rmtree(STAGE, ignore_errors=True)
    SAMPLES[NAME].make(SHOP)
    shutil.copy(SAMPLES[NAME].script, SCRIPT)
    shutil.copy(ROOT / "tools" / "samples" / CHECKS.name, CHECKS)
    tell(
        "A small shop, made just now with its git history. One of its modules, shop/discounts.py, has a single test.",
        "The definition `raise-coverage` measures, lets a coding agent write tests, checks its work and asks a person.",
        "No key is needed: the agent is a scripted one. Everything else is real: Temporal, pytest, git.",
    )
    try:
        yield
    finally:
        perdure_quietly("dev", "stop")


def first_run() -> None:
    """Run the definition; approve from a second process as soon as it asks."""
    tell("The first run. Perdure brings its own Temporal server and worker along.")

    def approve() -> None:
        tell("The run waits, for days if need be. Somebody approves, from another process:")
        perdure("approve", FIRST, "--by", "ada", "--comment", "good tests")
        tell("And the run goes on:")

    perdure(*run_arguments(FIRST), on_gate=approve)


def second_run() -> None:
    """Run it again: every step comes from the cache."""
    tell("The same again. Nothing has changed, so no step runs (`-i ask=false`: it was looked at already).")
    started = time.monotonic()
    printed = perdure(*run_arguments(SECOND), "-i", "ask=false")
    seconds = time.monotonic() - started
    from_cache(printed, "baseline", "write_tests", "verify")
    tell(f"That took {seconds:.1f} s from command to exit: 3 steps came from the cache, the agent among them.")
    perdure("cache", "explain", SECOND, "write_tests")


def harvest() -> None:
    """Show what the run made, and take it."""
    tell("So far the repository is as it was: a run works on a copy. Now take what the first run made.")
    perdure("apply", FIRST)
    run(["git", "status", "--short"])
    run(["python", "-W", "ignore", "-m", "pytest", "-q", "--cov=shop", "--cov-report=term"])


def edit_and_run_again() -> None:
    """Change one source file between two runs: what does not depend on it comes from the cache."""
    tell("A definition of the shop's own: four cached steps, each of which names the files that it reads.")
    perdure("run", f"../{CHECKS.name}", "--id", THIRD)
    tell("Now one source file is edited, for a new voucher. What reads it runs, and what is made from that; no more.")
    run(["sed", "-i.before", 's/"SPRING": 1000/&, "SUMMER": 1500/', "shop/discounts.py"])
    printed = perdure("run", f"../{CHECKS.name}", "--id", FOURTH)
    from_cache(printed, "basket")
    perdure("cache", "explain", FOURTH, "discounts")
    perdure("cache", "explain", FOURTH, "poster")


def from_cache(printed: list[str], *steps: str) -> None:
    """Break the story where other steps than these came from the cache."""
    cached = [line.split()[1] for line in printed if "completed  (from the cache" in line]
    if cached != list(steps):
        raise StoryBroken(f"from the cache came {', '.join(cached) or 'nothing'}, and not {', '.join(steps)}")


def run_arguments(execution_id: str) -> list[str]:
    """Return the arguments of a run of the sample."""
    assignments = [part for name, value in SAMPLES[NAME].inputs.items() for part in ("-i", f"{name}={value}")]
    return ["run", NAME, *assignments, "--provider", "scripted", "--script", f"../{SCRIPT.name}", "--id", execution_id]


def tell(*paragraphs: str) -> None:
    """Say what comes."""
    click.echo()
    for paragraph in paragraphs:
        click.secho(textwrap.fill(paragraph, 100), bold=True)
    click.echo()


def perdure(*arguments: str, on_gate: Callable[[], None] | None = None) -> list[str]:
    """Run a `perdure` command where everybody sees it; return what it printed."""
    return run(["perdure", *arguments], on_gate)


def perdure_quietly(*arguments: str) -> None:
    """Run a `perdure` command that is not part of the story."""
    subprocess.run([BIN / "perdure", *arguments], env=environment(), capture_output=True, check=False, timeout=60)


def run(argv: list[str], on_gate: Callable[[], None] | None = None) -> list[str]:
    """Run a command in the sample repository, its lines indented; call `on_gate` once it waits for a decision."""
    click.secho(f"$ {shlex.join(argv)}", fg="cyan")
    printed: list[str] = []
    waiting = on_gate
    program = shutil.which(argv[0], path=environment()["PATH"]) or argv[0]
    with (
        subprocess.Popen(
            [program, *argv[1:]],
            cwd=SHOP,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        killed_when_it_hangs(process),
    ):
        for line in process.stdout or ():
            printed.append(line)
            click.echo(f"  {line}", nl=False)
            if waiting and f"perdure reject {FIRST}" in line:  # the last line of what a gate says
                waiting()
                waiting = None
    if process.returncode != 0:
        raise StoryBroken(f"`{shlex.join(argv)}` ended with exit code {process.returncode}")
    if waiting:
        raise StoryBroken("the run did not ask for an approval")
    return printed


@contextlib.contextmanager
def killed_when_it_hangs(process: subprocess.Popen[str]) -> Generator[None]:
    """End the command when the demo is interrupted, or when nothing comes for far too long."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise StoryBroken(f"a command did not end within {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    outer = signal.alarm(LIMIT_SECONDS)
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.alarm(outer)


def environment() -> dict[str, str]:
    """Return the environment of a user who has activated our virtual environment and set nothing of Perdure."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PERDURE_TEMPORAL_BIN" or not name.startswith(("PERDURE_", "TEMPORAL_", "GIT_", "PYTEST_", "COV"))
    }
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "VIRTUAL_ENV": sys.prefix, "PERDURE_HOME": str(HOME)}


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
