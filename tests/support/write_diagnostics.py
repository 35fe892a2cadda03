"""Writes the expected texts of diagnostic codes anew: `python tests/support/write_diagnostics.py [SLUG…]`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.diagnostic_fixtures import EVALUATION, FOLDER, LOADED, rendered


def main(slugs: list[str]) -> None:
    """Write the texts of `slugs`, of all codes where none is named."""
    for slug in slugs or [*LOADED, *EVALUATION]:
        (FOLDER / f"{slug}.txt").write_text(rendered(slug), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
