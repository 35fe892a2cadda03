"""Keys, types and values."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "unknown-key",
        "a key that does not exist here",
        "An unknown key is never ignored: a misspelled `when` would be a step that always runs. A suggestion "
        "is given where one is close. Words that are *planned* are decided and will come, but do nothing "
        "yet, so they are refused too. Keys that begin with `x-` are free for notes and tools, in every "
        "mapping of the language.",
        Example("timout: 5m", "timeout: 5m"),
    ),
    Code(
        "missing-key",
        "a key that must be there is not",
        "Each step needs an `id` and a `type`, and each type has keys of its own that must be given; a "
        "definition needs a `name` and `steps`. `docs/language.md` lists them by step type.",
        Example("- id: build\n  type: shell", "- id: build\n  type: shell\n  command: make"),
    ),
    Code(
        "wrong-type",
        "a value of another type is wanted",
        "Nothing is converted: a list is a list, a number is a number, and only `true` and `false` are booleans.",
        Example("exit_codes: 0", "exit_codes: [0]"),
    ),
    Code(
        "invalid-value",
        "a value that is not allowed here",
        "The type is right and the value is not: a word outside of a fixed set, a number out of bounds, a "
        "text that is no duration, a default that its own input would refuse. The message says what is "
        "allowed. *Planned* values are decided and do nothing yet.",
        Example("timeout: 5 minutes", "timeout: 5m"),
    ),
    Code(
        "unknown-step-type",
        "a step type that does not exist",
        "The types are `shell`, `agent`, `assert`, `approval`, `set`, `wait`, `group`, `workflow` and `activity`; "
        "`claude_code` is short for an agent step with that provider. Some more are *planned* and refused until "
        "they are "
        "there.",
        Example("type: shel", "type: shell"),
    ),
    Code(
        "bad-output-schema",
        "`output_schema` is not a JSON Schema that can be applied",
        "It is held to draft 2020-12 before anything is spent on an answer. Patterns must be regular expressions, and "
        "a `$ref` names a part of the same schema (`#/$defs/NAME`): nothing is fetched.",
        Example(
            "output_schema:\n  properties:\n    count: {type: int}",
            "output_schema:\n  properties:\n    count: {type: integer}",
        ),
    ),
    Code(
        "doubtful-output-schema",
        "something in `output_schema` does nothing, or can hardly be meant",
        "JSON Schema takes any word, so a misspelled one is silently without effect, and a required name that no "
        "property has makes every answer unfit. Keys that begin with `x-` are free.",
        Example("output_schema:\n  propertys: {}", "output_schema:\n  properties: {}"),
        severity="warning",
    ),
)
