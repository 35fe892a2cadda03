"""The function table as Markdown: the generated part of `docs/expressions.md`.

The page is prose with the table in it, between `<!-- functions -->` and `<!-- end -->`.
"""

import re

from definitions.functions.registry import FUNCTIONS, Function

_BLOCK = re.compile(r"(<!-- functions -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: str) -> str:
    """Return the page with its function table made anew."""
    return _BLOCK.sub(lambda block: block.group(1) + functions_table() + block.group(2), page)


def functions_table() -> str:
    """Return a table of all functions."""
    rows = ["| function | gives | meaning | example |\n|---|---|---|---|\n"]
    rows.extend(_row(function) for function in FUNCTIONS.values())
    return "".join(rows)


def _row(function: Function) -> str:
    notes: list[str] = []
    if function.is_method:
        notes.append(f"Also `x.{function.name}({', '.join(['…'] * (function.least > 1))})`.")
    if function.reads_files:
        notes.append("Reads a file.")
    if function.only_in_when:
        notes.append("Only in `when`.")
    example = f"`{function.example}`" + (f" is `{function.gives}`" if function.gives else "")
    cells = [f"`{function.signature}`", _types(function), " ".join([function.doc, *notes]), example]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _types(function: Function) -> str:
    return " or ".join(sorted(function.result)) or "any"
