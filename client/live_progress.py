"""The run as a tree that is redrawn in place on a terminal; what must stay (gates, remarks) scrolls above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from client.iteration_counts import IterationCounts, depth, is_repeated
from client.messages import amount_words
from client.output import one_line
from client.progress import gate_lines, line_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from definitions.statuses import Event

FRAMES_PER_SECOND = 8
MOST_ROWS = 400
"""Rows that are kept; beyond, those of items and passes that have ended are dropped, and counted only."""
LOGS_READ = 10
"""Running steps whose last line is looked up each second: of the many side by side, the latest."""
_ENDED = frozenset({"completed", "cached", "failed", "cancelled", "skipped"})
_MARKS = {
    "completed": ("✓", "green"),
    "cached": ("✓", "cyan"),
    "failed": ("✗", "red"),
    "cancelled": ("✗", "yellow"),
    "skipped": ("-", "dim"),
    "waiting": ("?", "yellow"),
    "retrying": ("↻", "yellow"),
}


@dataclass(slots=True)
class Row:
    """A step as it is drawn."""

    state: str
    since: datetime
    remark: str = ""


def _worth(path: str, row: Row) -> int:
    """Return how much a row is worth its place; of equal ones the earlier goes first."""
    return 2 * (row.state not in _ENDED) + (not is_repeated(path))


class LiveProgress:
    """A tree of steps, at most `FRAMES_PER_SECOND` times a second."""

    def __init__(self, last_log_line: Callable[[str], str], console: Console | None = None) -> None:
        self._last_log_line = last_log_line
        self._console = console or Console(stderr=True, highlight=False)
        self.rows: dict[str, Row] = {}
        self._counts = IterationCounts()
        self._dropped = 0
        self._spinner = Spinner("dots")
        self._live = Live(
            console=self._console,
            get_renderable=self.render,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def event(self, event: Event) -> None:
        """Change the tree."""
        self._counts.follow(event)
        match event.type:
            case "step_started" if event.step is not None:
                self.rows[event.step] = Row("running", event.timestamp)
                self._drop_ended()
            case "approval_required" if event.step is not None:
                self.rows[event.step] = Row("waiting", event.timestamp)
                self._print_above(event, "yellow", gate_lines(event))
            case _ if event.step is not None:
                self._change(event.step, event)
            case "log" | "run_paused" | "run_resumed" | "run_failed" | "run_rejected" | "run_cancelled":
                self._print_above(event, "yellow", [])
            case _:
                pass

    def notice(self, text: str) -> None:
        """Print a remark above the tree."""
        self._console.print(Text(f"note: {text}", "yellow"))

    def tick(self) -> None:
        """Look for what running steps print."""
        running = [path for path, row in self.rows.items() if row.state == "running" and not self._counts.text(path)]
        for path in running[-LOGS_READ:]:
            self.rows[path].remark = one_line(self._last_log_line(path), 120)

    def close(self) -> None:
        """Draw the last state and leave it."""
        self._live.stop()

    def render(self) -> Group:
        """Return the tree; of many steps only those that fit the screen: finished items and passes go first.

        The screen's own thread calls this while events come in, so it draws from a copy of the rows.
        """
        rows = self.rows.copy()
        table = Table.grid(padding=(0, 1))
        for column in range(3):
            table.add_column(no_wrap=True, overflow="ellipsis" if column == 2 else "crop")
        room = max(3, self._console.height - 3)
        hidden = set(sorted(rows, key=lambda path: _worth(path, rows[path]))[: max(0, len(rows) - room)])
        if hidden or self._dropped:
            table.add_row("", Text(f"… {len(hidden) + self._dropped} earlier steps", "dim"), "")
        for path, row in rows.items():
            if path not in hidden:
                table.add_row(self._mark(row), self._name(path), self._remark(path, row))
        return Group(table)

    def _drop_ended(self) -> None:
        """Forget rows of finished items and passes where there are many, half of them at a time."""
        if len(self.rows) <= MOST_ROWS:
            return
        ended = [path for path, row in self.rows.items() if _worth(path, row) == 0][: MOST_ROWS // 2]
        for path in ended:
            del self.rows[path]
        self._dropped += len(ended)

    def _change(self, step: str, event: Event) -> None:
        line = line_of(event) or ""
        remark = line.removeprefix(step).strip()
        state = {
            "step_completed": "cached" if event.data.get("cached") else "completed",
            "step_failed": "cancelled" if event.data.get("status") == "cancelled" else "failed",
            "step_skipped": "skipped",
            "step_retrying": "retrying",
            "approval_decided": "running",
        }.get(event.type)
        if state is not None:
            since = self.rows[step].since if step in self.rows else event.timestamp
            self.rows[step] = Row(state, since, remark)

    def _print_above(self, event: Event, style: str, more: list[str]) -> None:
        self._console.print(Text(f"{event.timestamp.astimezone():%H:%M:%S} {line_of(event)}", style))
        for line in more:
            self._console.print(Text(f"         {line}"))

    def _mark(self, row: Row) -> Spinner | Text:
        mark = _MARKS.get(row.state)
        return self._spinner if mark is None else Text(*mark)

    def _name(self, path: str) -> Text:
        return Text("  " * depth(path) + path.rsplit("/", 1)[-1])

    def _remark(self, path: str, row: Row) -> Text:
        count = self._counts.text(path)
        if row.state != "running":
            return Text(f"{count}  {row.remark}".strip(), "red" if row.state == "failed" else "dim")
        spent = amount_words.span(datetime.now().astimezone() - row.since)
        return Text("  ".join(filter(None, (count, spent, row.remark))), "dim")
