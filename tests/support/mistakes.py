"""The page of twenty mistakes: each is a file in `tests/definitions/mistakes`, and what `perdure validate` says to it.

A file is called NUMBER-CODE.yaml and begins with comments: the title, then a sentence or none; after an empty line
comes the definition.
"""

from dataclasses import dataclass
from pathlib import Path

from definitions.diagnostics import Diagnostic
from definitions.loader import load
from definitions.rendering import render_text

FOLDER = Path(__file__).parents[1] / "definitions/mistakes"
_PREFACE = """\
# Twenty mistakes, and what Perdure says to each

Made by `tests/support/write_docs.py` from `tests/definitions/mistakes/`, so this is what `perdure validate` prints.
All findings of a file come at once, and nothing has started when they are said. `perdure explain CODE`, or
[Diagnostics](diagnostics.md), has more about each; [Lint](lint.md) is about the last three.
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake."""

    number: int
    code: str
    title: str
    story: str
    text: str

    @property
    def file(self) -> str:
        """Return the name that findings show."""
        return f"{self.text.partition('name: ')[2].split()[0]}.yaml"

    def findings(self) -> tuple[Diagnostic, ...]:
        """Return what is said about it."""
        return load(self.text, self.file, with_lint=True).diagnostics

    def section(self) -> str:
        """Return its section of the page; what cannot be shown is written as a YAML escape."""
        said = render_text(self.findings(), {self.file: self.text}, color=False)
        shown = "".join(one if one.isascii() else f"\\u{ord(one):04x}" for one in self.text)
        story = f"{self.story}\n\n" if self.story else ""
        return f"## {self.number}. {self.title}\n\n{story}```yaml\n{shown}```\n\n```text\n{said}```\n"


def mistakes() -> list[Mistake]:
    """Return all mistakes in order."""
    return [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def mistakes_page() -> str:
    """Return `docs/mistakes.md`."""
    found = mistakes()
    contents = "".join(f"{one.number}. [{one.title}](#{_anchor(one)}): `{one.code}`\n" for one in found)
    return "\n".join([_PREFACE, contents, *(one.section() for one in found)])


def _anchor(mistake: Mistake) -> str:
    kept = "".join(one for one in mistake.title.lower() if one.isalnum() or one in " -")
    return f"{mistake.number}-{kept.replace(' ', '-')}"


def _read(path: Path) -> Mistake:
    number, _, code = path.stem.partition("-")
    head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
    title, _, story = head.replace("\n# ", "\n").removeprefix("# ").partition("\n")
    return Mistake(int(number), code, title, " ".join(story.split("\n")), text)
