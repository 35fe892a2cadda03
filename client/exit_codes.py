"""Exit codes: a contract with scripts. docs/command-line.md has the same table; a test compares them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's end means."""

    SUCCESS = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    REJECTED = 4
    WAITING = 5
    NO_SERVER = 6
    INVALID = 7
    DETACHED = 130


MEANINGS = {
    ExitCode.SUCCESS: "success",
    ExitCode.FAILED: "the run failed, or the command could not do its work",
    ExitCode.USAGE: "the command line is wrong, or names what does not exist",
    ExitCode.CANCELLED: "the run was cancelled",
    ExitCode.REJECTED: "a gate was rejected or expired",
    ExitCode.WAITING: "the run has not ended yet (`--timeout`)",
    ExitCode.NO_SERVER: "no server can be reached or started",
    ExitCode.INVALID: "the definition or its inputs are not valid; nothing was started",
    ExitCode.DETACHED: "detached by Ctrl-C; the run goes on",
}
