"""The value language: Python's syntax for expressions, over JSON values only, with no way out.

    source       text -> text that `ast` may read: strings taken out, names made fit, `{{ }}` in conditions
    compiler     syntax tree -> closures, by an allow-list; references and calls found on the way
    tree         what the compiler understood, for those who judge a text without running it
    paths        `steps.build.outputs.x`: looking things up in the scope, and saying what is missing
    parsing      parse, parse_condition, evaluate, evaluate_condition

Nothing here reads a clock, a file or the environment, and the same text over the same scope gives the same value.
A text has no loops, so what it may cost is bounded by its length and by `definitions.evaluation.WORK_LIMIT`.
"""

from definitions.evaluation import FileReader, FilesNeeded, StoredValueNeeded
from definitions.expressions.compiler import Call, Reference
from definitions.expressions.parsing import Expression, evaluate, evaluate_condition, parse, parse_condition

__all__ = [
    "Call",
    "Expression",
    "FileReader",
    "FilesNeeded",
    "Reference",
    "StoredValueNeeded",
    "evaluate",
    "evaluate_condition",
    "parse",
    "parse_condition",
]
