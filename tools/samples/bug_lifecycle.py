"""A page writer whose slugs begin with a hyphen where a title begins with a space; the report says so."""

from tools.samples.making import Commit, Sample

_IGNORES = """\
__pycache__/
"""

_PROJECT = """\
[project]
name = "pages"
version = "1.0"
requires-python = ">=3.11"
"""

_SLUGS = '''\
"""Slugs: the part of a page's address that is made from its title."""


def slug(title: str) -> str:
    """Return the title in lower case with hyphens between its words."""
    return title.lower().replace(" ", "-")
'''

_SLUGS_TEST = """\
from pages.slugs import slug


def test_words_are_joined_by_hyphens():
    assert slug("A day at sea") == "a-day-at-sea"
"""

SAMPLE = Sample(
    definition="bug-lifecycle",
    inputs={"report": "A title that begins with a space gives a slug that begins with a hyphen"},
    commits=(
        Commit("Start the page writer", {".gitignore": _IGNORES, "pyproject.toml": _PROJECT}),
        Commit(
            "Add slugs",
            {"pages/__init__.py": "", "pages/slugs.py": _SLUGS, "tests/test_slugs.py": _SLUGS_TEST},
        ),
    ),
)
