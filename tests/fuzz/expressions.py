"""A coverage-guided fuzzer of the value language: `python tests/fuzz/expressions.py [FOLDER] [-max_total_time=60 …]`.

Needs `atheris` (Linux, from PyPI); all other arguments are libFuzzer's. FOLDER keeps the texts that reached something
new. A text that breaks a promise is written to the current folder as `crash-…`; add it to
`tests/definitions/expression_attacks.txt`, so that it is tried for ever.
"""

import sys
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["definitions"]):  # pyright: ignore
    from tests.support.expression_judge import judge


def attempt(content: bytes) -> None:
    """Judge one text."""
    judge(content.decode("utf-8", "ignore"))


if __name__ == "__main__":
    atheris.Setup(
        [*sys.argv, "-max_len=400", "-len_control=0", f"-dict={Path(__file__).with_name('expressions.dict')}"], attempt
    )
    atheris.Fuzz()
