import subprocess

import pytest

from activities.workspace import text_merging
from activities.workspace.git import GitFailed
from activities.workspace.text_merging import merged_text

BASE = b"0\n1\n2\n3\n4\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "result"),
    [
        (BASE, b"x", b"x"),
        (b"x", BASE, b"x"),
        (b"x", b"x", b"x"),
        (b"a\n1\n2\n3\n4\n", b"0\n1\n2\n3\nb\n", b"a\n1\n2\n3\nb\n"),
        (b"a\n1\n2\n3\n4\n", b"b\n1\n2\n3\n4\n", None),
        (b"\0", b"b\n", None),
        (b"caf\xe9\n1\n2\n3\n4\n", b"0\n1\n2\n3\n4", b"caf\xe9\n1\n2\n3\n4"),
    ],
    ids=["ours unchanged", "theirs unchanged", "both the same", "merged", "conflict", "binary", "not utf-8"],
)
def test_text_has_both_sides_changes(ours: bytes, theirs: bytes, result: bytes | None) -> None:
    assert merged_text(BASE, ours, theirs) == result


def test_text_is_not_merged_when_it_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_merging, "LARGEST_TEXT", 9)
    assert merged_text(BASE, b"a", b"b") is None


def test_failure_is_told_when_git_cannot_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_merging, "_MOST_CONFLICTS", -1)
    with pytest.raises(GitFailed, match="`git merge-file` failed"):
        merged_text(BASE, b"a", b"b")


def test_git_is_ended_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from datetime import timedelta

    from activities.workspace.git import ask_git

    answer = ask_git(tmp_path, "-c", "alias.wait=!sleep 60", "wait", time_limit=timedelta(seconds=0.2))
    assert (answer.status, answer.complaint) == (124, "it took longer than 0.2 s and was ended")
    found = subprocess.run(["pgrep", "-f", f"^sleep 60$ {tmp_path}"], capture_output=True, check=False)
    assert found.stdout == b""
