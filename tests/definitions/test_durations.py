from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_span_is_right_when_a_text_has_units(text: str, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "90", "5 minutes", "-3s", "s", "1w", "1h 30m", 90, None, True, "9" * 39 + "d", "4000d", "٣s", "90s\n"]
)
def test_value_is_refused_when_it_is_no_duration(value: object):
    with pytest.raises(ValueError, match=r"duration|ten years"):
        parse_duration(value)


def test_span_stays_when_it_is_one_already():
    assert parse_duration(timedelta(seconds=3)) == timedelta(seconds=3)


@given(st.timedeltas(timedelta(0), timedelta(days=3000)))
def test_text_is_read_back_when_a_span_is_written(span: timedelta):
    milliseconds = round(span.total_seconds() * 1000)
    assert parse_duration(format_duration(span)) == timedelta(milliseconds=milliseconds)
