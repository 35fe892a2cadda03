import hashlib

import pytest
import zstandard

from activities.store.packs.frames import (
    Damaged,
    decoded_parts,
    encoded,
    frame_content,
    frame_of,
    is_encoded,
    whole_content,
)
from activities.store.packs.index import rows_of
from activities.store.packs.pack import PackWriter


@pytest.mark.parametrize("content", [b"", b"a", b"text " * 100_000, frame_of(b"inner"), bytes(range(256))])
def test_content_comes_back_when_it_is_encoded(content: bytes) -> None:
    stored = encoded(content)
    assert stored
    assert whole_content(stored, hashlib.sha256(content).hexdigest()) == content
    pieces = [stored[start : start + 7] for start in range(0, len(stored), 7)]
    assert b"".join(decoded_parts(pieces)) == content


def test_stored_form_is_refused_when_it_is_damaged() -> None:
    stored = encoded(b"text " * 1000)
    assert is_encoded(stored)
    for damaged in (stored[:-4], stored[:8] + b"\xff\xff" + stored[10:], b"other"):
        with pytest.raises(Damaged):
            whole_content(damaged, hashlib.sha256(b"text " * 1000).hexdigest())


def test_frame_is_refused_when_it_is_of_another_size() -> None:
    frame = frame_of(b"x" * 1000)
    assert frame_content(frame, 1000) == b"x" * 1000
    with pytest.raises(Damaged, match="another size"):
        frame_content(frame, 10)
    with pytest.raises(Damaged):
        frame_content(b"nothing", 10)


def test_large_content_comes_in_pieces_when_its_stream_is_small() -> None:
    stored = zstandard.ZstdCompressor().compress(b"\0" * (64 << 20))
    sizes = [len(piece) for piece in decoded_parts([stored])]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20


def test_index_is_refused_when_a_byte_of_it_is_another() -> None:
    writer = PackWriter()
    writer.add(hashlib.sha256(b"a").hexdigest(), b"a")
    rows = writer.finish().rows
    assert [row.size for row in rows_of(rows)] == [1]
    with pytest.raises(Damaged):
        list(rows_of(rows[:30] + b"\0" + rows[31:]))
