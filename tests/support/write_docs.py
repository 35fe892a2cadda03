"""Writes llms.txt and the parts of docs/ that are made from the code: `python tests/support/write_docs.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from definitions.functions import reference as functions  # noqa: E402 - the path comes first
from definitions.lint import reference as lint  # noqa: E402
from definitions.llms import page as llms_page  # noqa: E402
from definitions.reference import diagnostics_page, refresh  # noqa: E402
from tests.support.mistakes import mistakes_page  # noqa: E402


def main() -> None:
    """Write the pages anew."""
    language = ROOT / "docs/language.md"
    language.write_text(refresh(language.read_text(encoding="utf-8")), encoding="utf-8")
    expressions = ROOT / "docs/expressions.md"
    expressions.write_text(functions.refresh(expressions.read_text(encoding="utf-8")), encoding="utf-8")
    advice = ROOT / "docs/lint.md"
    advice.write_text(lint.refresh(advice.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "llms.txt").write_text(llms_page(), encoding="utf-8")
    (ROOT / "docs/mistakes.md").write_text(mistakes_page(), encoding="utf-8")
    (ROOT / "docs/diagnostics.md").write_text(diagnostics_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
