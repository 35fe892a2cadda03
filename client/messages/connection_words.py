"""The server, the store and the worker: which they are, why they cannot be reached, that they are back."""

SERVER_REMEDY = (
    "check the address and that the server runs; without `TEMPORAL_ADDRESS` and `--profile` Perdure brings its own"
)
CONNECTION_BACK = "the server answers again"
STORE_NOT_NAMED = "a server is named, but not the store that its worker uses"
STORE_REMEDY = "set `PERDURE_STORE` to the folder or `s3://bucket/prefix` that the worker has"
STORE_BACK = "the store answers again; the run goes on"
NO_WORKER = "no worker answers; the run waits for one and goes on by itself (`perdure worker` starts one)"
NO_ANSWER_REMEDY = "start one with `perdure worker`; the run is safe and waits"


def profile_unreadable(profile: str | None, reason: str) -> str:
    """Say that the Temporal CLI's configuration cannot be used."""
    return f"the profile `{profile or 'default'}` cannot be used: {reason}"


def server_unreachable(address: str, reason: str) -> str:
    """Say that a server does not answer."""
    return f"the server at `{address}` cannot be reached: {reason}"


def server_error(reason: str) -> str:
    """Say that the server failed a request."""
    return f"the server did not do it: {reason}"


def connection_lost(reason: str) -> str:
    """Say that watching goes on when the server is back."""
    return f"the server does not answer ({reason}); trying again, the run is not affected"


def store_away(waiting: str) -> str:
    """Say that steps wait for the store, and that nothing is lost."""
    return f"steps wait for the store and go on by themselves ({waiting})"


def no_answer(execution_id: str) -> str:
    """Say that a live run cannot be asked."""
    return f"no worker answers for `{execution_id}`"
