"""The stored form of content: raw, or one zstd stream where that is smaller.

A stored form says by itself which it is: it is encoded if it begins as zstd streams do. So content that begins that
way is encoded too, whatever comes of it; and empty content is, for an empty object has no first byte to ask for.
Names are digests of the content, never of the stored form.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator

import zstandard

from activities.store.packs.damaged import Damaged

MAGIC = b"\x28\xb5\x2f\xfd"
LEVEL = 1
"""On two cores level 3 takes twice the time for 4 % less."""
SAMPLE = 64 * 1024
WORTH = 0.95
"""What does not shrink below this is kept raw."""
DECODED_AT_ONCE = 1 << 20

_own = threading.local()


def is_encoded(start: bytes) -> bool:
    """Whether a stored form that begins like this is a zstd stream."""
    return start.startswith(MAGIC)


def encoded(content: bytes) -> bytes:
    """Return the stored form of `content`."""
    must = not content or content.startswith(MAGIC)
    if not must and not is_worth_encoding(content[:SAMPLE], content[len(content) // 2 :][:SAMPLE]):
        return content
    frame = frame_of(content)
    return frame if must or len(frame) < len(content) * WORTH else content


def frame_of(content: bytes) -> bytes:
    """Return `content` as one zstd frame."""
    compressor = getattr(_own, "compressor", None)
    if compressor is None:
        # none may be shared by threads
        compressor = _own.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return compressor.compress(content)


def is_worth_encoding(*samples: bytes) -> bool:
    """Whether one of these pieces of a content shrinks."""
    return any(len(frame_of(sample)) < len(sample) * WORTH for sample in samples)


def encoded_parts(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of one zstd stream."""
    stream = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    for part in parts:
        if piece := stream.compress(part):
            yield piece
    yield stream.flush()


def decoded_parts(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a stored form that comes in pieces, in pieces of bounded size. Raises `Damaged`."""
    pieces = iter(parts)
    first = next(pieces, b"")
    if not is_encoded(first):
        yield first
        yield from pieces
        return
    yield from _unpacked(first, pieces)


def frame_content(frame: bytes, size: int) -> bytes:
    """Return the content of a frame of a pack. Raises `Damaged`."""
    try:
        if zstandard.frame_content_size(frame) != size:
            raise Damaged("the frame is of another size")
        return _decompressor().decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise Damaged(str(error)) from error


def _decompressor() -> zstandard.ZstdDecompressor:
    """Return this thread's own: to make one takes longer than a small file (it asks the processor what it can)."""
    decompressor = getattr(_own, "decompressor", None)
    if decompressor is None:
        decompressor = _own.decompressor = zstandard.ZstdDecompressor()
    return decompressor


def checked(content: bytes, digest: str) -> bytes:
    """Return `content` if it is what `digest` names. Raises `Damaged`."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise Damaged(f"its content is not `{digest}`")
    return content


def whole_content(stored: bytes, digest: str) -> bytes:
    """Return the content of a stored form. Raises `Damaged`."""
    return checked(b"".join(decoded_parts([stored])), digest)


def _unpacked(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Read through a reader, not an object that is fed: a small stream may hold gigabytes."""
    source = _Pieces(first, rest)
    try:
        # typeshed's word: what has `read` is enough
        with zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True) as reader:  # pyright: ignore[reportArgumentType]
            while part := reader.read(DECODED_AT_ONCE):
                yield part
    except zstandard.ZstdError as error:
        raise Damaged(str(error)) from error


class _Pieces:
    """What comes in pieces, as something to read from."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._left = memoryview(first)
        self._rest = rest

    def read(self, amount: int = -1) -> bytes:
        while not self._left:
            following = next(self._rest, None)
            if following is None:
                return b""
            self._left = memoryview(following)
        part = self._left[: amount if amount >= 0 else None]
        self._left = self._left[len(part) :]
        return bytes(part)
