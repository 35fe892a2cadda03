"""Ids, order, and what refers to what."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "duplicate-step-id",
        "two steps have the same id",
        "Ids are unique in the whole definition, also across groups, so that `steps.ID` means one step. What "
        "undoes a step "
        "in place is called `undo_ID` where it has no id.",
    ),
    Code(
        "reserved-id",
        "a word with a meaning of its own cannot be an id",
        "`end`, `fail`, `stop`, `continue`, `pause` and `retry` are words of `on_failure`; `inputs`, "
        "`steps`, `env`, `run`, `result` and some more are names in expressions. A step with such an id "
        "could not be referred to.",
    ),
    Code(
        "unknown-step",
        "no step of that id, or not in this list",
        "A reference (`steps.ID`) or `needs` names a step that does not exist. `needs` names steps of the "
        "same list: a step inside a group cannot need one outside of it, because the group as a whole waits.",
        Example("command: cp {{ steps.biuld.outputs.path }} dist/", "command: cp {{ steps.build.outputs.path }} dist/"),
    ),
    Code(
        "unknown-input",
        "no input of that name",
        "An expression refers to an input that is not declared under `inputs`, or a value is given for one.",
        Example("prompt: Cover {{ inputs.modul }}", "prompt: Cover {{ inputs.module }}"),
    ),
    Code(
        "unknown-output",
        "the step has nothing of that name",
        "After `steps.ID` come `outputs`, `artifacts`, `status`, `error` or `cached`. A shell step has the "
        "outputs `stdout` and `exit_code`, those that it declares, and, where its script mentions "
        "`$PERDURE_OUTPUT`, those that it writes there. An agent step with an `output_schema` has the "
        "schema's properties. A group has its steps: `steps.GROUP.outputs.STEP.NAME`.",
        Example("when: steps.test.exit_code == 0", "when: steps.test.outputs.exit_code == 0"),
    ),
    Code(
        "unknown-name",
        "a name that means nothing in expressions",
        "Expressions refer to `inputs`, `steps`, `env` and `run`. A bare step id is short for `steps.ID`. A "
        "text needs quotes.",
        Example("when: inputs.mode == fast", 'when: inputs.mode == "fast"'),
    ),
    Code(
        "unknown-artifact",
        "nobody here publishes what is fetched",
        "A `fetch` names an artifact that no definition at hand publishes: not this one, nothing that it leads to, "
        "nothing in its folder, nothing in the catalog. Where others publish it into the same store, all is well: "
        "allow the finding by a comment, with who they are (docs/artifacts.md).",
        Example(
            "- {id: get, type: artifact, fetch: {name: coverge-report}}",
            "- {id: get, type: artifact, fetch: {name: coverage-report}}",
        ),
        "warning",
    ),
    Code(
        "published-before-accepted",
        "what is to be accepted is published already",
        "`publish` happens when the step has done its work, and `accept` asks about that work afterwards: what is "
        "rejected then would have a version all the same. Publish it in an `artifact` step that comes after.",
        Example(
            "accept: {doc_type: plan}\npublish: {name: plan, path: plan.md}",
            "accept: {doc_type: plan}\n# and behind it: {id: share, type: artifact, "
            "publish: {name: plan, path: plan.md}}",
        ),
        "warning",
    ),
    Code(
        "unknown-secret",
        "no secret of that name",
        "A step can only have secrets that the definition lists under `secrets`, so that a reader sees at its top what "
        "it asks for. Their values are the worker's: `PERDURE_SECRETS` says where it looks (docs/secrets.md).",
        Example(
            "steps:\n  - id: push\n    type: shell\n    command: deploy\n"
            '    env: {TOKEN: "{{ secrets.DEPLOY_TOKEN }}"}',
            "secrets: [DEPLOY_TOKEN]\nsteps:\n  - id: push\n    type: shell\n    command: deploy\n"
            '    env: {TOKEN: "{{ secrets.DEPLOY_TOKEN }}"}',
        ),
    ),
    Code(
        "misplaced-secret",
        "a secret where its value would be recorded",
        "What stands in commands, prompts, inputs, conditions and outputs is kept in the run's history, in cache keys "
        "and in logs. A secret therefore may only be the whole value of a variable of one step's `env`: the reference "
        "travels, and the worker puts the value into the process.",
        Example(
            '- id: push\n  type: shell\n  command: curl -H "Authorization: Bearer {{ secrets.TOKEN }}" "$URL"',
            '- id: push\n  type: shell\n  command: curl -H "Authorization: Bearer $TOKEN" "$URL"\n'
            '  env: {TOKEN: "{{ secrets.TOKEN }}"}',
        ),
    ),
    Code(
        "may-not-have-run",
        "a reference to a step that may have no result",
        "The step comes later, runs side by side, is skipped when its `when` is false, or may fail while the "
        "run goes on (`on_failure: continue`). Give a default, or the same `when` to the step that reads, or "
        "name the step in `needs`: what needs a step is skipped with it. `steps.ID.status` and "
        "`steps.ID.error` are always there once the step is over. No default helps between steps that run "
        "side by side, because the answer would be chance.",
        Example(
            "- id: migrate\n  type: shell\n  when: inputs.migrate\n  command: ./migrate\n- id: report\n  type: shell\n"
            "  command: echo {{ steps.migrate.outputs.stdout }}",
            '  command: echo {{ default(steps.migrate.outputs.stdout, "nothing to migrate") }}',
        ),
    ),
    Code(
        "out-of-scope",
        "something that is there only inside an item or a pass",
        "What stands inside a step with `for_each` is done once for each item, so from outside it has no one "
        "result: the "
        "step's own result is an object by key. An item's name and `loop` are seen inside: `loop.key`, "
        "`loop.index` and "
        "`loop.count` in an item, `loop.iteration` and `loop.max_iterations` in a pass. `when` and `items` are "
        "evaluated "
        "once, before the first item.",
        Example(
            "- id: epics\n  type: group\n  for_each: {items: [{id: E-1}]}\n  steps:\n    - {id: design, type: agent, "
            "prompt: Design it}\n- id: sum\n  type: agent\n  prompt: Sum up {{ steps.design.outputs }}",
            "  prompt: Sum up {{ steps.epics.outputs }}",
        ),
    ),
    Code(
        "unknown-document",
        "no document of that name is stored where the text sees it",
        "`docs.NAME` is what some step keeps under `store`. Inside an item of a `for_each` with a `scope` the "
        "item's own "
        "documents are seen first, then those outward, never those of other items. From outside they are "
        "`docs.SCOPE[KEY].NAME`.",
        Example("prompt: Plan {{ docs.breif }}", "prompt: Plan {{ docs.brief }}"),
    ),
    Code(
        "duplicate-document",
        "a document is stored twice in one scope",
        "Two steps store a document of one name in one scope, so what a reader gets would depend on which ran "
        "last; or each "
        "item of a `for_each` does, and the items have no `scope` of their own. Two steps of which only one can "
        "run may "
        "store the same.",
        Example(
            'for_each: {items: "{{ inputs.epics }}"}\nstore: {design: "{{ result }}"}',
            'for_each: {items: "{{ inputs.epics }}", scope: epic}\nstore: {design: "{{ result }}"}',
        ),
    ),
    Code(
        "duplicate-item-key",
        "two items of a `for_each` have one key",
        "Keys name items in paths and results. An item's key is what `key` says, else its `id`, `entity_id` or "
        "`<as>_id`, "
        "else its place. A `key` without `{{ }}` is the same for all.",
        Example("for_each: {items: [{id: a}, {id: a}]}", "for_each: {items: [{id: a}, {id: b}]}"),
    ),
    Code(
        "ambiguous-name",
        "an item is called what something else is called",
        "The name that `as` gives is seen beside `inputs`, `steps`, `env`, `run`, `docs` and `loop`, and a bare "
        "step id is "
        "short for `steps.ID`. So it is none of them, and of two `for_each`, one inside the other, each has its own.",
        Example("for_each: {items: [a, b], as: run}", "for_each: {items: [a, b], as: target}"),
    ),
    Code(
        "dependency-cycle",
        "steps wait for each other",
        "Following `needs` leads back to where it began, so none of these steps could ever start. A step "
        "without `needs` waits for the one before it, which may be the missing link; `needs: []` waits for "
        "none. Following `on_success`, or just the list, leads back to where it began: only a failure could end that. "
        "Write a `loop`, or jump back by `on_failure`.",
        Example("- {id: a, type: wait, duration: 1s, needs: [b]}\n- {id: b, type: wait, duration: 1s}", ""),
    ),
    Code(
        "jump-across-border",
        "a jump leads to a step of another list",
        "`on_success`, `on_failure` and `on_exhausted` name steps of the same list. No jump enters or leaves a "
        "group, a "
        "loop, an item of `for_each`, or a branch of a parallel group: what such a step comes to is said at the "
        "step as a "
        "whole, whose own `on_failure` may jump.",
        Example(
            "- id: checks\n  type: group\n  steps:\n    - {id: test, type: shell, command: make test, "
            "on_failure: repair}\n"
            "- {id: repair, type: shell, command: make repair}",
            "- id: checks\n  type: group\n  on_failure: repair\n  steps:\n    - {id: test, type: shell, command: "
            "make test}\n"
            "- {id: repair, type: shell, command: make repair}",
        ),
    ),
    Code(
        "unreachable-step",
        "a step that no way leads to",
        "Every way through the list goes past it: the step before it jumps elsewhere, or ends the list. This is "
        "a warning.",
        Example(
            "- {id: build, type: shell, command: make, on_success: end}\n- {id: publish, type: shell, command: "
            "make publish}",
            "- {id: build, type: shell, command: make}\n- {id: publish, type: shell, command: make publish}",
        ),
        severity="warning",
    ),
    Code(
        "handler-without-end",
        "a handler does not say whether what it took is undone",
        "A failure that a handler took does not fail the run, and only a run that does not end well is undone "
        "(`compensate`). Where both meet, `end: failed` or `end: completed` on the handler says which is meant. "
        "This is a "
        "warning.",
        Example(
            "- {id: withdraw, type: shell, command: ./withdraw}",
            "- {id: withdraw, type: shell, command: ./withdraw, end: failed}",
        ),
        severity="warning",
    ),
    Code(
        "needs-in-parallel",
        "a branch of a parallel group has `needs`",
        "The branches of `mode: parallel` begin together, each in its own copy of the workspace. Where some "
        "have to wait for others, write `mode: sequential` and `needs`: steps that do not need each other "
        "run side by side there too.",
    ),
    Code(
        "duplicate-output",
        "an output of that name is there already",
        "The `values` of a `set` step are its outputs; a name under `outputs` as well would have two values.",
    ),
    Code(
        "output-without-value",
        "nothing says what the run's output is worth",
        "An output without `value` takes the one step output or artifact of its name. Here no step has one, "
        "or several do, so the output will be null. This is a warning.",
        Example(
            "outputs:\n  report: {type: artifact}",
            'outputs:\n  report: {type: artifact, value: "{{ steps.test.artifacts.xml }}"}',
        ),
        severity="warning",
    ),
    Code(
        "path-escapes",
        "a path leads out of the workspace",
        "Outputs, artifacts and `working_directory` are relative to the workspace's top folder and stay "
        "below it: not absolute, no `~`, no way up past the top, no backslash.",
        Example("artifacts: {report: ../report.html}", "artifacts: {report: build/report.html}"),
    ),
)
