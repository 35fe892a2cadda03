"""Questions before something is removed."""

import io

import click
import pytest

from client.asking import confirmed
from client.exit_codes import ExitCode
from client.output import Problem


class Terminal(io.StringIO):
    """A terminal whose person closes it."""

    def isatty(self) -> bool:
        return True


def test_the_answer_counts_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nno\n"))
    assert confirmed("remove it?")
    assert not confirmed("remove it?")


def test_the_way_out_is_told_when_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(Problem, match="nobody is there to answer") as raised:
        confirmed("remove it?")
    assert (raised.value.code, raised.value.remedy) == (ExitCode.USAGE, "`--yes` does it without asking")


def test_a_person_may_leave_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    with pytest.raises(click.Abort):
        confirmed("remove it?")
