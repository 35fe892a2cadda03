"""`perdure test`: how many cases were played, what they cover, which expectations were written anew."""

from pathlib import Path

TEST_INIT = "`perdure test --init DEFINITION` writes a first one"


def no_test_files() -> str:
    """Say that there is nothing to test."""
    return "there is no `*.test.yaml` below this folder"


def test_init_wants() -> str:
    """Say what `test --init` needs."""
    return "`--init` wants the definitions to write test files for"


def tests_played(cases: int, failed: int) -> str:
    """Count the cases that were played."""
    if cases == 0:
        return "no case was played: none is wanted by `-k` and `--level`"
    played = f"{cases} {'case' if cases == 1 else 'cases'}"
    return f"{played}, {failed} failed" if failed else f"{played}, all passed"


def coverage_too_low(path: Path, percent: float, minimum: float) -> str:
    """Say that the cases of a file cover too little of its definition."""
    return f"`{path}` covers {percent:.1f}%, less than the minimum of {minimum:g}%"


def changed_meanwhile(path: Path) -> str:
    """Say that a file was changed by somebody else while it was worked on."""
    return f"`{path}` was changed while its cases were played, and was left as it is"


def test_file_updated(path: Path, count: int) -> str:
    """Say that expectations were written anew."""
    return f"`{path}`: {count} {'expectation' if count == 1 else 'expectations'} written anew"
