import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from client import progress
from client.conclusion import closing_lines, exit_code_of, headline
from client.iteration_counts import IterationCounts
from client.live_progress import LOGS_READ, MOST_ROWS, LiveProgress
from client.messages import amount_words
from client.output import value_lines, value_text
from client.progress import LineProgress, gate_lines, line_of
from definitions.records import StepError, Usage
from definitions.statuses import Event, Status, StepStatus

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ERROR = {"type": "exit", "message": "exit code 3\n\x1b[2J", "step": "a"}


def event(kind, step=None, sequence=1, phase=None, **facts):
    return Event(
        event_id=f"r/{sequence}",
        sequence=sequence,
        execution_id="r",
        definition_id="d",
        phase=phase,
        step=step,
        type=kind,
        data=facts,
        timestamp=START,
    )


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (event("run_started"), "run started"),
        (event("step_started", "a"), "a  started"),
        (event("step_completed", "a"), "a  completed"),
        (event("step_completed", "a", seconds=1.25, usd=0.5, attempt=2), "a  completed  (1.2 s, $0.50, attempt 2)"),
        (event("step_completed", "a", cached=True, seconds=9, summary="x\ny"), "a  completed  (from the cache, x y)"),
        (event("step_failed", "a", error=ERROR), "a  failed  exit: exit code 3"),
        (event("step_failed", "a", handled=True), "a  failed (handled)"),
        (event("step_failed", "a", status="cancelled"), "a  cancelled"),
        (
            event("step_retrying", "a", attempt=2, max_attempts=3, seconds=4.0, error=ERROR),
            "a  attempt 2/3 in 4.0 s  exit: exit code 3",
        ),
        (event("step_retrying", "a"), "a  attempt ?/?"),
        (event("step_skipped", "a", reason="`when` is false"), "a  skipped  (`when` is false)"),
        (event("approval_required", "a", message="go?"), "a  waits for a decision: go?"),
        (event("approval_decided", "a", verdict="reject", by="ana", comment="no"), "a  rejected by ana: no"),
        (event("approval_decided", "a"), "a  decided"),
        (event("artifact_published", "a", name="report"), "a  artifact report"),
        (event("phase_started", phase="plan"), "phase plan"),
        (event("phase_completed", phase="plan"), None),
        (event("log", "a"), None),
        (event("log", message="waits for its turn\x1b[2J"), "waits for its turn"),
        (event("run_failed", error=ERROR), "run failed  exit: exit code 3"),
        (event("run_paused", reason="deploy"), "run paused  (deploy)"),
    ],
)
def test_each_event_has_its_line(happened, line):
    assert line_of(happened) == line


def test_gate_shows_what_is_asked_and_how_to_decide():
    happened = event(
        "approval_required", "ok", show={"plan": "a\nb", "n": 1}, deadline="2026-01-01T13:00:00Z", on_timeout="approve"
    )
    assert gate_lines(happened) == [
        "plan: a",
        "plan: b",
        "n: 1",
        "closes 2026-01-01 13:00:00 UTC (approve)",
        "perdure approve r ok",
        "perdure reject r ok --reason '…'",
    ]
    assert len(gate_lines(event("approval_required", "ok", show={"plan": "x\n" * 99}))) == progress.SHOWN_LIMIT + 3


def test_line_mode_gives_a_sign_of_life_only_after_silence(capsys, monkeypatch):
    lines = LineProgress()
    lines.event(event("step_started", "a"))
    lines.tick()
    assert "still" not in capsys.readouterr().err
    monkeypatch.setattr(progress, "SIGN_OF_LIFE_SECONDS", 0)
    lines.tick()
    assert "still running: a (" in capsys.readouterr().err
    lines.event(event("step_completed", "a"))
    lines.notice("the server answers again")
    lines.tick()
    said = capsys.readouterr().err
    assert "note: the server answers again" in said
    assert said.splitlines()[-1].endswith("still waiting")
    lines.close()


def test_line_mode_tells_who_waits_for_a_decision_from_what_runs(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SIGN_OF_LIFE_SECONDS", 0)
    lines = LineProgress()
    for happened in (event("step_started", "a"), event("step_started", "ok"), event("approval_required", "ok")):
        lines.event(happened)
    lines.tick()
    assert re.search(r"still running: a \(.*\); waits for a decision: ok \(", capsys.readouterr().err)
    lines.event(event("step_completed", "a"))
    lines.tick()
    assert "still waits for a decision: ok (" in capsys.readouterr().err
    lines.event(event("approval_decided", "ok"))
    lines.tick()
    assert capsys.readouterr().err.endswith("still waiting\n")


def live(width=80, height=24):
    written = io.StringIO()
    screen = Console(file=written, force_terminal=True, width=width, height=height, color_system=None)
    return LiveProgress(lambda step: f"last line of {step}", screen), screen, written


def drawn(tree, screen):
    tree.close()
    written = io.StringIO()
    page = Console(file=written, width=screen.width, height=screen.height, color_system=None)
    page.print(tree.render())
    return written.getvalue()


def now(happened):
    return happened.model_copy(update={"timestamp": datetime.now(UTC)})


@pytest.mark.parametrize("width", [80, 40])
def test_tree_shows_each_step_in_its_state(width):
    tree, screen, written = live(width)
    for happened in (
        event("step_started", "g"),
        event("step_started", "g/a"),
        event("step_completed", "g/a", seconds=1),
        event("step_failed", "g/b", error=ERROR),
        event("step_skipped", "c", reason="no"),
        event("approval_required", "ok", message="go?"),
        event("artifact_published", "c", name="x"),
        event("run_paused", reason="x"),
        event("run_completed"),
    ):
        tree.event(now(happened))
    tree.tick()
    tree.notice("hello")
    lines = [line.rstrip() for line in drawn(tree, screen).splitlines()]
    assert "last line of g" in lines[0]
    assert lines[1].startswith("✓   a")
    assert lines[2].startswith("✗   b")
    assert lines[3].startswith("- c")
    assert lines[4].startswith("? ok")
    assert all(len(line) <= width for line in lines)
    assert "perdure approve r ok" in written.getvalue()
    tree.event(event("approval_decided", "ok", verdict="approve"))
    assert tree.rows["ok"].state == "running"


def test_tree_of_many_steps_fits_the_screen():
    tree, screen, _ = live(height=8)
    for number in range(50):
        tree.event(event("step_started", f"s{number}"))
    text = drawn(tree, screen)
    assert len(text.splitlines()) <= 8
    assert "45 earlier steps" in text
    assert "s49" in text


def test_steps_may_start_and_end_while_the_tree_is_drawn(monkeypatch):
    tree, screen, _ = live()
    for number in range(3):
        tree.event(now(event("step_started", f"s{number}")))
    name = LiveProgress._name

    def name_while_a_step_starts(self, path):
        self.event(now(event("step_started", f"{path}x")))
        self.event(now(event("step_completed", path)))
        return name(self, path)

    monkeypatch.setattr(LiveProgress, "_name", name_while_a_step_starts)
    with screen.capture() as text:
        screen.print(tree.render())
    tree.close()
    assert len(text.get().splitlines()) == 3
    assert {"s0x", "s1x", "s2x"} <= set(tree.rows)


def iterated(count, failed=(), ended=None):
    """Yield the events of a `for_each` over so many items, of which the first ones have ended."""
    yield event("step_started", "epics")
    for number in range(count):
        yield event("step_started", f"epics[E-{number}]", of=count)
        yield event("step_started", f"epics[E-{number}]/design")
        if ended is None or number < ended:
            yield event("step_completed", f"epics[E-{number}]/design")
            yield event("step_failed" if number in failed else "step_completed", f"epics[E-{number}]")


def test_tree_counts_items_and_passes():
    tree, screen, _ = live()
    for happened in (*iterated(12, failed=(1,), ended=3), event("step_started", "fix")):
        tree.event(now(happened))
    tree.event(now(event("step_started", "fix#2", of=5)))
    lines = drawn(tree, screen).splitlines()
    found = {line.split()[1]: " ".join(line.split()[2:]) for line in lines}
    assert found["epics"].startswith("3/12, 1 failed ")
    assert found["fix"].startswith("pass 2/5 ")
    assert [line.index("fix") for line in lines if "fix" in line] == [2, 4], "a pass stands inside its loop"


def test_item_that_is_done_again_counts_once():
    counts = IterationCounts()
    for happened in (*iterated(2, failed=(0,)), event("step_started", "epics[E-0]"), event("step_completed", "epics")):
        counts.follow(happened)
    assert counts.text("epics") == "1/2"
    counts.follow(event("step_completed", "epics[E-0]"))
    assert (counts.text("epics"), counts.text("other")) == ("2/2", "")


def test_items_are_counted_where_nobody_said_how_many():
    counts = IterationCounts()
    counts.follow(event("step_completed", "epics[E-1]", kept_from="r0"))
    assert counts.text("epics") == "1"


def test_tree_of_thousands_of_items_is_bounded_and_shows_how_far_they_are():
    tree, screen, _ = live(height=12)
    for happened in iterated(5000, ended=4997):
        tree.event(now(happened))
    assert len(tree.rows) <= MOST_ROWS
    lines = drawn(tree, screen).splitlines()
    assert len(lines) <= 12
    assert "4997/5000" in next(line for line in lines if "epics " in line)
    assert sum("E-49" in line for line in lines) >= 3, "what runs is shown"
    assert f"{1 + 5000 * 2 - (len(lines) - 1)} earlier steps" in lines[0]


def test_few_logs_are_looked_at_when_many_steps_run():
    asked = []
    screen = Console(file=io.StringIO(), force_terminal=True, height=24)
    tree = LiveProgress(lambda step: asked.append(step) or "", screen)
    for happened in iterated(100, ended=0):
        tree.event(now(happened))
    tree.tick()
    tree.close()
    assert len(asked) == LOGS_READ


def test_sign_of_life_counts_items_and_names_few_steps(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SIGN_OF_LIFE_SECONDS", 0)
    lines = LineProgress()
    for happened in iterated(12, ended=3):
        lines.event(happened)
    lines.tick()
    said = capsys.readouterr().err.splitlines()
    assert sum("epics[E-1]/design  " in line for line in said) == 2, "each transition of each item has its line"
    assert "still running: epics 3/12 (" in said[-1]
    assert said[-1].endswith("), 14 more")


# --- the last words -------------------------------------------------------------------------------------


def status(state, **fields):
    return Status(execution_id="r", definition_id="d", status=state, **fields)


@pytest.mark.parametrize(
    ("state", "code"),
    [("completed", 0), ("failed", 1), ("cancelled", 3), ("rejected", 4), ("running", 5), ("waiting_approval", 5)],
)
def test_state_gives_the_exit_code(state, code):
    assert exit_code_of(status(state)) == code


def test_headline_has_duration_steps_cache_and_cost():
    steps = {
        "a": StepStatus(status="completed", cached=True),
        "b": StepStatus(status="completed", usage=Usage(usd=0.25)),
        "c": StepStatus(status="completed", usage=Usage()),
    }
    told = headline(status("completed", steps=steps, started_at=START, completed_at=START + timedelta(seconds=75)))
    assert told == "completed  r  (1 m 15 s, 3 steps, 1 from the cache, $0.25)"
    assert headline(status("completed")) == "completed  r  (0 steps)"


def test_completed_run_that_changed_files_says_how_to_take_them():
    lines = closing_lines(status("completed", tree_before="1", tree="2", outputs={"n": 1, "s": "x"}))
    assert lines == ["  output n: 1", "  output s: x", "  next: perdure diff r", "        perdure apply r"]


def test_failure_says_step_reason_log_and_one_command():
    error = StepError(type="exit", message="exit code 3\nmore", step="a")
    lines = closing_lines(status("failed", error=error, steps={"a": StepStatus(status="failed")}), ["x", "y"])
    assert lines == [
        "  error[exit]: step `a`: exit code 3",
        "    more",
        "    | x",
        "    | y",
        "  next: perdure logs r a",
    ]


def test_failure_of_the_run_itself_points_at_the_record():
    assert closing_lines(status("failed", error=StepError(type="timeout", message="", step=""))) == [
        "  error[timeout]: ",
        "  next: perdure show r",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59, "59 s"),
        (60, "1 m 00 s"),
        (3599.6, "1 h 00 m"),
        (-1, "0.0 s"),
    ],
)
def test_spans_are_short(seconds, text):
    assert amount_words.span(timedelta(seconds=seconds)) == text


def test_money_keeps_what_counts():
    assert (amount_words.money(0), amount_words.money(1.5), amount_words.money(0.0012)) == ("$0.00", "$1.50", "$0.0012")


def test_values_are_shown_on_one_line_or_in_full():
    assert value_text({"$file": "a/b.txt", "digest": "d", "size": 3}) == "a/b.txt (3 bytes)"
    assert value_text({"a": [1]}) == '{"a": [1]}'
    assert value_lines({"a": 1}) == ["{", '  "a": 1', "}"]
    assert value_lines("") == [""]
