import pytest

from activities.store.canonical_json import canonical_json, digest_of


def test_text_is_the_same_when_values_are_equal() -> None:
    assert canonical_json({"b": 1, "a": [True, None, "ä\udcff"]}) == b'{"a":[true,null,"\\u00e4\\udcff"],"b":1}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_value_is_refused_when_json_has_no_word_for_it() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_digest_is_the_known_one_when_content_is_empty() -> None:
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
