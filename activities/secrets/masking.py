"""Masking: whatever looks like a secret becomes `***`, in all its usual encodings.

As it is, each of its lines, in base64 (both alphabets, at each of the three offsets in what is encoded), in hex, as in
a URL, as in JSON, and as a shell quotes it. A stream is masked across the borders of its pieces: the end of a piece
that may be the beginning of a secret waits for the next one.
"""

import base64
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

from pydantic import JsonValue

MASK = "***"
SHORTEST = 4
"""Characters of a secret (or of a line of one) below which masking would only garble texts."""

_ENCODED_FROM = 6
"""Bytes of a base64 text below which it is too common to be told from others."""


class Mask:
    """Knows some secrets; without any, everything is left as it is."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        variants = {variant for secret in secrets for variant in _variants(secret)}
        self._variants = sorted(variants, key=lambda variant: (-len(variant), variant))
        self._longest = max(map(len, self._variants), default=0)
        self._by_beginning: dict[bytes, list[bytes]] = {}
        for variant in self._variants:
            self._by_beginning.setdefault(variant[:SHORTEST], []).append(variant)
        self._stubs = frozenset(variant[:size] for variant in self._variants for size in range(1, SHORTEST))
        self._pattern = re.compile(b"|".join(map(re.escape, self._variants))) if self._variants else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def masked(self, content: bytes) -> bytes:
        """Return `content` without secrets."""
        return content if self._pattern is None else self._pattern.sub(MASK.encode(), content)

    def masked_text(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._pattern is None:
            return text
        return self.masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def masked_value(self, value: JsonValue) -> JsonValue:
        """Return `value` without secrets, in its keys too."""
        if self._pattern is None:
            return value
        match value:
            case str():
                return self.masked_text(value)
            case list():
                return [self.masked_value(item) for item in value]
            case dict():
                return {self.masked_text(name): self.masked_value(item) for name, item in value.items()}
            case _:
                return value

    def masked_object(self, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return `value` without secrets, as `masked_value` does."""
        return {self.masked_text(name): self.masked_value(item) for name, item in value.items()}

    def found_in(self, content: bytes) -> bool:
        """Whether there is a secret in `content`."""
        return self._pattern is not None and self._pattern.search(content) is not None

    def stream(self) -> "MaskStream":
        """Return what masks a stream piece by piece."""
        return MaskStream(self)

    @property
    def longest(self) -> int:
        """Bytes of the longest text that is masked."""
        return self._longest

    def beginning_at_end(self, content: bytes) -> int:
        """Return how many bytes at the end of `content` may be the beginning of a secret."""
        for start in range(max(0, len(content) - self._longest + 1), len(content)):
            rest = content[start : start + SHORTEST]
            if len(rest) < SHORTEST:
                if rest in self._stubs:
                    return len(rest)
            elif any(variant.startswith(content[start:]) for variant in self._by_beginning.get(rest, ())):
                return len(content) - start
        return 0


class MaskStream:
    """Masks one stream."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Return what can be told of the stream now."""
        if not self._mask:
            return piece
        content = self._mask.masked(self._held + piece)
        held = self._mask.beginning_at_end(content)
        self._held = content[len(content) - held :]
        return content[: len(content) - held]

    def end(self) -> bytes:
        """Return what was held back, now that nothing follows."""
        rest, self._held = self._held, b""
        return self._mask.masked(rest)


def _variants(secret: str) -> Iterator[bytes]:
    """Yield the texts by which a secret may be seen."""
    for text in {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}:
        if len(text) >= SHORTEST:
            yield from _spellings(text)


def _spellings(text: str) -> Iterator[bytes]:
    raw = text.encode("utf-8", "surrogateescape")
    yield raw
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw), shlex.quote(text)):
        yield quoted.encode("utf-8", "surrogateescape")
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw)
        for offset in range(3):
            inner = _base64_inside(raw, offset, encode)
            if len(inner) >= _ENCODED_FROM:
                yield inner


def _base64_inside(raw: bytes, offset: int, encode: Callable[[bytes], bytes]) -> bytes:
    """Return the part of a base64 text that is the same whatever stands before and behind `raw` in what is encoded."""
    padded = encode(b"\0" * offset + raw)
    first = (offset * 8 + 5) // 6  # characters that hold bits of what stands before
    last = (offset + len(raw)) * 8 // 6  # characters that hold bits of this alone
    return padded[first:last]
