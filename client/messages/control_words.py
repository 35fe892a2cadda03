"""Gates and controls: the commands that decide, what took effect, and what to do about a refusal."""

NO_GATES = "no gate is open"
MORE_SHOWN = "… (`perdure gates` shows the rest)"
NOT_ALLOWED = "you may not decide here"
BUSY_REMEDY = "try again in a few seconds"
REFUSAL_REMEDIES = {
    "unknown-gate": "`perdure gates {id}` shows what is open",
    "already-decided": "`perdure show {id}` shows who decided",
    "not-paused": "`perdure resume` is for paused runs; see `perdure show {id}`",
    "already-paused": "`perdure resume {id}` goes on",
    "already-ended": "`perdure show {id}` shows how it ended",
    "not-allowed": "ask one of the approvers; `perdure gates {id}` names them",
    "refused": "ask one of the approvers; `perdure gates {id}` names them",
    "stale-digest": "look again with `perdure gates {id}`, then decide",
    "comment-required": "add `--comment '…'`",
}


def gate_commands(execution_id: str, gate: str) -> list[str]:
    """Return the commands that decide a gate."""
    return [f"perdure approve {execution_id} {gate}", f"perdure reject {execution_id} {gate} --reason '…'"]


def control_done(verb: str, execution_id: str) -> str:
    """Say that a control took effect."""
    return f"{verb}: {execution_id}"


def control_sent(verb: str, execution_id: str) -> str:
    """Say that a control was sent to a server that gives no answer."""
    return (
        f"{verb} was sent to {execution_id} as a signal (this server has no updates); see `perdure show {execution_id}`"
    )


def refusal_remedy(slug: str, execution_id: str) -> str | None:
    """Return what to do about a refusal."""
    found = REFUSAL_REMEDIES.get(slug)
    return found.format(id=execution_id) if found else None


def already_ended(execution_id: str) -> str:
    """Say that a control came too late."""
    return f"`{execution_id}` has ended"


def busy(execution_id: str) -> str:
    """Say that too many decisions are under way."""
    return f"`{execution_id}` is busy with other messages"
