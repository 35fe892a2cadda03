"""The environment of a step's processes: an allow-list of the caller's variables, then the definition's, then its own.

Nothing else of the worker's environment passes: not `TEMPORAL_*`, `AWS_*`, `ANTHROPIC_*`, `*_TOKEN`, `*_KEY`. What an
author names in `env` passes as named. Proxy variables pass, because tools need them; a password in a proxy's address
passes with them.

HOME is the caller's, because tools keep their settings and caches there; the profiles `restricted` and `read-only`
get an empty one (see `private_home`).
"""

from collections.abc import Mapping
from pathlib import Path

ALLOWED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM"),
        # tools and their homes
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "JAVA_HOME", "GOROOT", "GOPATH", "CARGO_HOME", "RUSTUP_HOME"),
        *("NVM_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"),
        # certificates and proxies
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    }
)
"""Variables of the caller that steps get; and all that begin with `LC_`."""

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOMES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")


def allowed(caller: Mapping[str, str]) -> dict[str, str]:
    """Return what steps may have of a caller's environment; the rest must not be recorded either."""
    return {name: value for name, value in caller.items() if name in ALLOWED or name.startswith("LC_")}


def step_environment(
    caller: Mapping[str, str], definition_env: Mapping[str, str], step_env: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of a step's processes; later arguments win.

    `TERM` is `dumb`, because nobody sees what is printed on a terminal; an author may say otherwise.
    """
    return {"PATH": _DEFAULT_PATH, **allowed(caller), "TERM": "dumb", **definition_env, **step_env}


def temporary_folder(scratch: Path) -> dict[str, str]:
    """Return the variables that keep temporary files inside an attempt's scratch; the folder is made."""
    folder = scratch / "tmp"
    folder.mkdir(mode=0o700, exist_ok=True)
    return {"TMPDIR": str(folder)}


def private_home(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """Return `environment` with an empty home folder of the attempt's own instead of the caller's."""
    folder = scratch / "home"
    folder.mkdir(mode=0o700, exist_ok=True)
    return {name: value for name, value in environment.items() if name not in _HOMES} | {"HOME": str(folder)}
