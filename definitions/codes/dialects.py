"""The two dialects, and agents and skills by name."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "unknown-stage",
        "no stage of that name",
        "`fallback_next_stage` names a stage that is not among `stages`.",
        Example("stages: [plan, code]\nloop:\n  fallback_next_stage: cod", "loop:\n  fallback_next_stage: code"),
    ),
    Code(
        "unknown-profile",
        "no profile of that name",
        "The `profile` of a stage is `simple` (one agent), or a graph of nodes described under `profiles` or in a file "
        "`profiles.yaml` beside the definition.",
        Example("profile: carefull", "profile: careful"),
    ),
)
"""Said when a definition is loaded."""

AT_START = (
    Code(
        "unknown-agent",
        "an agent or a skill of that name is found nowhere",
        "`agent: NAME` is looked up in the definition's `agents:`, then in `.perdure/agents.yaml` and "
        "`.claude/agents/NAME.md` of the workspace; a skill in `.claude/skills/NAME/SKILL.md`. `perdure validate` "
        "warns, since the run may be started elsewhere; a start is refused, unless a provider is given for the whole "
        "run (`--provider`), which then takes the name as its role.",
        Example("agent: reviewr", "agent: reviewer"),
    ),
    Code(
        "unavailable-provider",
        "a provider that nothing runs yet",
        "`codex`, `gemini`, `grok` and `acp` may stand in a definition, and there is no adapter for them yet. Give "
        "another provider for the run: `perdure run … --provider claude-code`.",
        Example("provider: codex", "provider: claude-code"),
    ),
)
"""Said before a run starts."""
