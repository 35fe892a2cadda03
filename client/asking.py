"""Questions before something is removed: on stderr; where nobody is there to answer, refused with the way out."""

import sys

import click

from client.exit_codes import ExitCode
from client.messages import asking_words
from client.output import Problem


def confirmed(question: str) -> bool:
    """Ask, and return whether the answer is yes. Raises `Problem` where nobody can answer, as in a script."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():  # interrupted
            raise
        click.echo(err=True)
        raise Problem(
            asking_words.NOBODY_ANSWERED, code=ExitCode.USAGE, slug="usage", remedy=asking_words.ANSWER_BEFOREHAND
        ) from None
