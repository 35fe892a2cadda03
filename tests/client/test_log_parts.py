"""Parts of logs: last lines, ranges, times, attempts; and that no more is read than they need."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.store.opening import open_store
from client.exit_codes import ExitCode
from client.log_parts import ByteRange, Part, parse_range, pieces
from client.step_logs import Chunk

NOW = datetime.now(UTC)


def chunks(*contents: bytes, attempt: int = 1, modified: datetime = NOW) -> tuple[list[Chunk], dict[str, bytes]]:
    named = {f"{attempt}/{number:05}": content for number, content in enumerate(contents)}
    return [Chunk("a", attempt, key, len(content), modified) for key, content in named.items()], named


def printed(contents: list[bytes], part: Part) -> bytes:
    found, named = chunks(*contents)
    return b"".join(content for _, content in pieces(named.__getitem__, found, part))


@given(st.lists(st.sampled_from([b"a\n", b"b", b"\n", b"cc\ndd\n", b"e\nf"]), max_size=8), st.integers(0, 9))
def test_last_lines_are_those_of_the_whole_wherever_it_was_cut(contents: list[bytes], count: int):
    lines = b"".join(contents).splitlines(keepends=True)  # of these contents, at line feeds only
    assert printed(contents, Part(lines=count)) == b"".join(lines[max(0, len(lines) - count) :] if count else [])


@given(st.lists(st.binary(max_size=5), max_size=6), st.integers(0, 30), st.integers(0, 30))
def test_range_is_that_of_the_whole_wherever_it_was_cut(contents: list[bytes], first: int, more: int):
    whole = b"".join(contents)
    assert printed(contents, Part(bytes=ByteRange(first, first + more))) == whole[first : first + more + 1]
    assert printed(contents, Part(bytes=ByteRange(first, None))) == whole[first:]
    assert printed(contents, Part(bytes=ByteRange(None, more))) == (whole[-more:] if more else b"")


@pytest.mark.parametrize(
    ("part", "read"),
    [
        (Part(lines=1), ["1/00003", "1/00002"]),
        (Part(bytes=ByteRange(0, 1)), ["1/00000"]),
        (Part(bytes=ByteRange(None, 2)), ["1/00003"]),
        (Part(lines=0), []),
    ],
)
def test_only_the_pieces_are_read_that_the_part_lies_in(part: Part, read: list[str]):
    found, named = chunks(b"a\n", b"b\n", b"c\n", b"d\n")
    asked: list[str] = []
    list(pieces(lambda key: asked.append(key) or named[key], found, part))
    assert asked == read


def test_attempt_and_time_choose_pieces():
    first, named = chunks(b"old\n", modified=NOW - timedelta(hours=1))
    second, others = chunks(b"new\n", attempt=2)
    named |= others
    told = {
        part: [content for _, content in pieces(named.__getitem__, [*first, *second], part)]
        for part in (Part(), Part(attempt=1), Part(since=NOW - timedelta(minutes=1)), Part(lines=1))
    }
    assert list(told.values()) == [[b"old\n", b"new\n"], [b"old\n"], [b"new\n"], [b"old\n", b"new\n"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [("0-99", ByteRange(0, 99)), ("100-", ByteRange(100, None)), ("-5", ByteRange(None, 5))],
)
def test_range_is_read_as_http_has_it(text: str, found: ByteRange):
    assert parse_range(text) == found


@pytest.mark.parametrize("text", ["", "-", "5", "a-b", "9-1", "1-2-3", f"{'9' * 30}-"])
def test_range_is_refused_when_it_is_none(text: str):
    with pytest.raises(ValueError, match="`"):
        parse_range(text)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    store = open_store(tmp_path / "store")
    store.write_document("runs/r/logs/a/1/log-00001", b"1\n2\n")
    store.write_document("runs/r/logs/a/1/log-00002", b"3\n")
    store.write_document("runs/r/logs/a/2/log-00001", b"again\n")
    store.write_document("runs/r/run.json", json.dumps({"execution_id": "r"}).encode())
    hour_ago = (NOW - timedelta(hours=1)).timestamp()
    os.utime(tmp_path / "store/keys/runs/r/logs/a/1/log-00001", (hour_ago, hour_ago))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "out"),
    [
        (["-n", "1"], "3\nagain\n"),
        (["-n", "2", "--attempt", "1"], "2\n3\n"),
        (["--bytes", "2-3", "--attempt", "1"], "2\n"),
        (["--bytes", "-2"], "3\nn\n"),
        (["--since", "10m"], "3\nagain\n"),
        (["--attempt", "2"], "again\n"),
    ],
)
def test_command_prints_the_part_that_is_asked_for(cli, log: Path, options: list[str], out: str):
    assert "".join(line for line in cli("logs", "r", "a", *options).out.splitlines(True)) == out


@pytest.mark.parametrize(
    "options", [["--bytes", "x"], ["--since", "soon"], ["--bytes", "1-2", "-f"], ["--bytes", "1-2", "-n", "1"]]
)
def test_command_refuses_what_means_nothing(cli, options: list[str]):
    assert cli("logs", "r", "a", *options).code == ExitCode.USAGE
