"""Where Claude Code is on this machine, and with which login it runs.

A login comes whole from one place: the step's own environment if it names any of it, else the worker's variables,
else a copy of the credentials file of the worker's user. Never mixed: a definition that sets only
`ANTHROPIC_BASE_URL` must not get the worker's key sent there.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from activities.agents.adapter import Outfit
from definitions.errors import ErrorClass, StepFailure

PROGRAM_VARIABLE = "PERDURE_CLAUDE_BIN"
CREDENTIALS = ".credentials.json"

_KEYS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
    }
)
"""Any of these is a login."""

_PREFIXES = ("ANTHROPIC_", "CLAUDE_CODE_USE_", "CLAUDE_CODE_SKIP_")
_NAMES = frozenset({"CLAUDE_CODE_OAUTH_TOKEN", "CLOUD_ML_REGION", "VERTEX_REGION"})
_ROUTE = frozenset(
    {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR"}
)
"""How the worker reaches the network: goes with its login."""

_REMEDY = (
    "set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token` makes one) in the worker's environment "
    "(the embedded worker takes it after `perdure dev stop`), or log in with `claude`, or use `--provider scripted`"
)


def find_claude(worker: Mapping[str, str], step: Mapping[str, str]) -> str:
    """Return the absolute path of the CLI: PERDURE_CLAUDE_BIN, else `claude` on the step's PATH.

    Raises:
        StepFailure: there is none.
    """
    named = worker.get(PROGRAM_VARIABLE)
    if named:
        if Path(named).is_absolute() and shutil.which(named):
            return named
        raise StepFailure(
            ErrorClass.NOT_FOUND, f"{PROGRAM_VARIABLE} is `{named}`, which is not the absolute path of a program"
        )
    # relative folders of PATH would lead into the workspace, whose content is not to be trusted
    path = ":".join(folder for folder in step.get("PATH", "").split(":") if folder.startswith("/"))
    found = shutil.which("claude", path=path)
    if found:
        return found
    message = (
        "Claude Code is not installed: there is no `claude` on PATH; "
        f"`npm install -g @anthropic-ai/claude-code` installs it, {PROGRAM_VARIABLE} names one elsewhere, "
        "and `--provider scripted` needs none"
    )
    raise StepFailure(ErrorClass.NOT_FOUND, message)


def log_in(program: str, worker: Mapping[str, str], step: Mapping[str, str]) -> Outfit:
    """Return the program with its login. Raises `StepFailure` where there is no login."""
    source = step if any(is_login_variable(name) for name in step) else worker
    variables = {name: value for name, value in source.items() if is_login_variable(name) and value}
    if source is worker:
        variables |= {name: worker[name] for name in _ROUTE if worker.get(name)}
    if any(variables.get(name) for name in _KEYS):
        return Outfit(program, variables | _cloud_variables(variables, source))
    credentials = _credentials(worker) if source is worker else None
    if credentials is not None:
        return Outfit(program, variables, {CREDENTIALS: credentials})
    raise StepFailure(ErrorClass.AUTH, f"Claude Code is not logged in; {_REMEDY}")


def is_login_variable(name: str) -> bool:
    """Whether a variable says who is logged in, and where requests go."""
    return name in _NAMES or name.startswith(_PREFIXES)


def _cloud_variables(login: Mapping[str, str], source: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the cloud that the login names, and of no other."""
    found: dict[str, str] = {}
    if login.get("CLAUDE_CODE_USE_BEDROCK"):
        found |= {name: value for name, value in source.items() if name.startswith("AWS_")}
        # the agent has a home of its own, so the usual places must be named
        for name, place in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
            found.setdefault(name, str(Path(source.get("HOME", "/")) / ".aws" / place))
    if login.get("CLAUDE_CODE_USE_VERTEX"):
        found |= {name: value for name, value in source.items() if name.startswith(("GOOGLE_", "GCLOUD_", "VERTEX_"))}
        usual = Path(source.get("HOME", "/")) / ".config/gcloud/application_default_credentials.json"
        found.setdefault("GOOGLE_APPLICATION_CREDENTIALS", str(usual))
    if login.get("CLAUDE_CODE_USE_FOUNDRY"):
        found |= {name: value for name, value in source.items() if name.startswith("AZURE_")}
    return found


def _credentials(worker: Mapping[str, str]) -> bytes | None:
    folder = worker.get("CLAUDE_CONFIG_DIR") or (f"{worker['HOME']}/.claude" if worker.get("HOME") else "")
    try:
        return (Path(folder) / CREDENTIALS).read_bytes() if folder else None
    except OSError:
        return None
