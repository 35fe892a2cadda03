"""llms.txt: the whole language on one page, for coding agents that write definitions and their tests.

`page.md` is the prose, with places for what is made from the code: `{keys: NAME}` for the keys of a model,
`{functions}`, `{classes}`, `{lint}`, `{planned}`. `perdure schema --llms` prints the page; llms.txt at the top of the
repository is the same (tests/client/test_llms.py holds it, and plays the examples).
"""

import re
from collections.abc import Callable
from importlib.resources import files

from pydantic import BaseModel

from definitions.cases import models as cases
from definitions.codes import CODES
from definitions.errors import ErrorClass
from definitions.functions.registry import FUNCTIONS
from definitions.planned import KEYS, STEP_TYPES
from definitions.reference import Fact, facts, facts_of
from definitions.shape import MODELS

_PLACE = re.compile(r"\{(keys|functions|classes|lint|planned)(?:: ([a-z-]+))?\}")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_CASES: dict[str, type[BaseModel]] = {
    "case-file": cases.CaseFile,
    "case": cases.Case,
    "stub": cases.Stub,
    "failure": cases.Failure,
    "case-decision": cases.CaseDecision,
    "case-signal": cases.CaseSignal,
    "case-resumption": cases.CaseResumption,
    "expectation": cases.Expectation,
    "step-expectation": cases.StepExpectation,
    "error-expectation": cases.ErrorExpectation,
    "duration-expectation": cases.DurationExpectation,
}


def page() -> str:
    """Return the page."""
    prose = (files(__name__) / "page.md").read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: _PARTS[place[1]](place[2]), prose)


def _keys(name: str) -> str:
    found = facts(name) if name in MODELS else facts_of(_CASES[name])
    return "\n".join(map(_key, found))


def _key(fact: Fact) -> str:
    default = f", default {fact.default}" if fact.default not in ("", "required") else ""
    need = ", required" if fact.default == "required" else default
    line = _LINK.sub(r"\1", f"- `{fact.key}` ({fact.value}{need}): {fact.meaning}")
    return line.replace("\\|", "|")


def _functions(_: str) -> str:
    lines: list[str] = []
    for function in FUNCTIONS.values():
        notes = [function.doc]
        notes += ["Reads a file."] if function.reads_files else []
        example = f" `{function.example}`" + (f" is `{function.gives}`." if function.gives else "")
        lines.append(f"- `{function.signature}`: {' '.join(notes)}{example}")
    return "\n".join(lines)


def _classes(_: str) -> str:
    return ", ".join(f"`{one}`" for one in ErrorClass)


def _lint(_: str) -> str:
    return "\n".join(f"- `{code.slug}`: {code.title}" for code in CODES.values() if code.severity == "lint")


def _planned(_: str) -> str:
    words = sorted({*(key for keys in KEYS.values() for key in keys)})
    return f"Step types: {_listed(sorted(STEP_TYPES))}. Keys: {_listed(words)}."


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


_PARTS: dict[str, Callable[[str], str]] = {
    "keys": _keys,
    "functions": _functions,
    "classes": _classes,
    "lint": _lint,
    "planned": _planned,
}
