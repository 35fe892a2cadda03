"""`docs/mistakes.md` shows what is really said."""

from pathlib import Path

import pytest

from definitions.codes import CODES
from tests.support.mistakes import Mistake, mistakes, mistakes_page

PAGE = Path(__file__).parents[2] / "docs/mistakes.md"


def test_page_is_current_when_it_is_made_anew():
    assert PAGE.read_text(encoding="utf-8") == mistakes_page(), "run `python tests/support/write_docs.py`"


def test_page_has_twenty_mistakes_of_twenty_kinds():
    assert [mistake.number for mistake in mistakes()] == list(range(1, 21))
    assert len({mistake.code for mistake in mistakes()} & {*CODES}) == 20


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.code)
def test_mistake_is_found_and_nothing_else_when_it_is_validated(mistake: Mistake):
    findings = mistake.findings()
    assert {finding.code for finding in findings} == {mistake.code}
    assert all(finding.span for finding in findings)
