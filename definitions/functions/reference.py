"""The function table as Markdown: the generated part of `docs/expressions.md`.

The page is prose with the table in it, between `<!-- functions -->` and `<!-- end -->`.
"""

import re

from definitions.functions.registry import ANY, FUNCTIONS, LIST, Function, Parameter, TypeSet

_BLOCK = re.compile(r"(<!-- functions -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: str) -> str:
    """Return the page with its function table made anew."""
    return _BLOCK.sub(lambda block: block.group(1) + functions_table() + block.group(2), page)


def functions_table() -> str:
    """Return a table of all functions."""
    rows = ["| function | takes | gives | meaning | example |\n|---|---|---|---|---|\n"]
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
    takes = ", ".join(map(_parameter, function.parameters))
    gives = in_words(function.result, function.items)
    cells = [f"`{function.signature}`", takes, gives, " ".join([function.doc, *notes]), example]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def in_words(types: TypeSet, items: TypeSet = ANY) -> str:
    """Return what fits as the table says it: `number or string`, `list of strings`."""
    if items and types == LIST:
        return "list of " + " or ".join(f"{kind}s" for kind in sorted(items))
    return " or ".join(sorted(types)) or "any"


def _parameter(parameter: Parameter) -> str:
    mark = "…" if parameter.is_repeated else "?" if parameter.is_optional else ""
    return in_words(parameter.types, parameter.items) + mark
