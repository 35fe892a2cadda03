"""The plan of a rerun, for people and for programs: what is reused, what runs again and why, what runs first now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from client.output import one_line

if TYPE_CHECKING:
    from client.reruns import Rerun

MOST_LINES = 30
"""Paths of a kind that are shown; the others are counted (`--json` has them all)."""
_WIDTH = 8


def plan_lines(rerun: Rerun) -> list[str]:
    """Return the plan, a line a path."""
    plan, earlier = rerun.plan, rerun.earlier
    lines = [f"takes up {earlier.execution_id}  ({earlier.report.status.status})"]
    lines += _kind("changed", [(change.place, change.text) for change in plan.changes])
    lines += _kind("reused", [(path, "") for path in plan.reused])
    lines += _kind("again", [(path, why.text) for path, why in plan.again])
    lines += _kind("new", [(path, "the earlier run did not come to it") for path in plan.fresh])
    if len(lines) == 1:
        lines.append("  everything runs")
    return lines


def plan_record(rerun: Rerun) -> dict[str, object]:
    """Return the plan as JSON."""
    plan, wanted = rerun.plan, rerun.message.rerun_of
    return {
        "rerun_of": rerun.earlier.execution_id,
        "failed": wanted is not None and wanted.failed,
        "from": None if wanted is None else wanted.start,
        "definition_id": rerun.resolved.definition.id,
        "reused": list(plan.reused),
        "again": [{"path": path, "code": why.code, "why": why.text} for path, why in plan.again],
        "new": list(plan.fresh),
        "changes": [{"path": change.place, "what": change.text} for change in plan.changes],
    }


def _kind(title: str, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of one kind, paths aligned."""
    shown = entries[:MOST_LINES]
    width = min(max((len(path) for path, _ in shown), default=0), 40)
    for path, text in shown:
        yield f"  {title:{_WIDTH}} {one_line(path, 120):{width}}  {one_line(text)}".rstrip()
    if len(entries) > MOST_LINES:
        yield f"  {title:{_WIDTH}} … and {len(entries) - MOST_LINES} more"
