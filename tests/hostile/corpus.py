"""The whole corpus: families made here, and the texts in `found/` that fuzzers and people ran into.

`python -m tests.hostile.corpus FOLDER` writes its small texts as files, for fuzzers to begin with. A text found
later goes into `found/NAME.yaml`: nothing more is needed for it to be tried by every test.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.families import encodings, shapes, sizes, syntax
from tests.hostile.families.case import Case

FOUND = Path(__file__).parent / "found"
SMALL = 20_000
ANY = "*"
"""Instead of codes: some finding."""
EITHER = "?"
"""Instead of codes: findings, or none."""


def corpus() -> dict[str, Case]:
    """Return every case by its name."""
    cases: dict[str, Case] = {}
    for name, case in _all():
        assert name not in cases, name
        cases[name] = case
    return cases


def _all() -> Iterator[tuple[str, Case]]:
    for family in (encodings, syntax, shapes, sizes):
        for name, case in family.cases():
            yield f"{family.__name__.rsplit('.', 1)[-1]}: {name}", case
    for path in sorted(FOUND.iterdir()):
        yield f"found: {path.name}", Case(path.read_bytes(), frozenset({EITHER}))


def write_small(folder: Path) -> int:
    """Write the small cases as files; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, case in corpus().items():
        content = case.content if isinstance(case.content, bytes) else case.content.encode(errors="surrogatepass")
        if len(content) <= SMALL:
            (folder / f"{count:04d}-{re.sub('[^a-z0-9]+', '-', name.lower())[:60]}.yaml").write_bytes(content)
            count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{write_small(Path(sys.argv[1]))} files\n")
