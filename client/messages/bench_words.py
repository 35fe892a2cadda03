"""`perdure bench`: what is measured, what came of it, and why nothing could be."""

from collections.abc import Mapping

BENCH_REMEDY = "start one with `perdure worker`, or name its queue with `PERDURE_TASK_QUEUE`"


def bench_begins(facts: Mapping[str, str]) -> str:
    """Say what is measured, and from where."""
    return "measuring " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())


def bench_goes_on(what: str) -> str:
    """Say what is measured now."""
    return f"  {what} …"


def bench_figure(name: str, median: float, unit: str, worst: float | None, count: int) -> str:
    """Return one line of the table of `perdure bench`."""
    spread = "" if worst is None else f"   worst {worst:.1f} {unit}"
    return f"{name:<42} {median:>9.1f} {unit}{spread}   ({count} measured)"


def bench_silent(task_queue: str, seconds: int) -> str:
    """Say that nobody took the first run."""
    return f"no worker of the task queue `{task_queue}` took a run within {seconds} s; it was ended"
