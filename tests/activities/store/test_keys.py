import pytest

from activities.store.keys import checked_digest, checked_key, encode_name


@pytest.mark.parametrize("text", ["checks/lint", "fix@2", "Grün", "..", ".", "a b", "x\udcffy", "50%", "~"])
def test_name_is_a_sound_key_when_encoded(text: str) -> None:
    name = encode_name(text)
    assert "/" not in name
    assert checked_key(f"runs/{name}") == f"runs/{name}"


def test_names_stay_readable_when_they_need_no_encoding() -> None:
    assert encode_name("epics[E-12]/design") == "epics%5BE-12%5D%2Fdesign"
    assert encode_name("fix@2") == "fix@2"


def test_digest_is_returned_when_it_is_one() -> None:
    assert checked_digest("a" * 64) == "a" * 64
