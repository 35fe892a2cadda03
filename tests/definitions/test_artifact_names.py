"""Names, versions and tags of artifacts: what the parser takes, and the schema's pattern with it."""

import re

import pytest

from definitions.artifact_names import REFERENCE_PATTERN, is_reference, parse_reference, reference_of

GOOD = ["a", "A.b_c-d", "team/report", "a@1", "a@999999999", "a@latest", "a@v1.2", "a@1.0", "x" * 100, "a@" + "t" * 64]
BAD = [
    "", "@", "a@", "@1", "a@0", "a@01", "a b", "a/", "/a", "a//b", ".a", "a/../b", "a@b@c", "a@-x", "x" * 101,
    "a@" + "t" * 65, "a@1234567890", "ä", "a\n", "a@x\n",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_reference_is_written_as_it_was_when_it_is_good(text: str):
    assert str(parse_reference(text)) == text.removesuffix("@latest")


@pytest.mark.parametrize("text", BAD)
def test_reference_is_refused_when_it_is_none(text: str):
    assert not is_reference(text)


@pytest.mark.parametrize("text", GOOD + BAD)
def test_pattern_of_the_schema_agrees_with_the_parser(text: str):
    found = re.search(REFERENCE_PATTERN, text)
    assert (found is not None and not text.endswith("\n")) == is_reference(text)


def test_version_and_tag_together_are_refused():
    with pytest.raises(ValueError, match="give one"):
        reference_of("a", "1", "t")
