"""A page writer whose slugs grow without bound; the change asked for is to cut them at a word."""

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

import re


def slug(title: str) -> str:
    """Return the title in lower case with hyphens between its words."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words)
'''

_SLUGS_TEST = """\
from pages.slugs import slug


def test_words_are_joined_by_hyphens():
    assert slug("A day, at sea!") == "a-day-at-sea"
"""

SAMPLE = Sample(
    definition="reviewed-change",
    inputs={"request": "Cut slugs to at most 40 characters, at the end of a word"},
    commits=(
        Commit("Start the page writer", {".gitignore": _IGNORES, "pyproject.toml": _PROJECT}),
        Commit(
            "Add slugs",
            {"pages/__init__.py": "", "pages/slugs.py": _SLUGS, "tests/test_slugs.py": _SLUGS_TEST},
        ),
    ),
)
