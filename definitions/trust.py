"""How far a run is trusted: what it may take from the cache, and who may take what it puts there.

A trusted run takes only what trusted runs made. An untrusted one (a fork's pull request, an agent fed by strangers)
takes that too, and what was made in its own scope; what it makes stays in its scope. Trust is only ever lowered: by the
worker's setting, by the start input, by the run that is taken up or that starts another.
"""

import hashlib
import re
from dataclasses import dataclass

TRUST_PATTERN = r"^(trusted|untrusted/[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\+[A-Za-z0-9][A-Za-z0-9._-]{0,63})*)$"
_LONGEST = 150


@dataclass(frozen=True, slots=True)
class Trust:
    """The scopes of a run; a trusted one has none."""

    scopes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """How it is written: `trusted`, `untrusted/pr-12`, `untrusted/ci+pr-12`."""
        return f"untrusted/{'+'.join(sorted(self.scopes))}" if self.scopes else "trusted"

    @property
    def place(self) -> str:
        """The part of a store's key that keeps it apart from others."""
        if len(self.name) <= _LONGEST:
            return self.name
        return f"untrusted/={hashlib.sha256(self.name.encode()).hexdigest()}"

    @property
    def readable(self) -> tuple["Trust", ...]:
        """Whose results it may take, in order."""
        return (TRUSTED, self) if self.scopes else (TRUSTED,)

    def lowered(self, other: "Trust") -> "Trust":
        """Return what is left where both count."""
        return Trust(self.scopes | other.scopes)


TRUSTED = Trust()


def parse_trust(text: str) -> Trust:
    """Return what `text` names.

    Raises:
        ValueError: it is not `trusted` or `untrusted/SCOPE`.
    """
    if not re.fullmatch(TRUST_PATTERN, text):
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        raise ValueError(f"trust is `trusted` or `untrusted/SCOPE` (letters, digits, `.`, `_`, `-`), not `{shown}`")
    _, _, scopes = text.partition("/")
    return Trust(frozenset(scopes.split("+")) if scopes else frozenset())
