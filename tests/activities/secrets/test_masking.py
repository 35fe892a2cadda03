"""What is masked: secrets in each of their spellings, whole and cut into pieces."""

import base64
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.secrets.masking import MASK, Mask

SECRET = 's3cr3t/To+ken "42" é'
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON as UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in a path of a URL": quote,
    "in a URL": lambda text: quote(text, safe=""),
    "in a query": quote_plus,
    "quoted by a shell": shlex.quote,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_secret_is_masked_when_it_is_spelt(spelling: str):
    written = SPELLINGS[spelling](SECRET)
    assert Mask([SECRET]).masked_text(f"a {written} b") == f"a {MASK} b"


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz", "user:"])
@pytest.mark.parametrize("behind", ["", "1", "12", "123"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_secret_is_masked_when_it_is_inside_of_what_base64_encodes(
    before: str, behind: str, encode: Callable[[bytes], bytes]
):
    written = encode((before + SECRET + behind).encode())
    masked = Mask([SECRET]).masked(written)
    assert MASK.encode() in masked
    # at most one group of four characters on each side is left: nobody can decode the secret from that
    assert len(masked.replace(MASK.encode(), b"")) <= len(encode(before.encode())) + len(encode(behind.encode())) + 8


def test_each_line_is_masked_when_a_secret_has_several():
    mask = Mask([KEY])
    assert mask.masked_text(KEY) == MASK
    assert mask.masked_text("key: hkiG9w0BAQEFAASC.") == f"key: {MASK}."


def test_values_are_masked_with_their_keys():
    value = {"a": ["x" + SECRET, 1, None, True], SECRET: {"b": SECRET}}
    assert Mask([SECRET]).masked_object(value) == {"a": ["x" + MASK, 1, None, True], MASK: {"b": MASK}}


def test_nothing_is_touched_when_there_are_no_secrets():
    mask = Mask()
    assert not mask
    assert mask.masked(b"abc") == b"abc"
    assert mask.masked_text("\ud800") == "\ud800"
    assert mask.masked_value(["abc"]) == ["abc"]
    assert not mask.found_in(b"abc")
    assert mask.stream().feed(b"abc") == b"abc"


def test_longer_secret_is_masked_whole_when_another_is_its_beginning():
    assert Mask(["token", "token-of-mine"]).masked_text("my token-of-mine") == f"my {MASK}"


@given(st.lists(st.integers(1, 9), max_size=80), st.sampled_from([SECRET, KEY, "abababac", "aaaa"]))
def test_stream_is_masked_wherever_it_is_cut(cuts: list[int], secret: str):
    stream = f"before {secret} aaa ababab {base64.b64encode(secret.encode()).decode()} {secret[:5]} end {secret[:3]}"
    left, heard, masking = stream.encode(), b"", Mask([secret]).stream()
    for cut in cuts:
        heard += masking.feed(left[:cut])
        left = left[cut:]
    heard += masking.feed(left) + masking.end()
    assert secret.encode() not in heard
    assert base64.b64encode(secret.encode()) not in heard
    assert heard.startswith(b"before ***")
    assert heard.count(b" end ") == 1


def test_only_what_may_begin_a_secret_waits():
    masking = Mask(["token-of-mine"]).stream()
    assert masking.feed(b"waiting for tok") == b"waiting for "
    assert masking.feed(b"yo\n") == b"tokyo\n"
    assert masking.feed(b"a token-of") == b"a "
    assert masking.feed(b"-mine\n") == b"***\n"
    assert masking.end() == b""
