"""Step paths: which declared step a path of a run means."""

import re

_MARKS = re.compile(r"#\d+|@\d+|\[[^\]/]*\]")


def declared_path(path: str) -> str:
    """Return the path of the declared step: `fix#3/test@2` and `epics[E-12]/test` without pass, visit and item."""
    return _MARKS.sub("", path)
