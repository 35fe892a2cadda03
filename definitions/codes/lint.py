"""Comments that allow findings, and what is legal and unwise."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "invalid-allow",
        "a comment `# perdure: …` that allows nothing",
        "A comment `# perdure: allow SLUG reason` allows a warning or a lint finding on its line, on the line below it, or, "
        "where a step begins, in that step. It has no effect without a reason, with a code that does not exist, and with one "
        "of an error: errors cannot be allowed.",
        Example("# perdure: allow unused-input", "# perdure: allow unused-input the nightly schedule gives it"),
        severity="warning",
    ),
    Code(
        "unneeded-allow",
        "a comment allows something that is not there",
        "What it allowed has been mended, or it stands on another line than the finding. Left behind, it would one day hide "
        "a new finding. The comment speaks for its own line, for the line below it, and, where a step begins, for that step.",
        severity="lint",
    ),
)
