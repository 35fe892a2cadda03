import pytest

from definitions.trust import TRUSTED, Trust, parse_trust


@pytest.mark.parametrize("text", ["trusted", "untrusted/pr-12", "untrusted/ci+pr-12"])
def test_trust_is_read_as_it_is_written(text: str) -> None:
    assert parse_trust(text).name == text


@pytest.mark.parametrize(
    "text",
    ["", "Trusted", "untrusted", "untrusted/", "untrusted/..", "untrusted/a/b", "untrusted/a+", "trusted/a", "x" * 99],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="trust is `trusted` or `untrusted/SCOPE`"):
        parse_trust(text)


def test_trust_is_only_ever_lowered() -> None:
    one, other = parse_trust("untrusted/b"), parse_trust("untrusted/a")
    assert TRUSTED.lowered(TRUSTED) == TRUSTED
    assert TRUSTED.lowered(one) == one.lowered(TRUSTED) == one.lowered(one) == one
    assert one.lowered(other).name == "untrusted/a+b"


def test_places_of_many_scopes_fit_into_a_key() -> None:
    many = Trust(frozenset(f"scope-{number}" for number in range(60)))
    assert many.place.startswith("untrusted/=")
    assert len(many.place) < 100
    assert many.place != many.lowered(parse_trust("untrusted/more")).place


def test_untrusted_run_reads_what_trusted_ones_made_first() -> None:
    one = parse_trust("untrusted/b")
    assert one.readable == (TRUSTED, one)
    assert TRUSTED.readable == (TRUSTED,)
