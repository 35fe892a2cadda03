"""Where words go: data on stdout, all else on stderr, and nothing hostile reaches a terminal."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence

import click

from client.exit_codes import ExitCode

FILE_KEY = "$file"
_COLOUR_ONLY = re.compile(r"\x1b\[[0-9;:]*m")
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC: titles, links, clipboard
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\|$)"  # DCS and other strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: movement, clearing, modes
    r"|\x1b[ -/]*[0-~]?"  # the rest
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Problem(click.ClickException):
    """What the caller must be told instead of a result: message, way out, exit code."""

    def __init__(
        self, message: str, *, code: ExitCode = ExitCode.FAILED, slug: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.slug = slug
        self.remedy = remedy


def plain(text: str) -> str:
    """Return `text` without anything that a terminal would act on; line ends and tabs stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def coloured(text: str) -> str:
    """Return `text` with its colours, but without any other escape sequence."""
    pieces: list[str] = []
    position = 0
    for colour in _COLOUR_ONLY.finditer(text):
        pieces += (plain(text[position : colour.start()]), colour.group())
        position = colour.end()
    return "".join((*pieces, plain(text[position:])))


def one_line(text: str, width: int = 200) -> str:
    """Return `text` made safe, on one line, cut at `width`."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def value_text(value: object) -> str:
    """Return a value of a run on one line: a file by its path and size, else JSON."""
    if isinstance(value, dict) and FILE_KEY in value:
        return one_line(f"{value[FILE_KEY]} ({value.get('size')} bytes)")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 120)


def value_lines(value: object) -> list[str]:
    """Return a value that a person is to judge, in full: a text as it is, anything else as indented JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return plain(text).rstrip().splitlines() or [""]


def say(text: str = "", *, style: str | None = None) -> None:
    """Write a message for a person to stderr."""
    click.secho(text, err=True, fg=style, color=None if _allows_colour() else False)


def complain(message: str, *, slug: str | None = None, remedy: str | None = None) -> None:
    """Write an error to stderr in the look of diagnostics."""
    head = click.style(f"error[{slug}]" if slug else "error", fg="red", bold=True)
    say(f"{head}: {plain(message)}")
    if remedy:
        say(f"  = help: {plain(remedy)}")


def write_json(value: object) -> None:
    """Write one JSON value to stdout: on one line when piped through, indented for a person."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def write_json_line(value: object) -> None:
    """Write one JSON value as a line to stdout, at once."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def write_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows under heads to stdout, columns aligned, every cell on one line."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[column]) for row in cells), 0) for column, head in enumerate(heads)]
    for row in (heads, *cells):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def is_live_terminal() -> bool:
    """Whether stderr is a terminal that can be redrawn."""
    dumb = os.environ.get("TERM", "") in ("", "dumb")
    return sys.stderr.isatty() and not dumb and not os.environ.get("CI")


def _allows_colour() -> bool:
    return not os.environ.get("NO_COLOR")
