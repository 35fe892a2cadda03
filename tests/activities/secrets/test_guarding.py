"""Files with secrets in them are found before they are stored."""

import base64
import os
import time
from pathlib import Path

import pytest

from activities.secrets import guarding
from activities.secrets.guarding import check_files
from activities.secrets.masking import Mask
from definitions.errors import ErrorClass, StepFailure

SECRET = "s3cr3t-token-42"
MASK = Mask([SECRET])


def named(folder: Path, since: int = 0) -> str | None:
    found: StepFailure | None = None
    try:
        check_files(folder, MASK, since)
    except StepFailure as failure:
        found = failure
    if found is None:
        return None
    assert found.error_class is ErrorClass.SECRET
    assert SECRET not in found.message
    return str(found.details["path"])


@pytest.mark.parametrize(
    "text", [SECRET, f"url = https://me:{SECRET}@host", base64.b64encode(SECRET.encode()).decode()]
)
def test_file_is_named_when_it_holds_a_secret(tmp_path: Path, text: str):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(text)
    (tmp_path / "other").write_text("nothing")
    assert named(tmp_path) == ".git/config"


def test_file_is_named_when_the_secret_lies_across_two_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guarding, "PIECE", 64)
    (tmp_path / "big").write_bytes(b"x" * 58 + SECRET.encode() + b"x" * 200)
    assert named(tmp_path) == "big"


def test_file_is_named_when_it_is_a_link_to_a_secret_or_is_called_so(tmp_path: Path):
    (tmp_path / "link").symlink_to(SECRET)
    assert named(tmp_path) == "link"
    (tmp_path / "link").unlink()
    (tmp_path / f"a{SECRET}").write_text("")
    assert named(tmp_path) == "a***"


def test_file_is_named_when_its_time_is_set_back(tmp_path: Path):
    (tmp_path / "old").write_text("x")
    begun = time.time_ns()
    (tmp_path / "sly").write_text(SECRET)
    os.utime(tmp_path / "sly", (1, 1))
    assert named(tmp_path, begun) == "sly"


def test_file_is_not_looked_at_when_it_was_there_before(tmp_path: Path):
    (tmp_path / "given").write_text(SECRET)
    assert named(tmp_path, time.time_ns() + 1_000_000_000) is None


def test_what_is_no_file_does_no_harm(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("gone")
    assert named(tmp_path) is None
    assert named(tmp_path / "gone") is None
    check_files(tmp_path, Mask(), 0)
