import importlib
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from client import cli as cli_module
from client.cli import PLANNED, SECTIONS, perdure
from client.exit_codes import MEANINGS, ExitCode
from definitions.diagnostics import Diagnostic
from definitions.errors import DefinitionInvalid, EnvironmentUnfit, StepFailure

ROOT = Path(__file__).parents[2]
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
DOCS = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)


def imported(*arguments: str) -> set[str]:
    ran = python("-X", "importtime", "-c", "from client.cli import main; main()", *arguments)
    assert ran.returncode == 0, ran.stderr
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines() if "|" in line}


def test_help_imports_nothing_heavy():
    unwanted = {"temporalio", "boto3", "rich", "pydantic", "yaml", "asyncio", "jsonschema", "difflib"}
    assert not imported("--help") & unwanted


def test_validate_imports_neither_temporalio_nor_rich():
    assert not imported("validate", "raise-coverage") & {"temporalio", "boto3", "rich"}


@pytest.mark.parametrize("name", COMMANDS)
def test_table_of_commands_says_what_the_command_says(name):
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(200) == COMMANDS[name][1] or command.short_help is None


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_planned_command_says_planned_and_is_not_offered(cli, name):
    ran = cli(name)
    assert (ran.code, f"`perdure {name}` is planned" in ran.err) == (2, True)
    assert not re.search(rf"^  {name} ", cli("--help").out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vaildate"], "did you mean `perdure validate`?"),
        (["nonsense"], "`perdure --help` lists the commands"),
        (["run", "x", "--detahc"], "did you mean `--detach`?"),
        (["run", "x", "--qqqqqq"], "`perdure run --help` says what it takes"),
        (["--nonsense"], "`perdure --help` says what it takes"),
        (["show"], "missing argument 'ID'"),
        (["cache"], "Usage: perdure cache"),
        ([], "Usage: perdure"),
    ],
)
def test_slip_is_a_usage_error_with_a_way_out(cli, arguments, said):
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_version_is_data(cli):
    assert re.fullmatch(r"perdure \S+\n", cli("--version").out)


def raising(monkeypatch, error):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr("client.request_files.load_definition", fail)


FINDING = Diagnostic("unknown-key", "error", "no key is called `x`", "f.yaml")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (EnvironmentUnfit("no disk", "free some space"), 1, "error[unfit]: no disk\n  = help: free some space"),
        (StepFailure("workspace", "too big"), 1, "error: too big"),
        (DefinitionInvalid([FINDING]), 7, "error[unknown-key]: no key is called `x`"),
        (ZeroDivisionError("oops"), 1, "error[internal]: unexpected ZeroDivisionError: oops"),
        (click.ClickException("odd"), 2, "error: odd"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 1, ""),
        (SystemExit(1), 1, ""),
    ],
)
def test_every_error_is_one_message_and_a_code(cli, monkeypatch, error, code, said):
    raising(monkeypatch, error)
    ran = cli("validate", "x")
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_debug_shows_where(cli, monkeypatch):
    raising(monkeypatch, ZeroDivisionError("oops"))
    monkeypatch.setenv("PERDURE_DEBUG", "1")
    assert "Traceback" in cli("validate", "x").err


def test_message_cannot_drive_the_terminal(cli, monkeypatch):
    raising(monkeypatch, ValueError("\x1b[2Jgone"))
    assert "\x1b" not in cli("validate", "x").err


def test_closed_pipe_is_no_traceback():
    script = "from client.cli import main; main()"
    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{script}' schema | head -1"], cwd=ROOT, capture_output=True, text=True
    )
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("loaded", ["temporalio", "client.cli"])
def test_process_ends_with_the_code_and_without_the_interpreter_s_own_end(loaded: str):
    program = f"import atexit, {loaded}\nfrom client import cli\natexit.register(print, 'late')\n"
    ran = python("-c", f"{program}print('all')\ncli._leave(3)")
    assert (ran.returncode, ran.stdout) == (3, "all\n")


def test_closed_streams_do_not_hide_the_code(monkeypatch):
    class Closed:
        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(cli_module.sys, "stdout", Closed())
    monkeypatch.setattr(cli_module.os, "_exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
    with pytest.raises(SystemExit) as caught:
        cli_module._leave(0)
    assert caught.value.code == 1


# --- the page -------------------------------------------------------------------------------------------


def test_page_has_every_exit_code_with_its_meaning():
    rows = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", DOCS, re.MULTILINE))
    assert rows == {str(int(code)): MEANINGS[code] for code in ExitCode}


def leaf_commands(group: click.Group, path: str):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield f"{path} {name}", command
            yield from leaf_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("path", "command"), list(leaf_commands(perdure, "perdure")))
def test_page_has_every_command_with_every_option(path, command):
    found = re.search(rf"^### `{re.escape(path)}\b[^`]*`\n(.*?)(?=^##)", DOCS + "\n## end", re.MULTILINE | re.DOTALL)
    assert found, f"docs/command-line.md has no section for `{path}`"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(f"`{name}" in found.group(0) for name in parameter.opts), f"{path}: {parameter.opts}"


def test_page_has_no_command_that_is_not_there():
    documented = set(re.findall(r"^### `(perdure[a-z ]*[a-z])", DOCS, re.MULTILINE))
    assert documented == {path for path, _ in leaf_commands(perdure, "perdure")}


def test_page_names_every_planned_command():
    assert all(f"`{name}`" in DOCS for name in PLANNED)
