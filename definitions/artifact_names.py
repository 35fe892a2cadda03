"""What artifacts are called: a name, a version of it, a tag.

    coverage-report             the newest version
    coverage-report@3           version 3; versions are counted from 1 and never change
    coverage-report@approved    what the tag `approved` stands at

`latest` is no tag that anybody sets: it is the newest version, always.
"""

import re
from dataclasses import dataclass

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
LONGEST_NAME = 100
TAG_PATTERN = re.compile(r"(?=.*[^0-9])[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A number is a version, so a tag has something else in it."""
LATEST = "latest"
MEDIA_TYPE_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}")
LONGEST_REFERENCE = LONGEST_NAME + 65
REFERENCE_PATTERN = (
    r"^(?=[^@]{1,100}(@|$))[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*"
    r"(@([1-9][0-9]{0,8}|(?=.*[^0-9@].*$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?$"
)
"""What `parse_reference` takes, for JSON Schema."""
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class ArtifactReference:
    """What is asked for: the newest version, one by its number, or one by a tag."""

    name: str
    version: int | None = None
    tag: str | None = None

    def __str__(self) -> str:
        which = self.version if self.version is not None else self.tag
        return self.name if which is None else f"{self.name}@{which}"


def reference_of(name: str, version: str | None = None, tag: str | None = None) -> ArtifactReference:
    """Return what these ask for. Raises ValueError with what is wrong."""
    fault = name_fault(name)
    if fault is not None:
        raise ValueError(fault)
    if version is not None and tag is not None:
        raise ValueError(f"both a version (`{version[:60]}`) and a tag (`{tag[:60]}`) are asked for; give one")
    if version is not None:
        return ArtifactReference(name, version=version_of(version))
    if tag is None or tag == LATEST:
        return ArtifactReference(name)
    fault = tag_fault(tag)
    if fault is not None:
        raise ValueError(fault)
    return ArtifactReference(name, tag=tag)


def parse_reference(text: str) -> ArtifactReference:
    """Return what `NAME`, `NAME@VERSION` or `NAME@TAG` asks for. Raises ValueError with what is wrong."""
    name, separator, which = text.partition("@")
    if not separator:
        return reference_of(name)
    return reference_of(name, version=which) if which.isdecimal() else reference_of(name, tag=which)


def is_reference(text: str) -> bool:
    """Whether a text is `NAME`, `NAME@VERSION` or `NAME@TAG`."""
    try:
        parse_reference(text)
    except ValueError:
        return False
    return True


def version_of(text: str) -> int:
    """Return a version's number. Raises ValueError with what is wrong."""
    if not _VERSION.fullmatch(text):
        raise ValueError(f"`{text[:60]}` is no version; versions are numbers from 1 on")
    return int(text)


def name_fault(name: str) -> str | None:
    """Return why an artifact cannot be called so, None where it can."""
    if "@" in name:
        return f"`{name[:100]}` is no name of an artifact: give a version or a tag by a key of its own"
    if len(name) <= LONGEST_NAME and NAME_PATTERN.fullmatch(name):
        return None
    rule = f"a name has letters, digits, `.`, `_`, `-`, parts joined by `/`, at most {LONGEST_NAME} characters"
    return f"`{name[:100]}` is no name of an artifact: {rule}"


def tag_fault(tag: str) -> str | None:
    """Return why a tag cannot be set so, None where it can."""
    if tag == LATEST:
        return "`latest` is always the newest version and is never set"
    if TAG_PATTERN.fullmatch(tag):
        return None
    rule = "a tag has letters, digits, `.`, `_`, `-`, at most 64, and is no number"
    return f"`{tag[:100]}` is no tag: {rule}"
