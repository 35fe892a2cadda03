"""Why a run does not take a message, and why one could not begin."""

from definitions.codes.entry import Code

CODES = (
    Code(
        "malformed",
        "the message is not of the shape that it must have",
        "The message names the first wrong field and shows an example. It was refused before it reached the history.",
    ),
    Code(
        "unknown-gate",
        "no gate of that name is open",
        "A decision is for a gate that is open: one before it opens is not kept. `perdure gates ID` shows those that "
        "are, and where exactly one is open its name can be left out.",
    ),
    Code(
        "already-decided",
        "somebody decided the gate before",
        "The message says who, and when. The first decision counts.",
    ),
    Code(
        "stale-digest",
        "the gate shows something else than what was decided about",
        "A decision is bound to what the person saw. Look again with `perdure gates ID`, then decide.",
    ),
    Code(
        "comment-required",
        "the gate wants a comment with each decision",
        "Its definition says `comment: required`. Add `--comment '…'`.",
    ),
    Code(
        "not-begun",
        "the run that is to be taken up has not begun",
        "`rerun` keeps results of a run. This one was not prepared yet, or its preparation failed: start it anew with "
        "`perdure run`.",
    ),
    Code(
        "run-lost",
        "what the run was started with is not in the store any more",
        "`rerun` takes definition, inputs, agents and files of the earlier run from the store. Start a new run with "
        "`perdure run`.",
    ),
    Code("already-ended", "the run has ended", "An ended run takes no messages. `perdure show ID` says how it ended."),
    Code("already-paused", "the run is paused already", "`perdure resume ID` goes on."),
    Code(
        "not-paused",
        "the run is not paused",
        "`resume` is for paused runs; a run that waits at a gate wants a decision.",
    ),
    Code(
        "not-held",
        "no step of that path waits for anybody",
        "`resume` names a step that `on_failure: pause` does not hold. The message lists those that do, by their "
        "paths; "
        "`perdure show ID` has them too.",
    ),
    Code(
        "inputs-invalid",
        "new inputs of a paused run do not fit its definition",
        "`resume` may give inputs anew, and they are held to the declarations under `inputs` like those of a start.",
    ),
    Code(
        "too-many-signals",
        "more signals wait to be taken than a run keeps",
        "A signal is kept until a `wait` step takes it, the last of each name. Here so many names wait that "
        "another one "
        "was dropped. Send signals under the names that the definition waits for.",
    ),
    Code(
        "signal-too-large",
        "what a signal carries is too large to be kept in a run",
        "A run keeps small values only. Put the content where the run can read it, and send where that is.",
    ),
    Code(
        "busy",
        "the server takes no more messages for this run at the moment",
        "A server bounds how many messages to one run are on their way. Try again in a few seconds; a decision that is "
        "sent twice counts once.",
    ),
    Code(
        "input-not-valid",
        "the start input is not an object that a run can begin with",
        "It is `{definition, inputs, env, workspace, starter}`; only `definition` must be there. The message says "
        "which field is wrong.",
    ),
    Code(
        "definition-invalid",
        "the definition that a run should begin with has errors",
        "The error's details hold the findings, as `perdure validate --format json` prints them.",
    ),
    Code(
        "unknown-definition",
        "no definition of that name",
        "A name without a path separator is one of the catalog or of the worker's own folder. To run a file, write its "
        "path: `./release.yaml`.",
    ),
    Code(
        "inline-refused",
        "this worker takes no definition with the start input",
        "A definition in the start input is a shell for whoever may start a run, so only the embedded worker takes one "
        "by default. Name a definition of the worker's own, or set `PERDURE_DEFINITIONS=inline` on it.",
    ),
    Code(
        "path-refused",
        "this worker takes no folder of its machine as a workspace",
        "A folder's name means something only on the machine of the embedded worker. Elsewhere, give the digest of a "
        "tree that is in the store.",
    ),
    Code(
        "git-refused",
        "this worker does not fetch that repository",
        "Which repositories a run may begin with (`workspace: {git: …}`) is the worker's setting `PERDURE_GIT`: "
        "transports (`https`, `ssh`), or addresses under which they lie (`https://git.example.org/team/`). Without it "
        "a worker of a cluster fetches none, and the embedded one takes `https`, `ssh` and paths of this machine. An "
        "address with a password in it is never taken.",
    ),
    Code(
        "git-failed",
        "the repository that a run should begin with cannot be fetched",
        "The message has git's own words. The worker's git is asked, with the credential helpers and ssh keys of the "
        "user that the worker runs as; it never prompts.",
    ),
    Code(
        "link-refused",
        "a folder that should be linked is part of the run's files",
        "`workspace: {link: […]}` is for folders that git ignores, such as `.venv`: they stay where they are, and "
        "steps see them read-only. What git does not ignore travels with the files anyway.",
    ),
    Code(
        "no-such-tree",
        "the store has no tree of that digest",
        "The workspace of a start input names a tree by digest. Either it was never stored, or the worker uses another "
        "store than the one it was written to.",
    ),
    Code(
        "concurrency-refused",
        "another run of the same group goes, and this one does not wait",
        "The definition says `concurrency: {policy: refuse}`, so of all runs of its group one goes at a time and the "
        "others fail at once; the message names the one that goes. A group for which 1,000 runs wait refuses more, "
        "whatever the policy, and so does one whose lock's id (`lock/GROUP`) another workflow has.",
    ),
    Code(
        "concurrency-invalid",
        "the name of a concurrency group cannot be used",
        "`concurrency.group` is a text over `inputs`, `env` and `run`. For this run it could not be evaluated, or gave "
        "no name: that has 1 to 200 characters that can be printed.",
    ),
    Code(
        "worker-stopped",
        "the worker stops, and another one takes the step",
        "Nothing is wrong: the attempt is repeated elsewhere and does not count.",
    ),
)
