"""The generated parts of `docs/lint.md`: the list of rules, and the table of commands that have effects."""

import re
from collections.abc import Iterator

from definitions.codes import CODES
from definitions.lint.known import KNOWN

_BLOCK = re.compile(r"(<!-- (rules|effects) -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: str) -> str:
    """Return the page with its generated parts made anew."""
    made = {"rules": _rules, "effects": _effects}
    return _BLOCK.sub(lambda block: block[1] + "\n".join(made[block[2]]()) + "\n" + block[3], page)


def _rules() -> Iterator[str]:
    yield from ("| code | what it finds |", "| --- | --- |")
    for slug, code in CODES.items():
        if code.severity == "lint":
            yield f"| [{slug}](diagnostics.md#{slug}) | {code.title} |"


def _effects() -> Iterator[str]:
    yield from ("| tier | what it does | commands |", "| --- | --- | --- |")
    for tier in (3, 2):
        rows: dict[str, dict[str, None]] = {}
        for known in KNOWN:
            if known.tier == tier:
                rows.setdefault(known.what, {})[" ".join(known.words)] = None
        for what, commands in rows.items():
            yield f"| {tier} | {what} | {', '.join(f'`{command}`' for command in commands)} |"
