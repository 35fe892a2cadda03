"""Expressions that fail on the values of a run: what no look at the definition could tell."""

from definitions.codes.entry import Code, Example

_FAILS = "Fails on such values"


def _fails(wrong: str, right: str) -> Example:
    return Example(wrong, right, label=_FAILS)


CODES = (
    Code(
        "no-such-field",
        "a value has no field of that name",
        "The path leads into an object that has no such key, or into something that has no keys at all: a text, a "
        "number, `null`. The message names the path as far as it leads, and what is there. Where a field may be "
        'missing, say what then counts: `default(steps.triage.outputs.owner, "nobody")`; `exists(…)` asks.',
        _fails(
            "when: steps.triage.outputs.owner.team == 'core'",
            "when: default(steps.triage.outputs.owner.team, \"\") == 'core'",
        ),
    ),
    Code(
        "no-such-item",
        "a list has no item at that place",
        "Items are counted from 0, and from the end with negative numbers. `first`, `last`, `min` and `max` of an "
        "empty list are refused as well. `default(…, …)` gives a value for the list that is too short.",
        _fails("when: inputs.files[3] == 'a.py'", "when: default(inputs.files[3], \"\") == 'a.py'"),
    ),
    Code(
        "no-such-name",
        "a name that means nothing where the expression is evaluated",
        "Names are checked when a definition is loaded, so this is met where a text is evaluated without one, or in a "
        "run that began under another version of its definition. There are `inputs`, `steps`, `env` and `run`.",
    ),
    Code(
        "division-by-zero",
        "something is divided by 0",
        "The message shows the operation. Ask before dividing: `passed / total if total > 0 else 0`.",
        _fails(
            'rate: "{{ inputs.passed / inputs.total }}"',
            'rate: "{{ inputs.passed / inputs.total if inputs.total > 0 else 0 }}"',
        ),
    ),
    Code(
        "bad-argument",
        "a function was given a value that it cannot take",
        'The type is right and the value is not: `int("many")`, `split(text, "")`, a text that is not JSON for '
        "`from_json`. The message says what the function wants. `docs/expressions.md` has them all.",
        _fails(
            'count: "{{ int(steps.count.outputs.stdout) }}"', 'count: "{{ int(trim(steps.count.outputs.stdout)) }}"'
        ),
    ),
    Code(
        "bad-pattern",
        "the pattern of `matches` is not one",
        "Patterns are regular expressions without back-references and look-around, so that matching takes time linear "
        "in the text. A pattern that stands in the definition is checked when it is loaded; this one came from a "
        "value.",
    ),
    Code(
        "null-in-text",
        "null would have to stand inside text",
        "A placeholder that is all there is keeps its null; inside a longer text, and in a script, there is nothing "
        "that null could be written as. An environment variable that is not set is null, as is a result of a step "
        "that was skipped. Give a default.",
        _fails('prompt: "Reviewer: {{ env.REVIEWER }}"', "prompt: \"Reviewer: {{ default(env.REVIEWER, 'nobody') }}\""),
    ),
    Code(
        "result-too-big",
        "a value grew beyond its bound",
        "An expression gives at most 256 KiB of text and 100,000 items, a rendered text has at most 1 MiB. Bigger "
        "things are files: write them in a step, declare them under `outputs`, and pass the file on.",
    ),
    Code(
        "expression-too-expensive",
        "the expression would go through too many items",
        "One evaluation may go through a million items and characters, so that no value can hold up a run. Filter or "
        "count in a shell step.",
    ),
    Code(
        "nul-in-shell-value",
        "a value for a script holds a NUL character",
        "No argument and no environment variable can hold one. Write such bytes to a file and pass its path.",
    ),
    Code(
        "not-unicode",
        "a text holds half of a character",
        'JSON can say `"\\ud800"`, half of a pair that only together is a character. Such a text cannot be written '
        "as UTF-8, so no process can be given it. Correct it where it comes from.",
    ),
    Code(
        "not-json",
        "a value is none that JSON has",
        "Values are null, booleans, numbers, texts, lists and objects. Anything else came from a plug-in or a defect; "
        "`perdure doctor ID` collects what a report needs.",
    ),
    Code(
        "stored-value-in-text",
        "a value in the store would have to stand inside text",
        "Values over 1 KB are kept in the store, and a reference stands for them until they are read. This is a defect "
        "of Perdure where you meet it; report it with the expression.",
    ),
    Code(
        "shell-value-too-big",
        "a value is too big for a script",
        "Small values travel to a script as environment variables and bigger ones by file, but the kernel takes no "
        "argument of a program over 128 KiB, and all values of a script are bounded together. Pipe such a value "
        "(`printf '%s' {{ … }} | program`), write it in a here-document, or pass a file. `docs/shell-values.md` has "
        "it all.",
    ),
    Code(
        "no-such-file",
        "a file that should be read is not there",
        "A function such as `parse_coverage` names a path that the workspace of this step does not have, or an input "
        "of type `file` names one that the workspace of the run does not have, or a command was given a path to "
        "nothing. Files that a step makes are there for the steps after it; ignored files are not part of a run's "
        "workspace.",
    ),
    Code(
        "unfit-file",
        "a file is not what the function reads",
        "`parse_coverage` reads Cobertura, LCOV and coverage.py reports, `parse_junit` JUnit XML, `read_json` JSON in "
        "UTF-8. The message says where the file stops to be one.",
    ),
    Code(
        "file-too-big",
        "a file is too big to be read by an expression",
        "Expressions read files of up to 50 MiB. Take what is needed out of a bigger one in a shell step.",
    ),
)
