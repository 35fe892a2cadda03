"""Patterns: the same answers as Python's `re` on what both know, and linear time on what `re` hangs on."""

import re
import time

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from definitions.patterns import PATTERN_LIMIT, PatternError, compile_pattern

pieces = st.recursive(
    st.sampled_from(["a", "b", "1", "-", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[ab]", "[^a]", "[a-c1]", "\\.",
                     "^", "$", "[]a]", "[a-]", "[\\d_]", "[\\]\\-]", "\\n", "é"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", ""])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        inner.map(lambda one: f"(?:{one})"),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400)
@given(pattern=pieces, text=st.text("ab1- .\n_é]", max_size=8))
def test_pattern_answers_as_re_does_when_both_know_it(pattern: str, text: str):
    # `$` of `re` also holds before a last line end, which nobody means
    assume("$" not in pattern or not text.endswith("\n"))
    assert compile_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "a*a*a*a*a*b", "(a?){100}a{100}b", "((a*)*)*b"])
def test_matching_takes_little_time_when_re_would_hang(pattern: str):
    compiled = compile_pattern(pattern)
    start = time.monotonic()
    assert not compiled.matches("a" * 1000)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("(a", 0),
        ("a)", 1),
        ("[a", 0),
        ("[]", 0),
        ("[b-a]", 3),
        ("[\\d-z]x[a-\\d]", 10),
        ("*a", 0),
        ("a|+", 2),
        ("a**", 1),
        ("a{2}{3}", 1),
        ("a{", 1),
        ("a{x}", 1),
        ("a{1,x}", 1),
        ("a{3,2}", 2),
        ("a{201}", 2),
        ("a{²}", 1),
        ("\\", 0),
        ("[\\", 1),
        ("\\b", 0),
        ("(a)\\1", 3),
        ("[\\b]", 1),
        ("(?=a)", 0),
        ("(?i)a", 0),
        ("(" * 31, 30),
        ("a" * (PATTERN_LIMIT + 1), PATTERN_LIMIT),
        ("(a{100}){100}", 0),
    ],
)
def test_pattern_is_refused(pattern: str, position: int):
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert caught.value.position == position
