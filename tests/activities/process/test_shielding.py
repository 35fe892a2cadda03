import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.process import shielding
from activities.process.isolation import without_namespace
from activities.process.running import run_process
from activities.process.shielding import Shield, read_only, shield_of, shielded


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder; 'quoted'"
    folder.mkdir()
    (folder / "file").write_text("kept\n")
    return folder


@pytest.fixture
def fresh_probe() -> Iterator[None]:
    shield_of.cache_clear()
    yield
    shield_of.cache_clear()


async def output_of(script: str, folder: Path, tmp_path: Path, **named: object) -> tuple[int, str]:
    pieces: list[bytes] = []
    with read_only([str(folder)]):
        ended = await run_process(
            ["sh", "-c", script, "x", str(folder)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            on_stdout=pieces.append,
            on_stderr=pieces.append,
            **named,  # pyright: ignore[reportArgumentType]
        )
    return ended.status, b"".join(pieces).decode()


@pytest.fixture
def can_shield() -> None:
    if not shield_of().prefix:
        pytest.fail(f"{shield_of().reason}; run the tests where namespaces are allowed")


@pytest.mark.usefixtures("can_shield")
async def test_folder_is_read_and_not_written_when_it_is_read_only(own: Path, tmp_path: Path) -> None:
    script = 'cat "$1/file"; echo x > "$1/file" || rm "$1/file" || mkdir "$1/new" || exit 7'
    status, text = await output_of(script, own, tmp_path)
    assert (status, text.splitlines()[0]) == (7, "kept")
    assert (own / "file").read_text() == "kept\n"
    (own / "file").write_text("written outside\n")


@pytest.mark.usefixtures("can_shield")
async def test_other_folders_are_written_all_the_same(own: Path, tmp_path: Path) -> None:
    assert (await output_of("echo x > made", own, tmp_path))[0] == 0
    assert (tmp_path / "made").exists()


@pytest.mark.usefixtures("can_shield")
async def test_program_fails_when_a_folder_is_gone(own: Path, tmp_path: Path) -> None:
    assert (await output_of("exit 0", own / "gone", tmp_path))[0] == 126


def test_argv_is_as_it_was_when_nothing_is_read_only() -> None:
    assert shielded(["a", "b"]) == ["a", "b"]


@pytest.mark.usefixtures("fresh_probe")
async def test_program_runs_without_a_shield_when_there_is_none(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "is missing" in shield_of().reason
    monkeypatch.undo()
    assert await output_of('echo x > "$1/file"', own, tmp_path) == (0, "")


@pytest.mark.usefixtures("fresh_probe")
async def test_user_namespace_is_left_out_when_the_profile_wants_none(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shielding, "shield_of", lambda: Shield(("false",), needs_user_namespace=True))
    isolation = without_namespace("the profile is `unrestricted`")
    assert (await output_of("exit 0", own, tmp_path, isolation=isolation))[0] == 0


@pytest.mark.usefixtures("fresh_probe")
def test_reason_is_told_when_mounting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess[bytes]([], 1, b"", b"x\nunshare: Operation not permitted\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    assert shield_of().reason == "folders cannot be made read-only here: unshare: Operation not permitted"


@pytest.mark.usefixtures("fresh_probe")
def test_reason_is_told_when_the_probe_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert shield_of().reason == "folders cannot be made read-only here: no more processes"


@pytest.mark.usefixtures("can_shield")
def test_program_has_no_powers_when_the_worker_is_no_root(own: Path) -> None:
    setpriv, programs = (
        shutil.which("setpriv"),
        {name: str(shutil.which(name)) for name in ("unshare", "mount", "setpriv")},
    )
    candidate = shielding._candidates(programs)[-1]  # pyright: ignore[reportPrivateUsage]
    script = 'grep CapEff /proc/self/status; touch "$1/x"'
    inner = [*candidate.prefix, "perdure", "1", str(own), "sh", "-c", script, "x", str(own)]
    for folder in (own, *own.parents[:4]):
        folder.chmod(0o755)
    argv = [str(setpriv), "--reuid=65534", "--regid=65534", "--clear-groups", *inner] if os.geteuid() == 0 else inner
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip("namespaces of users are not allowed here")
    assert done.stdout == "CapEff:\t0000000000000000\n"
    assert "Read-only file system" in done.stderr
