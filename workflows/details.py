"""The run as Markdown, for the Web UI's current details.

Written for the renderer there: no images, no HTML, tables without borders, typographic replacement outside
code; so every token stands in backticks, and numbers read `3 of 7`. Bounded: what failed, runs or waits, and
the last steps done.
"""

import json
from datetime import datetime

from definitions.records import Gate, StepRecord
from definitions.statuses import RunState
from workflows.ledger import Book

"""In the paths of items, passes and later visits: the definition counts their step once."""
DONE_SHOWN = 15
OTHERS_SHOWN = 40
SHOWN_TEXT_LIMIT = 2000
_MARKS = {
    "completed": "done",
    "running": "running",
    "waiting_approval": "waiting",
    "failed": "FAILED",
    "skipped": "skipped",
    "cancelled": "cancelled",
    "pending": "pending",
}


def current_details(
    execution_id: str,
    state: RunState,
    total: int,
    book: Book,
    gates: list[Gate],
    now: datetime,
    reason: str | None = None,
) -> str:
    """Return the Markdown of a run as it is now."""
    done = book.overview.ended_steps
    lines = [f"As of {now:%H:%M:%S} UTC: **{state}**, {done} of {total} steps", ""]
    lines += [f"`{_plain(reason)}`", ""] if reason is not None else []
    lines += [line for gate in gates for line in _gate(execution_id, gate)]
    return "\n".join([*lines, *_table(book)])


def _table(book: Book) -> list[str]:
    records = book.records
    shown = book.overview.shown(DONE_SHOWN, OTHERS_SHOWN)
    hidden = len(records) - len(shown)
    lines = ["| step \u00a0 | state \u00a0 | time \u00a0 | |", "|---|---|---|---|"]
    if hidden > 0:
        lines.insert(0, f"{hidden} earlier steps are not shown.\n")
    return lines + [_row(path, records[path]) for path in shown]


def _row(path: str, record: StepRecord) -> str:
    remarks = [f"attempt {record.attempt}"] if record.attempt > 1 else []
    remarks += [f"{record.finished} of {len(record.items.keys)} items"] if record.finished and record.items else []
    remarks += [f"pass {record.iteration}"] if record.iteration is not None else []
    if record.cached:
        remarks.append("from the cache")
    if record.error is not None:
        remarks.append(f"`{_plain(record.error.type)}: {_plain(record.error.message)[:80]}`")
    elif record.reason is not None:
        remarks.append(f"`{_plain(record.reason)[:80]}`")
    return f"| `{path}` \u00a0 | {_MARKS[record.status]} \u00a0 | {_time(record)} \u00a0 | {', '.join(remarks)} |"


def _time(record: StepRecord) -> str:
    if record.started_at is None or record.completed_at is None:
        return ""
    return f"`{(record.completed_at - record.started_at).total_seconds():.1f} s`"


def _gate(execution_id: str, gate: Gate) -> list[str]:
    who = ", ".join([*gate.users, *(f"@{group}" for group in gate.groups)]) or "anyone"
    shown = json.dumps(gate.show, indent=2, ensure_ascii=False)[:SHOWN_TEXT_LIMIT].replace("```", "'''")
    decide = json.dumps({"gate": gate.gate, "verdict": "approve", "by": "YOUR NAME", "comment": ""})
    closes = "" if gate.deadline is None else f", closes {gate.deadline:%Y-%m-%d %H:%M} UTC"
    return [
        f"### Waiting for a decision: `{gate.gate}`",
        "",
        f"{_plain(gate.message)}",
        "",
        f"Who: {_plain(who)}{closes}. Decide with the update or signal `decide`, or:",
        "",
        "```",
        f"perdure approve {execution_id} {gate.gate}",
        f"temporal workflow signal -w {execution_id} --name decide --input '{decide}'",
        "```",
        "",
        *(["```", shown, "```", ""] if gate.show else []),
    ]


def _plain(text: str) -> str:
    """Return a text that cannot break out of a table cell or a code span."""
    return " ".join(text.replace("`", "'").replace("|", "\u2502").replace("<", "\u2039").split())
