"""docs/shell-values.md says what is so: what it calls refused is, and what it says to write instead is accepted."""

import re
from pathlib import Path

import pytest

from definitions.shell_values import Interpreter, check_script

PAGE = (Path(__file__).parents[3] / "docs" / "shell-values.md").read_text(encoding="utf-8")


def rows(table: str) -> list[tuple[str, ...]]:
    """Return the cells of a table of the page, without the marks of code."""
    between = PAGE.split(f"<!-- {table} -->\n")[1].split("<!-- end -->")[0]
    lines = between.strip().splitlines()[2:]
    cells = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]
    return [tuple(_code(cell).replace("\\|", "|") for cell in line) for line in cells]


def _code(cell: str) -> str:
    match = re.fullmatch(r"(`+) ?(.*?) ?\1", cell)
    return match[2] if match else cell


@pytest.mark.parametrize(("refused", "because", "instead"), rows("refused"))
def test_page_says_what_to_write_when_a_shell_place_is_refused(refused: str, because: str, instead: str) -> None:
    (error,) = check_script(refused)
    assert because in error.message
    assert check_script(instead) == ()


@pytest.mark.parametrize(("interpreter", "refused", "instead"), rows("refused programs"))
def test_page_says_what_to_write_when_a_program_place_is_refused(
    interpreter: Interpreter, refused: str, instead: str
) -> None:
    (error,) = check_script(refused, interpreter)
    assert error.code == "unsafe-shell-value"
    assert check_script(instead, interpreter) == ()
