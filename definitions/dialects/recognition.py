"""Which dialect a document is written in. The dialects themselves are imported only where one is."""

from definitions.nodes import Mapping, Sequence


def is_in_agent_steps(root: Mapping) -> bool:
    """Whether a document is in the dialect *agent steps*: it is wrapped, or its steps name agents and have no types."""
    if "steps" not in root.entries:
        return isinstance(root.get("workflow"), Mapping)
    steps = root.get("steps")
    written = [item for item in steps.items if isinstance(item, Mapping)] if isinstance(steps, Sequence) else []
    return any("agent" in step.entries for step in written) and not any("type" in step.entries for step in written)


def is_in_stages(root: Mapping) -> bool:
    """Whether a document is in the dialect *stages*."""
    return "steps" not in root.entries and ("stages" in root.entries or "stageConfigs" in root.entries)
