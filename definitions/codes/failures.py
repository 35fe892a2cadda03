"""Classes of failure of a step: the words of `definitions.errors.ErrorClass`."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "exit",
        "a process ended with a code that is not a success",
        "The script, or the agent's program, ended with another exit code than the step counts as success. The message "
        "has the last line that it wrote; `perdure logs ID STEP` has all. `exit_codes` of a shell step says which "
        "codes are a success.",
        Example(
            "command: grep -r TODO src",
            "command: grep -r TODO src\nexit_codes: [0, 1]",
            label="Fails where nothing is found",
        ),
    ),
    Code(
        "timeout",
        "the step's own time was up",
        "`timeout` is the time of one attempt; on a group it is the time of the whole, and on a definition that of the "
        "run. What ran was ended, with every process that it had started.",
    ),
    Code(
        "not-found",
        "the program to run does not exist",
        "The message has the PATH that was searched. On the embedded server that is the PATH of the terminal that "
        "started the run; elsewhere it is the worker's.",
    ),
    Code(
        "output",
        "a promised output or artifact is missing or unfit",
        "A step that declares a file under `outputs` or `artifacts` fails where it has not made it, so that nothing "
        "later reads what is not there. The message names the path.",
    ),
    Code(
        "assertion",
        "a condition that must hold did not",
        "The `condition` of an `assert` step was false. The message is the step's own.",
    ),
    Code(
        "expression",
        "a template or condition could not be evaluated",
        "Something in the values was not as the expression needs it. The code of the mistake, such as `no-such-field`, "
        "is `error.details.code`, and `perdure explain` has a page for each.",
    ),
    Code(
        "overloaded",
        "the model's service is busy or down",
        "Transient: agent steps are tried again, three times in all where `retry` says nothing else.",
    ),
    Code(
        "crash",
        "an agent ended without a final word",
        "Transient: the attempt is repeated, and the conversation goes on from its last checkpoint where there is one.",
    ),
    Code(
        "auth",
        "the agent is not logged in, or its key was refused",
        "`perdure doctor` says what the machine at hand has. Nothing is tried again, because nothing would change.",
    ),
    Code(
        "refused",
        "what was asked is not done for who asked",
        "Of a step: the model's service does not take the request, because the model is unknown or the request is not "
        "valid. Of a decision at a gate: the person is not one of the approvers, or started the run where "
        "`allow_self` is false; the attempt is recorded, and `perdure gates ID` names the approvers.",
    ),
    Code(
        "budget",
        "money, tokens, turns or wall time of the budget are used up",
        "`budget` bounds an agent step over all its attempts. What the agent changed until then is dropped with the "
        "attempt. Raise the bound that the message names, or give the agent less to do.",
    ),
    Code(
        "schema",
        "the answer does not fit `output_schema`",
        "The agent was asked again in the same conversation, at most twice, and told what did not fit. `perdure logs` "
        "has the answers. A schema with fewer required fields, and a prompt that names them, help most.",
    ),
    Code(
        "denied",
        "the agent wanted what its profile forbids",
        "`security_profile` and `tools` say what an agent may do. Allow the tool that the message names, or let a "
        "shell step do it.",
    ),
    Code(
        "sandbox",
        "the security profile cannot be enforced here",
        "Rather than running with less than the definition asks for, the step fails. The message says what the machine "
        "lacks; `perdure doctor` shows it all.",
    ),
    Code(
        "rejected",
        "a gate was rejected or ran out of time",
        "What comes after the gate never starts, and the run ends as `rejected`, exit code 4.",
    ),
    Code(
        "workspace",
        "the tree of files could not be stored, restored or merged",
        "Where parallel branches changed the same file in different ways, the message names the paths: let one of them "
        "run after the other, or keep only outputs by `merge: outputs`.",
    ),
    Code(
        "secret",
        "a secret is not known to the worker, or would have been recorded",
        "The message says where the worker looked for the secret, or which file of the workspace holds it: files are "
        "stored, so a step must not leave a secret in one. See docs/secrets.md.",
    ),
    Code(
        "store",
        "the store did not answer or is full",
        "The message says what the store was asked. Steps are tried again by the engine while it is away for a moment.",
    ),
    Code(
        "artifact",
        "an artifact is not there, is damaged, or cannot be published",
        "A step fetches an artifact, a version or a tag that does not exist in the store (`optional: true` lets it go "
        "on without), or what it publishes has a name that no artifact can have, or too many facts beside it. "
        "`perdure artifacts list` shows what there is.",
        Example("fetch: {name: report, tag: approved, optional: true}", label="Goes on without"),
    ),
    Code(
        "visits-exhausted",
        "jumps led to a step more often than `max_visits` allows",
        "A jump back is bounded: a step may be visited three times where `max_visits` says nothing else, the "
        "first visit "
        "included. The run fails with this error, whatever the step's own `on_failure` says; what jumps around "
        "the step "
        "leaves to others is up to the list that it stands in.",
        Example(
            "- {id: build, type: shell, command: make}\n- {id: test, type: shell, command: make test, "
            "on_failure: build}",
            "- {id: build, type: shell, command: make, max_visits: 5}\n"
            "- {id: test, type: shell, command: make test, on_failure: build}",
            label="Fails when `test` fails for the third time",
        ),
    ),
    Code(
        "loop-exhausted",
        "all passes of a loop were made, and `until` is not true",
        "`max_iterations` passes were made. `on_exhausted: continue` goes on with what the last pass left, and a "
        "step's "
        "id there is jumped to.",
    ),
    Code(
        "collection",
        "`for_each` got no collection, one too large, or keys that are not unique",
        "`items` must give a list or an object of at most 10,000 items. An item's key is what `key` says, else "
        "its `id`, "
        "`entity_id` or `<as>_id`, else its place; two items with one key could not be told apart, so the "
        "message names "
        "the key.",
    ),
    Code(
        "activity",
        "an activity of somebody else's failed",
        "A step of type `activity` called a Temporal activity by its name, and it raised an error, or its worker did. "
        "`error.details` has the error's own type and details. Where no worker polls the task queue the step waits "
        "until its `timeout`.",
    ),
    Code(
        "plugin",
        "the code of an installed package's step type failed",
        "A step of a type that a package brings (`docs/plugins.md`) raised an error that is no failure of a step, or "
        "answered with something that is no result. The message has the package, its version and the error. Failures "
        "that the package itself tells have the classes of others.",
    ),
    Code(
        "routed",
        "the definition itself says that this is a failure",
        "A step ended well and its `on_success` is `fail`, or a handler ended its list with `end: failed`.",
    ),
    Code(
        "lost",
        "the worker died with the step, too often",
        "An attempt whose worker goes away is repeated by another one and does not count; five times in a row is too "
        "often to be chance. A step that exhausts the machine's memory looks like this.",
    ),
    Code(
        "cancelled",
        "the step was ended because something else ended",
        "A person cancelled the run, or a sibling in a parallel group failed first.",
    ),
    Code(
        "internal",
        "a defect of Perdure",
        "`perdure doctor ID` collects what a report needs. The run's history is whole: after an upgrade it goes on.",
    ),
)
