"""`perdure doctor`: what this machine lacks, and who can do without."""

STORE_READ_ONLY = "this user may look at runs, and not start any: the store is read-only here"
STORE_READ_ONLY_REMEDY = "to start runs, ask for the read-write role (docs/deployment.md)"


def no_agent(program: str) -> str:
    """Say that an agent's program is not there."""
    return f"`{program}` is not on PATH"


def agent_remedy(provider: str) -> str:
    """Say what to do without an agent."""
    return f"needed only for steps of `provider: {provider}`; `--provider scripted` does without"
