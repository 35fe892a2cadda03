"""What is known of a value before any run: the types that a definition declares, followed through its expressions.

    type        a type: kinds, fields, items, literals; joining two
    schemas     JSON Schema -> type
    scope       what `inputs`, `steps`, `env` and `run` are in a definition
    inference   an expression's tree over a scope -> its type, and what in it can never work
    lookups     look-ups: fields, items, what a holder has
    operations  operators: what they take, what they give
    calls       calls: what functions take, what they give
    faults      what is said of a thing that can never work

Typing is gradual. Where nothing is declared a value may be anything, `ANY` takes every operation, and nothing is said
of it. A fault is only what must fail, or can never hold, whatever the run brings; so no definition that could work is
refused.
"""

from definitions.types.faults import Fault
from definitions.types.inference import Inference
from definitions.types.scope import TypeScope
from definitions.types.type import ANY, Type

__all__ = ["ANY", "Fault", "Inference", "Type", "TypeScope"]
