"""Keys and values that would do nothing where they stand."""

from definitions.codes.entry import Code

CODES: tuple[Code, ...] = ()
