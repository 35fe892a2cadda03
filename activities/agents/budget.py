"""What may be spent: money, tokens, turns and wall time, over every session and attempt of a step.

Limits are passed to the CLI where it has them, and counted here on every usage event. A limit is seen
after the call that passed it (also by the CLIs themselves: Claude Code checks after the call), so one
call may overshoot. Tokens read from a cache do not count as tokens; they cost money, which does.
"""

from dataclasses import dataclass

from activities.agents.events import SessionUsage, UsageReported
from definitions.records import Usage
from definitions.steps.agent import Budget


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of each limit; None: there is no such limit."""

    usd: float | None = None
    tokens: int | None = None
    turns: int | None = None
    wall_seconds: float | None = None


class Meter:
    """Counts what one attempt uses, on top of what earlier ones did."""

    def __init__(self, budget: Budget, spent: Usage | None = None, carried: Usage | None = None) -> None:
        self._budget = budget
        self._spent = spent or Usage()
        self._closed = carried or Usage()
        self._calls: dict[str, UsageReported] = {}
        self._model = self._closed.model

    def observe(self, usage: UsageReported) -> None:
        """Count a call of the model. A call that is told again replaces what was told before."""
        self._calls[usage.call] = usage
        self._model = usage.model or self._model

    def name_model(self, model: str | None) -> None:
        """Note which model the session said it uses."""
        self._model = model or self._model

    def close_session(self, final: SessionUsage | None) -> None:
        """End a session: its final account, where there is one, is better than the sum of its calls."""
        counted = self._open()
        self._calls = {}
        final = final or SessionUsage()
        exact = Usage(
            input_tokens=_known(final.input_tokens, counted.input_tokens),
            output_tokens=_known(final.output_tokens, counted.output_tokens),
            cache_read_tokens=_known(final.cache_read_tokens, counted.cache_read_tokens),
            cache_write_tokens=_known(final.cache_write_tokens, counted.cache_write_tokens),
            turns=_known(final.turns, counted.turns),
            usd=final.usd,
        )
        self._closed = self._closed.plus(exact)

    def used(self, wall_seconds: float = 0.0) -> Usage:
        """Return what this attempt has used so far; earlier attempts not included."""
        usage = self._closed.plus(self._open())
        source = "unknown" if usage.usd is None else "reported"
        wall = self._closed.wall_seconds + wall_seconds
        return usage.model_copy(update={"model": self._model, "cost_source": source, "wall_seconds": round(wall, 3)})

    def remaining(self, wall_seconds: float = 0.0) -> Remaining:
        """Return what is left of the limits; never below zero."""
        total = self._total(wall_seconds)
        limit = self._budget
        wall = None if limit.wall is None else max(0.0, limit.wall.total_seconds() - total.wall_seconds)
        return Remaining(
            usd=None if limit.usd is None else max(0.0, limit.usd - (total.usd or 0.0)),
            tokens=None if limit.tokens is None else max(0, limit.tokens - _tokens(total)),
            turns=None if limit.turns is None else max(0, limit.turns - total.turns),
            wall_seconds=wall,
        )

    def passed(self, wall_seconds: float = 0.0) -> str | None:
        """Return the limit that has been passed, in words; None while all is within."""
        total, limit = self._total(wall_seconds), self._budget
        if limit.turns is not None and total.turns > limit.turns:
            return f"{total.turns} of {limit.turns} turns"
        return self._passed_amounts(total)

    def used_up(self, wall_seconds: float = 0.0) -> str | None:
        """Return the limit that leaves nothing for another session, in words."""
        total, limit = self._total(wall_seconds), self._budget
        if limit.turns is not None and total.turns >= limit.turns:
            return f"{total.turns} of {limit.turns} turns"
        return self._passed_amounts(total)

    def _passed_amounts(self, total: Usage) -> str | None:
        limit = self._budget
        if limit.usd is not None and total.usd is not None and total.usd >= limit.usd:
            return f"{total.usd:.4f} of {limit.usd:.4f} usd"
        if limit.tokens is not None and _tokens(total) >= limit.tokens:
            return f"{_tokens(total)} of {limit.tokens} tokens"
        if limit.wall is not None and total.wall_seconds >= limit.wall.total_seconds():
            return f"{total.wall_seconds:.0f} of {limit.wall.total_seconds():.0f} seconds"
        return None

    def _open(self) -> Usage:
        calls = self._calls.values()
        return Usage(
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            cache_read_tokens=sum(call.cache_read_tokens for call in calls),
            cache_write_tokens=sum(call.cache_write_tokens for call in calls),
            turns=len(calls),
        )

    def _total(self, wall_seconds: float) -> Usage:
        return self._spent.plus(self.used(wall_seconds))


def _known(final: int | None, counted: int) -> int:
    return counted if final is None else final


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.cache_write_tokens + usage.output_tokens
