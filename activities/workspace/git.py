"""Git, asked by us: without hooks, monitors, prompts and transports that run programs.

A repository is data that somebody else wrote: its configuration and hooks may name programs. What we ask is
plumbing, with everything switched off that would start one; credentials are git's own (helpers, ssh keys), and only
where a repository is fetched. Inside a step's private copy git is never run by us.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from definitions.errors import ErrorClass, StepFailure

QUICK = timedelta(seconds=60)
"""For what works on this machine alone."""
_NEUTRAL = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.alternateRefsCommand="),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "core.logAllRefUpdates=false"),
    *("-c", "commit.gpgSign=false"),
)
_KEPT_VARIABLES = frozenset(
    {
        *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
        *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
    }
)
"""Of the variables `GIT_…` of our own environment: how a server is reached, and who commits. Others would name
another repository."""


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """How a call of git ended."""

    status: int
    output: bytes
    complaint: str
    """The last lines of what it said about an error."""


class GitAbsent(StepFailure):
    """There is no git on this machine."""

    def __init__(self) -> None:
        super().__init__(ErrorClass.NOT_FOUND, "there is no program `git` on the PATH; install it")


class GitFailed(StepFailure):
    """Git refused, or took too long."""

    def __init__(self, answer: GitAnswer, words: Sequence[str]) -> None:
        self.answer = answer
        super().__init__(ErrorClass.WORKSPACE, f"`git {words[0]}` failed: {answer.complaint}")


def git(
    folder: Path,
    *words: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    time_limit: timedelta = QUICK,
) -> bytes:
    """Return what `git WORDS` prints in `folder`. Blocks. Raises `GitFailed`, `GitAbsent`."""
    answer = ask_git(folder, *words, given=given, environment=environment, time_limit=time_limit)
    if answer.status:
        raise GitFailed(answer, words)
    return answer.output


def ask_git(
    folder: Path,
    *words: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    time_limit: timedelta = QUICK,
) -> GitAnswer:
    """Return how `git WORDS` ends in `folder`, whatever its exit code. Blocks. Raises `GitAbsent`."""
    try:
        process = subprocess.Popen(
            ["git", *_NEUTRAL, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**_environment(), **(environment or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise GitAbsent from error
    try:
        output, complaint = process.communicate(given, time_limit.total_seconds())
    except subprocess.TimeoutExpired:
        _end(process)
        return GitAnswer(124, b"", f"it took longer than {time_limit.total_seconds():g} s and was ended")
    except BaseException:
        _end(process)
        raise
    return GitAnswer(process.returncode, output, _last_lines(complaint))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES}
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git with the programs that it started (transports, ssh)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _last_lines(complaint: bytes) -> str:
    text = complaint.decode("utf-8", "backslashreplace")
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))] or lines
    return "; ".join(said[-3:])[:600] or "it gave no reason"
