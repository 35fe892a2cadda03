"""Budgets over calls, sessions and attempts."""

from datetime import timedelta

import pytest

from activities.agents.budget import Meter, Remaining
from activities.agents.events import SessionUsage, UsageReported
from definitions.records import Usage
from definitions.steps.agent import Budget


def test_last_word_counts_when_a_call_is_told_twice() -> None:
    meter = Meter(Budget())
    meter.observe(UsageReported("1", 10, 1))
    meter.observe(UsageReported("1", 10, 5))
    meter.observe(UsageReported("2", 3, 1, model="m"))
    used = meter.used(1.5)
    assert (used.input_tokens, used.output_tokens, used.turns, used.model) == (13, 6, 2, "m")
    assert used.wall_seconds == 1.5


def test_final_account_replaces_the_sum_when_the_session_ends() -> None:
    meter = Meter(Budget())
    meter.observe(UsageReported("1", 10, 1))
    meter.close_session(SessionUsage(input_tokens=12, output_tokens=30, usd=0.1))
    meter.observe(UsageReported("1", 1, 1))
    meter.close_session(SessionUsage(usd=0.2))
    used = meter.used()
    assert (used.input_tokens, used.output_tokens, used.turns) == (13, 31, 2)
    assert used.usd == pytest.approx(0.3)
    assert used.cost_source == "reported"


def test_sum_stays_when_the_session_had_no_last_word() -> None:
    meter = Meter(Budget())
    meter.observe(UsageReported("1", 10, 1))
    meter.close_session(None)
    used = meter.used()
    assert (used.input_tokens, used.turns) == (10, 1)
    assert used.usd is None  # unknown is not zero
    assert used.cost_source == "unknown"


def test_earlier_attempts_count_when_something_was_spent() -> None:
    budget = Budget(usd=1, tokens=100, turns=10, wall=timedelta(minutes=1))
    spent = Usage(usd=0.4, input_tokens=20, output_tokens=10, cache_write_tokens=10, turns=4, wall_seconds=10)
    carried = Usage(usd=0.1, input_tokens=5, turns=1, wall_seconds=5, model="m")
    meter = Meter(budget, spent, carried)
    left = meter.remaining(15)
    assert left.usd == pytest.approx(0.5)
    assert (left.tokens, left.turns, left.wall_seconds) == (55, 5, 30.0)
    assert meter.used().turns == 1  # of this attempt, its lost worker included
    assert meter.used().model == "m"


def test_remaining_is_never_negative_when_a_call_overshot() -> None:
    meter = Meter(Budget(usd=1, tokens=1, turns=1, wall=timedelta(seconds=1)), Usage(usd=2, input_tokens=2, turns=2))
    assert meter.remaining(5) == Remaining(0.0, 0, 0, 0.0)
    assert Meter(Budget()).remaining(5) == Remaining()


@pytest.mark.parametrize(
    ("budget", "spent", "expected"),
    [
        (Budget(usd=1), Usage(usd=1.0), "1.0000 of 1.0000 usd"),
        (Budget(tokens=10), Usage(input_tokens=4, output_tokens=4, cache_write_tokens=2), "10 of 10 tokens"),
        (Budget(wall=timedelta(seconds=2)), Usage(wall_seconds=2), "2 of 2 seconds"),
        (Budget(turns=2), Usage(turns=2), "2 of 2 turns"),
        (Budget(tokens=10), Usage(cache_read_tokens=1000), None),
        (Budget(usd=1), Usage(turns=3), None),
    ],
)
def test_nothing_is_left_when_a_limit_is_reached(budget: Budget, spent: Usage, expected: str | None) -> None:
    assert Meter(budget, spent).used_up() == expected


def test_last_turn_may_end_when_the_turns_are_just_reached() -> None:
    meter = Meter(Budget(turns=1))
    meter.observe(UsageReported("1"))
    assert meter.passed() is None
    meter.observe(UsageReported("2"))
    assert meter.passed() == "2 of 1 turns"
    assert Meter(Budget(tokens=1), Usage(input_tokens=1)).passed() == "1 of 1 tokens"


def test_known_cost_stays_when_the_other_is_unknown() -> None:
    assert (Usage(usd=1, cost_source="reported")).plus(Usage()).usd == 1
    assert (Usage()).plus(Usage()).cost_source == "unknown"


def test_model_is_known_when_only_the_start_names_it() -> None:
    meter = Meter(Budget())
    meter.name_model("m")
    meter.name_model(None)
    assert meter.used().model == "m"
