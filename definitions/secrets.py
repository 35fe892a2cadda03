"""Secrets by name: a definition lists them, and a variable of a step's `env` may be one, whole.

    secrets: [DEPLOY_TOKEN]
    …
      env: {TOKEN: "{{ secrets.DEPLOY_TOKEN }}"}

What travels is the reference; the worker that runs an attempt resolves it (`activities.secrets`).
"""

import re
from collections.abc import Mapping

ROOT = "secrets"
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
"""That of a variable: a secret may come from one."""

_WHOLE = re.compile(r"\s*\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,99})\s*\}\}\s*")


def secret_named(text: str) -> str | None:
    """Return the secret that a text is, whole; None for any other text."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else None


def secret_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return which variables of a step's `env` are secrets: names of secrets by variable."""
    named = {variable: secret_named(text) for variable, text in env.items()}
    return {variable: name for variable, name in named.items() if name is not None}
