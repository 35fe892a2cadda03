"""Findings on stderr as text; one place decides about colour."""

import os
import sys
from collections.abc import Mapping, Sequence

from client.output import say
from definitions.diagnostics import Diagnostic


def show_diagnostics(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
    """Write findings to stderr, with colour on a terminal."""
    if diagnostics:
        from definitions.rendering import render_text  # most runs have no findings

        is_coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        say(render_text(diagnostics, sources, is_coloured).rstrip("\n"))
