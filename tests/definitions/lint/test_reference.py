"""`docs/lint.md` is what the rules and the table say."""

import re
from pathlib import Path

import pytest

from definitions.lint.known import KNOWN
from definitions.lint.reference import refresh
from definitions.loader import load

PAGE = (Path(__file__).parents[3] / "docs/lint.md").read_text(encoding="utf-8")


def test_page_is_current_when_made_anew():
    assert refresh(PAGE) == PAGE, "run `python tests/support/write_docs.py`"


@pytest.mark.parametrize("command", {" ".join(known.words) for known in KNOWN})
def test_page_has_every_command_when_it_is_read(command: str):
    assert f"`{command}`" in PAGE


def test_example_of_comments_is_clean_when_linted():
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "# perdure: allow" in block]
    loaded = load(f"name: release\ndescription: Publish it\n{example}", "release.yaml", with_lint=True)
    assert loaded.diagnostics == ()
