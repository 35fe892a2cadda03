"""Definitions that lead to other definitions."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "definition-cycle",
        "a definition leads back to itself",
        "What a `workflow` step runs is frozen with the run, so definitions that lead to each other in a circle would "
        "have no end; nor would runs that start each other (`detach: true`). Each place of the circle is shown. To do "
        "something again, use `loop`, or a jump back with `max_visits`.",
        Example("type: workflow\ndefinition: ./release.yaml  # in release.yaml itself"),
    ),
    Code(
        "definitions-too-deep",
        "too many definitions are inside each other",
        "At most 8, the first one not counted. Paths of steps, and people who read them, have their limits too.",
    ),
    Code(
        "workspace-inside",
        "a definition that begins with files of its own is run as a step",
        "A step of a run works on the run's files, and so does what a `workflow` step runs. A definition with "
        "`workspace: {from: empty}` or `workspace: {git: …}` can only be started as a run of its own.",
        Example("type: workflow\ndefinition: scaffold", "type: workflow\ndefinition: scaffold\ndetach: true"),
    ),
    Code(
        "uses-draft",
        "a definition that is active leads to a draft",
        "A draft may change, or may not work, on any day. `perdure definitions update ID --status active` says that it "
        "is done.",
        severity="warning",
    ),
)
