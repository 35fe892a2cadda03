"""Dead links in our Markdown: every relative link must lead to a file, every anchor to a heading.

Links to other sites are not followed: the check needs no network. Code blocks and code spans are skipped.
"""

import re
import subprocess
import sys
from pathlib import Path

_FENCE = re.compile(r"^(\s*)(```+|~~~+).*?^\s*\2\s*$", re.DOTALL | re.MULTILINE)
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_EXPLICIT_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def markdown_files(root: Path) -> list[Path]:
    """Return the Markdown files that git knows or would add."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return sorted(path for path in (root / line for line in listing.stdout.splitlines()) if path.is_file())


def links(text: str) -> list[str]:
    """Return the targets of the links in `text`, in order."""
    return _LINK.findall(_CODE_SPAN.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """Return the anchors that `text` offers, as code hosts make them from headings."""
    found: set[str] = set(_EXPLICIT_ANCHOR.findall(text))
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.add(f"{slug}-{number}" if slug in found else slug)
    return found


def dead_links(root: Path) -> list[str]:
    """Return one line for each link that leads nowhere: `file: target (why)`."""
    dead: list[str] = []
    for file in markdown_files(root):
        for target in links(file.read_text()):
            reason = _why_dead(root, file, target)
            if reason:
                dead.append(f"{file.relative_to(root)}: {target} ({reason})")
    return dead


def _why_dead(root: Path, file: Path, target: str) -> str | None:
    if _ELSEWHERE.match(target):
        return None
    path, _, anchor = target.partition("#")
    leads_to = (file.parent / path).resolve() if path else file
    if not leads_to.is_relative_to(root.resolve()):
        return "outside the repository"
    if not leads_to.exists():
        return "no such file"
    if anchor and leads_to.suffix == ".md" and anchor not in anchors(leads_to.read_text()):
        return "no such heading"
    return None


def main() -> int:
    """Print what is dead; return the exit code."""
    dead = dead_links(Path(__file__).resolve().parent.parent)
    sys.stdout.writelines(f"dead link: {line}\n" for line in dead)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
