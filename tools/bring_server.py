"""Bring the Temporal server's program to this machine, the way Perdure itself does; prints nothing if it is there."""

import os
import sys

import click

from definitions.errors import EnvironmentUnfit
from worker.server_binary import find_binary


def main() -> int:
    """Find, download or build it; return the exit code."""
    try:
        find_binary(os.environ, lambda text: click.echo(text, err=True))
    except EnvironmentUnfit as error:
        click.echo(f"error: {error}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
