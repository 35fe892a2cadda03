"""The functions of the expression language: one table, filled by a module per subject.

    registry      what a function is; the table; look-up
    lazy          default, exists: they look at an expression before its value
    texts         lower, split, matches, …
    collections   len, first, sort, …
    numbers       abs, round, sum, …
    conversions   int, str, json, hash, …
    files         declarations of the functions that read files (bodies: `activities.file_functions`)

`docs/expressions.md` is generated from the table, and a test holds them together.
"""

from definitions.functions import collections, conversions, files, lazy, numbers, texts
from definitions.functions.registry import FUNCTIONS, Function, Parameter, TypeSet, find, suggestion

__all__ = [
    "FUNCTIONS",
    "Function",
    "Parameter",
    "TypeSet",
    "collections",
    "conversions",
    "files",
    "find",
    "lazy",
    "numbers",
    "suggestion",
    "texts",
]
