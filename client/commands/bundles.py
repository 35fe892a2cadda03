"""`export` and `import`: a definition and all that it leads to, as one file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import bundle_words, file_words
from client.options import json_option
from client.output import Problem, say, write_json

if TYPE_CHECKING:
    from client.bundles import Bundle, Unpacked
    from definitions.library import Whole


@click.command(short_help="Write a definition and all it leads to into one file.")
@click.argument("definition")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file; `-` prints. Absent: `ID.bundle.json` here."
)
def export(definition: str, output: Path | None) -> ExitCode:
    """Write DEFINITION, the definitions that its steps run, and the agents and skills that they name, into one file."""
    from client.bundles import pack
    from client.request_files import names_around, require_definition

    source = require_definition(definition)
    project: dict[str, str] = {}
    for loaded in (source.loaded, *source.whole.others.values()):
        if loaded.named and loaded.definition:
            names_around(loaded.definition, Path(), project)
    text = pack(source.whole, Path(source.file), project)
    if str(output) == "-":
        click.echo(text, nl=False)
        return ExitCode.SUCCESS
    path = output or Path(f"{source.definition.id}.bundle.json")
    _write(path, text)
    count = 1 + len(source.whole.texts) + len(project)
    say(bundle_words.exported(source.definition.id, count, source.whole.digest, str(path)))
    return ExitCode.SUCCESS


@click.command("import", short_help="Take a definition out of such a file.")
@click.argument("bundle", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True, help="Where to."
)
@click.option("--force", is_flag=True, help="Write over files that are there with other content.")
@json_option("Print what was written as JSON.")
def import_bundle(bundle: Path, into: Path, *, force: bool, as_json: bool) -> ExitCode:
    """Write the files of BUNDLE (`-` reads it from stdin), all or none. One that is not whole is refused."""
    from client.bundles import BadBundle, read_bundle
    from client.diagnostics_output import show_diagnostics

    try:
        found, whole = read_bundle(_read(bundle))
        unpacked = _unpack(found, whole, into, is_forced=force)
    except BadBundle as error:
        show_diagnostics(error.diagnostics, error.sources)
        message = bundle_words.bad_bundle(str(bundle), error.reason)
        raise Problem(
            message, code=ExitCode.INVALID, slug="bad-bundle", remedy=bundle_words.BAD_BUNDLE_REMEDY
        ) from error
    show_diagnostics(whole.diagnostics, whole.sources)
    for path in unpacked.written:
        say(str(path))
    assert whole.loaded.definition is not None  # noqa: S101 - a bundle with errors is refused
    name = whole.loaded.definition.id
    if as_json:
        written = [str(path) for path in unpacked.written]
        write_json({"id": name, "digest": whole.digest, "definition": str(unpacked.definition), "written": written})
    shown = unpacked.definition if unpacked.definition.parent != Path() else f"./{unpacked.definition}"
    say(bundle_words.imported(name, whole.digest, str(shown)))
    return ExitCode.SUCCESS


def _unpack(found: Bundle, whole: Whole, into: Path, *, is_forced: bool) -> Unpacked:
    from client.bundles import InTheWay, unpack
    from client.definition_folder import folder_of

    try:
        return unpack(found, whole, into, folder_of(os.environ, into), is_forced=is_forced)
    except InTheWay as error:
        message, remedy = bundle_words.in_the_way(error.paths), bundle_words.IN_THE_WAY_REMEDY
        raise Problem(message, code=ExitCode.USAGE, slug="in-the-way", remedy=remedy) from error
    except OSError as error:
        raise Problem(file_words.unwritable(into, error.strerror or str(error)), slug="unwritable") from error


def _read(path: Path) -> bytes:
    from client.bundles import MOST_BYTES

    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        from client.request_files import unreadable

        raise unreadable(path, error) from error


def _write(path: Path, text: str) -> None:
    from client.whole_files import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error
