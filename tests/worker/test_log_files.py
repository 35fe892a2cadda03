from pathlib import Path

from worker import log_files


def test_small_log_is_left_alone(tmp_path: Path):
    (tmp_path / "a.log").write_text("few")

    assert not log_files.bound(tmp_path / "a.log", 10)
    assert (tmp_path / "a.log").read_text() == "few"


def test_recent_part_is_kept_and_the_writer_goes_on_when_a_log_is_too_big(tmp_path: Path):
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"0123456789abcdef")
        assert log_files.bound(log, 10)
        writer.write(b"next")

    assert (tmp_path / "a.log.1").read_bytes() == b"6789abcdef"
    assert log.read_bytes() == b"next"


def test_nothing_happens_when_there_is_no_log(tmp_path: Path):
    assert not log_files.bound(tmp_path / "absent.log")
    assert log_files.tail(tmp_path / "absent.log") == ""


def test_last_lines_are_told_when_a_log_is_long(tmp_path: Path):
    (tmp_path / "a.log").write_bytes(b"x" * 9000 + b"\none\n\n\xfftwo\nthree\n")

    assert log_files.tail(tmp_path / "a.log", 2) == "\ufffdtwo\nthree"
