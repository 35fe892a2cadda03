"""Keys and values that would do nothing where they stand."""

from definitions.codes.entry import Code, Example

CODES: tuple[Code, ...] = (
    Code(
        "key-without-effect",
        "a key that does nothing where it stands",
        "The key exists, and here nothing looks at it: `cache` on a step that is computed in the workflow, `merge` on "
        "a group whose steps run one after the other, `on_timeout` of a gate without `timeout`, bounds of an input "
        "that is no number. Whoever reads it would believe in a cache, a time limit or a check that is none. Remove "
        "it, or give what it needs. This is a warning.",
        Example(
            "- id: go\n  type: approval\n  on_timeout: approve",
            "- id: go\n  type: approval\n  timeout: 2h\n  on_timeout: approve",
            label="Does nothing",
        ),
        severity="warning",
    ),
    Code(
        "conflicting-keys",
        "two keys of a step say the opposite of each other",
        "One of them would have to be ignored, and nobody can tell which one is meant. Keep one.",
        Example("cache: false\ncache_key: v2", "cache_key: v2"),
    ),
    Code(
        "duplicate-item",
        "an item stands twice in a list",
        "In this list each item counts once, so the second one does nothing; often another one was meant. This is a "
        "warning.",
        Example("needs: [build, build]", "needs: [build, lint]"),
        severity="warning",
    ),
    Code(
        "bad-variable-name",
        "a name that no environment variable can have, or that is taken",
        "Names are not empty and hold no `=` and no white space. `PERDURE_OUTPUT`, `PERDURE_EXECUTION_ID` and "
        "`PERDURE_STEP` are set by Perdure for each step.",
        Example("env: {MY NAME: ada}", "env: {MY_NAME: ada}"),
    ),
    Code(
        "gate-without-approvers",
        "nobody could decide at the gate",
        "`approvers` names no user and no group, so the run would wait for ever, or until `timeout`. Name somebody, or "
        "leave `approvers` out: then anybody who may send the message may decide.",
        Example("approvers: {users: []}", "approvers: {users: [ada], groups: [release-managers]}"),
    ),
)
