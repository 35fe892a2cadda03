"""Values given to a run."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "missing-input",
        "an input without a default was given no value",
        "Give it by `-i NAME=VALUE`, in a file by `--inputs FILE`, or in the start input's `inputs`.",
        Example("", "perdure run raise-coverage -i module=src/prices.py"),
    ),
    Code(
        "invalid-input",
        "a given value does not fit its input",
        "The value has another type than the input declares, is outside of its `enum`, `minimum`, `maximum` "
        "or `pattern`, or is a file that lies outside of the workspace. Values on the command line are read "
        "by the declared type: `-i n=3` is a number for a number and a text for a text.",
    ),
)
