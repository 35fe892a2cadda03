"""The `perdure` command: its names, their order, and what happens when something is wrong.

A command's module is imported when the command is called, so that `perdure --help` and
`perdure validate` cost no more than they must. The table below is all that the help page reads.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

import click

from activities import memory
from client.exit_codes import MEANINGS, ExitCode
from client.output import Problem, complain, say

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Write": {
        "init": ("client.commands.editors:init", "Write a first definition, its tests and the editor's settings."),
        "validate": ("client.commands.authoring:validate", "Check definitions; all findings at once."),
        "explain": ("client.commands.authoring:explain", "Explain the code of a finding."),
        "schema": ("client.commands.editors:schema", "Print the JSON Schema of definitions."),
        "graph": ("client.commands.authoring:graph", "Print a definition as a Mermaid graph."),
        "test": ("client.commands.test:test", "Test definitions by their *.test.yaml files."),
        "catalog": ("client.commands.catalog:catalog", "List and show the ready-made definitions."),
        "definitions": ("client.commands.definitions:definitions", "List and change the definitions of a folder."),
        "export": ("client.commands.bundles:export", "Write a definition and all it leads to into one file."),
        "import": ("client.commands.bundles:import_bundle", "Take a definition out of such a file."),
    },
    "Run": {
        "run": ("client.commands.run:run", "Start a run and watch it."),
        "rerun": ("client.commands.rerun:rerun", "Take up an ended or stuck run in a new one."),
        "watch": ("client.commands.run:watch", "Watch a run until it ends."),
        "list": ("client.commands.inspect:list_runs", "List runs, the newest first."),
        "show": ("client.commands.inspect:show", "Show the status record of a run."),
        "logs": ("client.commands.logs:logs", "Print what the steps of a run printed."),
        "history": ("client.commands.history:history", "Tell who did what to a run, and each attempt of its steps."),
    },
    "Control": {
        "pause": ("client.commands.control:pause", "Start no more steps of a run."),
        "resume": ("client.commands.control:resume", "Go on with a paused run."),
        "cancel": ("client.commands.control:cancel", "End a run; its processes end first."),
        "gates": ("client.commands.gates:gates", "List open gates."),
        "approve": ("client.commands.gates:approve", "Approve at an open gate."),
        "reject": ("client.commands.gates:reject", "Reject at an open gate."),
    },
    "Results": {
        "diff": ("client.commands.changes:diff", "Show what a run changed in the files."),
        "apply": ("client.commands.changes:apply", "Take what a run changed into a folder."),
        "artifacts": ("client.commands.artifacts:artifacts", "List, get, tag and delete published artifacts."),
        "cache": ("client.commands.cache:cache", "Explain, count and clear cached steps."),
    },
    "Machine": {
        "dev": ("client.dev:dev", "Show, stop or inspect the embedded server."),
        "worker": ("client.dev:worker", "Serve the task queues with a worker."),
        "bench": ("client.commands.bench:bench", "Measure the cluster: steps, queries, decisions."),
        "store": ("client.commands.store:store", "Collect garbage in the store, and verify it."),
        "doctor": ("client.commands.doctor:doctor", "Check what Perdure needs on this machine."),
    },
}

PLANNED = frozenset({"schedule", "serve"})

_COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class LazyGroup(click.Group):
    """The group of all commands; each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help page."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is held to the modules by a test
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; say `planned`, or what was probably meant, where there is none."""
        name = args[0]
        if name in PLANNED:
            raise Problem(
                f"`perdure {name}` is planned, not there yet",
                code=ExitCode.USAGE,
                slug="planned",
                remedy="`perdure --help` lists the commands there are",
            )
        if name not in _COMMANDS and not name.startswith("-"):
            close = _closest(name, _COMMANDS)
            way_out = f"did you mean `perdure {close}`?" if close else "`perdure --help` lists the commands"
            raise Problem(f"no command is called `{name}`", code=ExitCode.USAGE, slug="unknown-command", remedy=way_out)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, from the table alone."""
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in entries.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])


class _VersionFlag:
    @staticmethod
    def show(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        """Print the version and leave; the package's metadata is only read here."""
        if not value or ctx.resilient_parsing:
            return
        from client.version import version

        click.echo(f"perdure {version()}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_VersionFlag.show, help="Print it."
)
def perdure() -> None:
    """Run YAML definitions as durable workflows on Temporal.

    DEFINITION is a file if it has a path separator or ends in .yaml, .yml or .json, else a name of the
    catalog. Data goes to stdout, progress and messages to stderr.
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    memory.look_seldom()
    # our models have no plugins of pydantic; looking for them reads what every installed package says of itself
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _leave(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code. Never raises for a fault of the user's or of the world."""
    try:
        outcome = perdure.main(args=list(arguments), prog_name="perdure", standalone_mode=False)
    except SystemExit as leaving:  # click's answer to a closed pipe
        return leaving.code if isinstance(leaving.code, int) else ExitCode.FAILED
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted")
        return ExitCode.DETACHED
    except BrokenPipeError:
        return ExitCode.FAILED
    except Exception as error:
        return _report(error)
    return outcome if isinstance(outcome, int) else ExitCode.SUCCESS


def _report(error: Exception) -> int:
    """Say what went wrong in one place; return the exit code."""
    if os.environ.get("PERDURE_DEBUG") == "1" and not isinstance(error, click.ClickException):
        import traceback

        traceback.print_exception(error)
    match error:
        case Problem():
            complain(error.message, slug=error.slug, remedy=error.remedy)
            return error.code
        case click.exceptions.NoArgsIsHelpError():
            say(error.format_message())
            return ExitCode.USAGE
        case click.UsageError():
            complain(_usage_message(error), slug="usage", remedy=_usage_remedy(error))
            return ExitCode.USAGE
        case click.ClickException():
            complain(error.format_message())
            return ExitCode.USAGE
        case _:
            return _report_other(error)


def _report_other(error: Exception) -> int:
    """Say an error of the rooms below; anything unknown is a defect of ours, on one line."""
    from definitions.errors import DefinitionInvalid, EnvironmentUnfit, PerdureError

    match error:
        case DefinitionInvalid():
            from client.diagnostics_output import show_diagnostics

            show_diagnostics(error.diagnostics, {})
            return ExitCode.INVALID
        case EnvironmentUnfit():
            complain(error.message, slug="unfit", remedy=error.remedy)
            return ExitCode.FAILED
        case PerdureError():
            complain(str(error))
            return ExitCode.FAILED
        case _:
            complain(
                f"unexpected {type(error).__name__}: {error}",
                slug="internal",
                remedy="set `PERDURE_DEBUG=1` and run it again to see where",
            )
            return ExitCode.FAILED


def _usage_message(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"no option is called `{error.option_name}`"
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:]


def _usage_remedy(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "perdure"
    if isinstance(error, click.NoSuchOption):
        known = [name for param in error.ctx.command.params for name in param.opts] if error.ctx else []
        close = _closest(error.option_name, known)
        if close:
            return f"did you mean `{close}`?"
    return f"`{path} --help` says what it takes"


def _closest(name: str, known: Iterable[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def _leave(code: int) -> NoReturn:
    """End the process, without the interpreter's own end.

    That takes hundreds of modules apart, a fifth of the time of `perdure validate`, and the SDK's core may abort in it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):
            code = code or int(ExitCode.FAILED)
    os._exit(code)
