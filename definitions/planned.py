"""Words of the language that are decided and not there yet.

They are refused like anything unknown, with "planned" said, so that nobody takes a gate, a loop or a secret
for working that is not. A word leaves this file in the change that builds it.
"""

STEP_TYPES = frozenset({"notify", "memory"})

KEYS: dict[str, frozenset[str]] = {
    "definition": frozenset({"project"}),
    "step": frozenset({"concurrency", "on_lost"}),
    "agent": frozenset({"profile", "prompt_file"}),
    "approval": frozenset(
        {
            "tier",
            "risk_tier",
            "risk_score",
            "quorum",
            "form",
            "reminders",
            "escalation",
            "proof",
            "auto_approve_tier1",
            "doc_type",
        }
    ),
    "approvers": frozenset({"quorum"}),
}
"""By where they may stand: `step` is any step, the other names are step types and parts of a definition."""


def is_planned_key(key: str, places: tuple[str, ...]) -> bool:
    """Whether `key` is planned at one of `places`."""
    return any(key in KEYS.get(place, frozenset()) for place in places)
