"""Comments that allow findings, and what is legal and unwise."""

from definitions.codes.entry import Code, Example

_UNWISE = "Unwise"

CODES = (
    Code(
        "invalid-allow",
        "a comment `# perdure: …` that allows nothing",
        "A comment `# perdure: allow SLUG reason` allows a warning or a lint finding on its line, on the line below "
        "it, or, where a step begins, in that step. It has no effect without a reason, with a code that does not "
        "exist, and with one of an error: errors cannot be allowed.",
        Example("# perdure: allow unused-input", "# perdure: allow unused-input the nightly schedule gives it"),
        severity="warning",
    ),
    Code(
        "unneeded-allow",
        "a comment allows something that is not there",
        "What it allowed has been mended, or it stands on another line than the finding. Left behind, it would one "
        "day hide a new finding. The comment speaks for its own line, for the line below it, and, where a step "
        "begins, for that step.",
        severity="lint",
    ),
    Code(
        "unchecked-agent",
        "nothing checks what an agent did",
        "An agent's answer says what it believes. After a step that may write there should be one that looks: a "
        "`shell` step that runs the tests, an `assert`, an `approval`, inside a group or behind it. A `shell` step "
        "that publishes (see the table in `docs/lint.md`) is no check. Agents with `security_profile: read-only` need "
        "none.",
        Example(
            "- id: fix\n  type: agent\n  prompt: Make the tests pass\n- id: publish\n  type: shell\n"
            "  command: git push",
            "- id: fix\n  type: agent\n  prompt: Make the tests pass\n- id: tests\n  type: shell\n  command: pytest\n"
            "- id: publish\n  type: shell\n  command: git push",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "unbounded-agent",
        "an agent may run for any time, or cost any sum",
        "Agents try again, wait for servers and talk to themselves. `timeout` bounds one attempt, `budget.wall` all "
        "attempts of the step together; `budget.usd`, `tokens` or `turns` bound what it costs. A group's `timeout` "
        "counts, the run's does not: it is there for the whole.",
        Example(
            "- id: fix\n  type: agent\n  prompt: Make the tests pass",
            "- id: fix\n  type: agent\n  prompt: Make the tests pass\n  timeout: 30m\n  budget: {usd: 2.50, turns: 60}",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "secret-for-agent",
        "an agent can read a secret",
        "What is in an agent's environment or prompt is in the hands of a model that reads files of strangers, and it "
        "may repeat it. A value from `env.X` or an input is recorded in the run's history, too. Let a shell step "
        "after the agent do what needs the secret. The agent's own login belongs to the worker's environment. An "
        "empty text takes a variable away, and is fine.",
        Example(
            '- id: fix\n  type: agent\n  prompt: Open a pull request\n  env: {GITHUB_TOKEN: "{{ env.GITHUB_TOKEN }}"}',
            "- id: fix\n  type: agent\n  prompt: Make the tests pass\n- id: open\n  type: shell\n"
            "  command: gh pr create --fill",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "effect-before-gate",
        "something is done before anybody is asked",
        "A gate that follows what it is about can only be told. Commands that change something outside of the run are "
        "recognised by the table in `docs/lint.md`.",
        Example(
            "- id: publish\n  type: shell\n  command: npm publish\n- id: release\n  type: approval\n"
            "  message: Release?",
            "- id: release\n  type: approval\n  message: Release?\n- id: publish\n  type: shell\n"
            "  command: npm publish",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "gate-below-tier",
        "whoever started the run may let through what cannot be taken back",
        "What follows this gate is of tier 3 by the table in `docs/lint.md`: a release, a cluster, a database. With "
        "`approvers: any` and `allow_self: true`, the defaults, the person who started the run decides alone; with "
        "`on_timeout: approve` nobody has to. Name `approvers`, or write `allow_self: false`. A second gate that asks "
        "for enough, anywhere before the effect, will do.",
        Example(
            "- id: release\n  type: approval\n  message: Release?\n- id: publish\n  type: shell\n"
            "  command: npm publish",
            "- id: release\n  type: approval\n  message: Release?\n  approvers: {groups: [release-managers]}\n"
            "- id: publish\n  type: shell\n  command: npm publish",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "cached-effect",
        "a step that changes something outside is cached",
        "On a hit a step does not run: its result is taken from the store, and what it did to the world happens no "
        "second time. Sometimes that is meant (the same image need not be pushed twice); then a comment can say so.",
        Example(
            "- id: publish\n  type: shell\n  command: make wheel && twine upload dist/*\n  cache: true",
            "- id: build\n  type: shell\n  command: make wheel\n  cache: true\n- id: publish\n  type: shell\n"
            "  command: twine upload dist/*",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "unbounded-loop",
        "a step may be repeated so often that nobody waits for its end",
        "A hundred attempts or more, and no `timeout` on the definition or a group around the step (a step's own is "
        "per attempt): when something is broken for good, nobody learns of it for hours.",
        Example(
            "- id: deploy\n  type: shell\n  command: ./deploy\n  retry: {max_attempts: 1000}",
            "- id: deploy\n  type: shell\n  command: ./deploy\n  retry: {max_attempts: 5, initial_interval: 10s}",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "unbounded-gate",
        "a gate waits for ever",
        "When nobody decides, the run stays open, and with it all that waits for the run. A `timeout` on the gate, a "
        "group around it or the definition ends that; `on_timeout` says whether its end means `reject` (the default) "
        "or `approve`.",
        Example(
            "- id: release\n  type: approval\n  message: Release?",
            "- id: release\n  type: approval\n  message: Release?\n  timeout: 3d",
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "unkeyed-items",
        "only their places name the items of a `for_each`",
        "The collection is computed, and its items have neither `id`, `entity_id` nor `<as>_id`. They are counted from "
        "0 then, in paths and in results: another item in front, and each path means something else in the next run. "
        "A `key` names them.",
        Example(
            'for_each: {items: "{{ steps.plan.outputs.files }}", as: file}',
            'for_each: {items: "{{ steps.plan.outputs.files }}", as: file, key: "{{ file }}"}',
            label=_UNWISE,
        ),
        severity="lint",
    ),
    Code(
        "unused-input",
        "nothing uses an input",
        "Somebody gives it a value and nothing comes of it; often it is a step that has lost its `{{ inputs.X }}`.",
        severity="lint",
    ),
    Code(
        "missing-description",
        "a definition or an input is not described",
        "`perdure catalog`, the Web UI and editors show descriptions to whoever starts a run; without one they have "
        "to read the steps.",
        Example("name: release", "name: release\ndescription: Build, test and publish a version", label=_UNWISE),
        severity="lint",
    ),
)
