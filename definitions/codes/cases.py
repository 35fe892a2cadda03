"""Test files of definitions (`NAME.test.yaml`)."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "unfit-case",
        "a case of a test file asks for what its definition does not have",
        "A stub stands for a step whose result is computed (`set`, `assert`, `group`, `wait`) or decided (`approval`); "
        "a decision is for a step that is no gate; a prompt is expected of a step that is no agent; or two cases have "
        "the same name. Such a case would prove less than it says.",
        Example(
            "cases:\n  - name: the release is approved\n    stubs:\n      release: {outputs: {verdict: approve}}",
            "cases:\n  - name: the release is approved\n    decisions:\n      release: approve",
        ),
    ),
    Code(
        "unmet-expectation",
        "a case came to something else than it expects",
        "`perdure test` shows each expectation that was not met, at its place in the test file. Where the new result "
        "is the right one, `perdure test --update FILE` writes it there.",
    ),
    Code(
        "case-not-played",
        "a case could not be played, so it says nothing about the definition",
        "Its workspace cannot be laid out (a path that leaves it, a folder that is not there), a `file` input names no "
        "file of it, or the level at which it is played asks for something that this machine does not have.",
    ),
)
