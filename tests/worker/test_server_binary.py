"""Where the server's program comes from: stand-ins for `temporal`, `go` and the SDK's download are shell scripts."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from definitions.errors import EnvironmentUnfit
from worker import server_binary
from worker.server_binary import cache_folder, find_binary, look_for_binary

TEMPORAL = "#!/bin/sh\necho 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)'\n"


BUILDING = f"cat > $GOBIN/temporal <<'END'\n{TEMPORAL}END\nchmod +x $GOBIN/temporal\n"
DOWNLOADING = f"""
import pathlib, sys
path = pathlib.Path(sys.argv[1], "temporal-sdk-python-9")
path.write_text({TEMPORAL!r})
path.chmod(0o755)
"""


def program(path: Path, text: str = TEMPORAL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment with no program of ours on PATH, an empty cache, and no network."""
    (tmp_path / "bin").mkdir()
    return {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: object, **__: object) -> socket.socket:
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", unreachable)


def test_named_program_wins_when_there_are_others(environment: dict[str, str], tmp_path: Path, said: list[str]):
    program(tmp_path / "bin" / "temporal")
    named = program(tmp_path / "named")

    found = find_binary({**environment, "PERDURE_TEMPORAL_BIN": str(named)}, said.append)

    assert (found.path, found.version) == (named, (1, 29))


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho something else\n", "no program"])
def test_named_program_is_refused_when_it_is_no_temporal(environment: dict[str, str], tmp_path: Path, text: str):
    named = program(tmp_path / "named", text)

    with pytest.raises(EnvironmentUnfit, match="PERDURE_TEMPORAL_BIN"):
        look_for_binary({**environment, "PERDURE_TEMPORAL_BIN": str(named)})


def test_named_program_is_refused_when_it_is_not_there_or_a_folder(environment: dict[str, str], tmp_path: Path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(EnvironmentUnfit, match="PERDURE_TEMPORAL_BIN"):
            look_for_binary({**environment, "PERDURE_TEMPORAL_BIN": str(path)})


def test_path_comes_before_the_cache_when_both_have_it(environment: dict[str, str], tmp_path: Path):
    cached = program(cache_folder(environment) / "temporal")
    found = look_for_binary(environment)
    assert found is not None
    assert found.path == cached

    on_path = program(tmp_path / "bin" / "temporal")
    found = look_for_binary(environment)
    assert found is not None
    assert found.path == on_path


def test_cache_is_used_when_the_one_on_path_has_no_server(environment: dict[str, str], tmp_path: Path, said: list[str]):
    program(tmp_path / "bin" / "temporal", "#!/bin/sh\nexit 1\n")
    cached = program(cache_folder(environment) / "temporal")

    assert find_binary(environment, said.append).path == cached


def test_one_error_names_all_that_was_tried_when_nothing_helps(
    environment: dict[str, str], tmp_path: Path, said: list[str]
):
    program(tmp_path / "bin" / "temporal", "#!/bin/sh\nexit 1\n")
    environment["PATH"] = str(tmp_path / "bin")

    with pytest.raises(EnvironmentUnfit) as refusal:
        find_binary(environment, said.append)

    for part in ("bin/temporal` has no dev server", "`temporal.download` cannot be reached", "Go is not installed"):
        assert part in refusal.value.message
    assert "PERDURE_TEMPORAL_BIN" in refusal.value.remedy
    assert said == []


def test_go_builds_into_the_cache_when_it_is_present(environment: dict[str, str], tmp_path: Path, said: list[str]):
    script = f'#!/bin/sh\nprintf %s "$*" > {tmp_path}/asked\n{BUILDING}'
    program(tmp_path / "bin" / "go", script)

    found = find_binary(environment, said.append)

    assert found.path == tmp_path / "cache" / "perdure" / "bin" / "temporal"
    assert (tmp_path / "asked").read_text() == f"install {server_binary.GO_MODULE}"
    assert "with Go" in said[0]
    assert not (found.path.parent / "build").exists()


def test_last_words_of_go_are_told_when_it_fails(environment: dict[str, str], tmp_path: Path, said: list[str]):
    program(tmp_path / "bin" / "go", "#!/bin/sh\necho 'dial tcp: no such host' >&2\nexit 1\n")

    with pytest.raises(EnvironmentUnfit, match="no such host"):
        find_binary(environment, said.append)


def test_download_is_used_when_the_network_is_there(
    environment: dict[str, str], tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_binary, "_DOWNLOAD_SCRIPT", DOWNLOADING)

    found = find_binary({**environment, "HTTPS_PROXY": "http://proxy"}, said.append)

    assert found.path == cache_folder(environment) / "temporal"
    assert "downloading" in said[0]


def test_next_way_is_tried_when_the_download_fails(
    environment: dict[str, str], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_binary, "_DOWNLOAD_SCRIPT", "raise SystemExit('broken pipe')")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    environment["PATH"] = str(tmp_path / "bin")

    with pytest.raises(EnvironmentUnfit, match=r"the download failed \(broken pipe\); Go is not installed"):
        find_binary(environment, said.append)


def test_one_brings_it_and_the_other_waits_when_two_look_at_once(
    environment: dict[str, str], tmp_path: Path, said: list[str]
):
    script = f"#!/bin/sh\necho once >> {tmp_path}/builds\nsleep 0.3\n{BUILDING}"
    program(tmp_path / "bin" / "go", script)
    found: list[Path] = []
    lookers = [
        threading.Thread(target=lambda: found.append(find_binary(environment, said.append).path)) for _ in range(2)
    ]

    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()

    assert len(set(found)) == 1
    assert len(found) == 2
    assert (tmp_path / "builds").read_text() == "once\n"


def test_build_is_given_up_when_it_takes_too_long(
    environment: dict[str, str], tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_binary, "_BUILD_LIMIT", timedelta(0))
    monkeypatch.setattr(server_binary, "_REPORT_INTERVAL", timedelta(milliseconds=50))
    program(tmp_path / "bin" / "go", "#!/bin/sh\nexec sleep 60\n")

    with pytest.raises(EnvironmentUnfit, match="gave up"):
        find_binary(environment, said.append)


def test_waiting_is_reported_when_it_takes_long(
    environment: dict[str, str], tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_binary, "_REPORT_INTERVAL", timedelta(milliseconds=20))
    program(tmp_path / "bin" / "go", "#!/bin/sh\nsleep 0.3\n")

    with pytest.raises(EnvironmentUnfit, match="exit code 0"):
        find_binary(environment, said.append)

    assert any("still at it" in line for line in said)


def test_build_ends_when_the_command_is_interrupted(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_binary, "_REPORT_INTERVAL", timedelta(milliseconds=20))
    program(tmp_path / "bin" / "go", "#!/bin/sh\nexec sleep 60\n")

    def interrupt(text: str) -> None:
        if "still" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_binary(environment, interrupt)


def test_error_is_told_when_the_cache_cannot_be_written(environment: dict[str, str], tmp_path: Path, said: list[str]):
    (tmp_path / "cache").write_text("a file, not a folder")

    with pytest.raises(EnvironmentUnfit, match=r"the cache .* cannot be written"):
        find_binary(environment, said.append)


def test_cache_is_in_the_home_folder_when_no_other_is_named():
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "relative"}) == Path("/h/.cache/perdure/bin")
    assert cache_folder({}) == Path.home() / ".cache/perdure/bin"
