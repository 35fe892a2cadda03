"""The value language, and values in shell text."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "expression-syntax",
        "the text is not an expression",
        "Expressions are written as in Python: `inputs.n + 1`, `a and not b`, `x if y else z`, `[1, 2]`, "
        '`"text"`. `docs/expressions.md` has the whole language.',
        Example("when: inputs.n = 1", "when: inputs.n == 1"),
    ),
    Code(
        "template-syntax",
        "`{{` is not closed",
        "A placeholder is `{{ expression }}`. For the two characters themselves write `{{ '{{' }}`.",
        Example('prompt: "Cover {{ inputs.module"', 'prompt: "Cover {{ inputs.module }}"'),
    ),
    Code(
        "expression-not-allowed",
        "Python has it, the expression language has not",
        "There are no comprehensions, lambdas, slices, attributes of values or f-strings: an expression "
        "looks values up, compares and calls the listed functions. Compute more in a shell step.",
        Example('values: {n: "{{ [x for x in inputs.files] }}"}', ""),
    ),
    Code(
        "expression-too-long",
        "the expression is too long",
        "A long expression is hard to read and costly to evaluate. Split it over a `set` step.",
    ),
    Code(
        "expression-too-deep",
        "the expression is nested too deep",
        "Split it over a `set` step.",
    ),
    Code(
        "unknown-function",
        "no function of that name",
        "The functions are listed in `docs/expressions.md`. Those marked as methods can also be written "
        "after a dot: `report.file(path)`.",
        Example("when: length(inputs.files) > 0", "when: len(inputs.files) > 0"),
    ),
    Code(
        "misplaced-function",
        "a function that means something only in `when`",
        "`always()` in `when` lets a step run even where a step that it needs has failed or was skipped. "
        "Elsewhere there is nothing that it could decide.",
    ),
    Code(
        "wrong-arguments",
        "a function is called with too few or too many arguments",
        "The message shows how it is called; `?` marks an argument that may be left out, `…` one that may be repeated.",
        Example("when: matches(inputs.branch)", 'when: matches(inputs.branch, "release/.*")'),
    ),
    Code(
        "type-mismatch",
        "an operation on values that it can never take",
        "Nothing is converted silently: a text is not a number. `int(…)`, `float(…)` and `str(…)` convert.",
        Example('when: inputs.n > "3"', "when: inputs.n > 3"),
    ),
    Code(
        "number-out-of-range",
        "a number does not fit into 64 bits",
        "Whole numbers are between -2^63 and 2^63 - 1, decimal ones are finite, so that every reader of JSON "
        "sees the same.",
    ),
    Code(
        "condition-not-boolean",
        "a condition gives something else than true or false",
        "There is no truthiness: an empty text, 0 and null are not false. Compare the value with something. "
        "`env.X` is a text, or null.",
        Example("when: env.CREATE_PR", "when: env.CREATE_PR == 'true'"),
    ),
    Code(
        "impossible-value",
        "a value is compared with one that it can never have",
        "All values are declared, by an `enum` of an input or of an agent's `output_schema`, or by Perdure itself (the "
        "`status` of a step, the `verdict` of a gate), and the one written here is not among them. The comparison "
        "gives the same answer in every run; most often the word is misspelled. This is a warning.",
        Example(
            "when: steps.build.status == 'complete'", "when: steps.build.status == 'completed'", label="Never true"
        ),
        severity="warning",
    ),
    Code(
        "unsafe-shell-value",
        "a value stands where the shell cannot take it safely",
        "In `command` each `{{ }}` becomes an environment variable, referred to as its place needs: bare, in quotes, "
        "in a here-document. There are places where no such reference is safe, because what stands there is run or "
        "evaluated again: the code of `bash -c`, the name of a command, arithmetic, backquotes, `eval`. The message "
        'says what to write instead; most often: assign the value first, `value={{ … }}`, and use `"$value"`. In '
        "scripts for Python and Node a value is an expression of its own, and cannot stand inside a string.",
        Example("command: bash -c {{ inputs.checks }}", "command: bash -c 'make \"$1\"' _ {{ inputs.target }}"),
    ),
)
