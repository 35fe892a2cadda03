"""`perdure store gc | verify`, with a real server."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.exit_codes import ExitCode

pytestmark = pytest.mark.server

TEXT = """
name: waits
workspace: {from: empty}
inputs: {text: {default: a}}
steps:
  - {id: make, type: shell, command: "echo {{ inputs.text }} > made"}
  - {id: ask, type: approval, message: Go on?}
  - {id: read, type: shell, command: cat made}
"""
LONG_AGO = (datetime.now(UTC) - timedelta(days=200)).timestamp()


def blobs(store: Path) -> list[Path]:
    return [path for path in (store / "cas").rglob("*") if path.is_file()]


def age(store: Path) -> None:
    for path in store.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def waiting(settled, cli, write) -> str:
    """A run at an open gate, everything of which is old."""
    ran = cli("run", write(TEXT), "--id", f"gc-{os.urandom(4).hex()}", "--detach")
    run_id = ran.out.strip()
    while not json.loads(cli("gates", run_id, "--json").out):
        time.sleep(0.02)
    age(settled.store)
    return run_id


def test_open_run_goes_on_when_garbage_was_collected_behind_it(cli, settled, waiting):
    garbage = settled.store / "cas" / "00" / ("0" * 64)
    garbage.parent.mkdir(exist_ok=True)
    garbage.write_bytes(b"garbage")
    os.utime(garbage, (LONG_AGO, LONG_AGO))
    planned = json.loads(cli("store", "gc", "--dry-run", "--json").out)
    assert planned["swept"]["blobs"] >= 1
    assert garbage.exists()

    said = cli("store", "gc", "--yes")

    assert said.code == ExitCode.SUCCESS
    assert said.out.startswith("removed ")
    assert "in use" in said.out
    assert not garbage.exists()
    cli("approve", waiting)
    assert cli("watch", waiting).code == ExitCode.SUCCESS
    assert cli("logs", waiting, "read").out == "a\n"


def test_nothing_goes_when_a_person_says_no(cli, settled, waiting, monkeypatch):
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    (settled.store / "cas" / "00").mkdir(exist_ok=True)
    garbage = settled.store / "cas" / "00" / ("0" * 63 + "1")
    garbage.write_bytes(b"garbage")
    os.utime(garbage, (LONG_AGO, LONG_AGO))
    assert cli("store", "gc").err.endswith("nothing was done\n")
    assert garbage.exists()
    garbage.unlink()
    cli("cancel", waiting)


@pytest.mark.parametrize("option", [["--grace", "1h"], ["--runs", "soon"]])
def test_time_is_refused_when_it_is_too_short_or_none(cli, option):
    ran = cli("store", "gc", *option)
    assert ran.code == ExitCode.USAGE
    assert option[0] in ran.err


def test_damage_is_reported_when_everything_is_verified(cli, tmp_path, monkeypatch):
    from activities.store.opening import open_store

    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    store = open_store(tmp_path / "store")
    digest = store.write_blob(b"content")
    sound = cli("store", "verify")
    assert (sound.code, sound.out.startswith("looked at 1 blob, 0 cached steps, 0 trees")) == (ExitCode.SUCCESS, True)

    (path,) = blobs(tmp_path / "store")
    path.chmod(0o644)
    path.write_bytes(b"c0ntent")
    damaged = cli("store", "verify", "--json")

    assert damaged.code == ExitCode.FAILED
    (damage,) = json.loads(damaged.out)["damages"]
    assert (damage["kind"], damage["name"]) == ("blob", digest)


def test_packs_are_written_anew_and_verified_when_the_store_is_on_s3(cli, settled, s3_server, tmp_path, monkeypatch):
    from tests.activities.store.s3_places import fresh_store

    s3_server.set_in(monkeypatch)
    store = fresh_store(monkeypatch, tmp_path / "cache")
    monkeypatch.setenv("PERDURE_STORE", store.location)
    objects = s3_server.objects / store.location.partition("perdure/")[2]
    paths = [tmp_path / f"f{number}" for number in range(20)]
    for number, path in enumerate(paths):
        path.write_text(f"text {number}\n" * 10)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    store.write_document("runs/kept/notes.json", json.dumps(kept[:3]).encode())
    (before,) = (path for path in (objects / "packs").rglob("*") if path.is_file())
    for path in (objects / "index").iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))

    collected = json.loads(cli("store", "gc", "--yes", "--json").out)

    assert (collected["swept"]["packs"], collected["swept"]["blobs"]) == (1, 17)
    (after,) = (path for path in (objects / "packs").rglob("*") if path.is_file())
    assert after.name != before.name
    assert cli("store", "verify").out.startswith("looked at 3 blobs")

    after.write_bytes(b"\0" * after.stat().st_size)
    damaged = cli("store", "verify", "--json")

    assert damaged.code == ExitCode.FAILED
    assert {one["name"] for one in json.loads(damaged.out)["damages"]} == set(kept[:3])
