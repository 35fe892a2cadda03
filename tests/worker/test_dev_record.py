from pathlib import Path

import pytest

from worker import dev_record
from worker.dev_record import DevRecord, ServerRecord, WorkerRecord

SERVER = ServerRecord(pid=1, started="s", port=7233, ui_port=None, version="v", binary="/b")
WORKER = WorkerRecord(
    pid=2, started="w", address="127.0.0.1:7233", version="1", fingerprint="f", task_queue="q", store="/s"
)


def test_record_is_read_back_when_written(tmp_path: Path):
    dev_record.write(tmp_path, DevRecord(server=SERVER, worker=WORKER))

    assert dev_record.read(tmp_path) == DevRecord(server=SERVER, worker=WORKER)
    assert [path.name for path in tmp_path.iterdir()] == ["dev.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"schema_version": 2}',
        b'{"schema_version": 1, "server": {"pid": "1"}}',
        b'{"schema_version": 1, "worker": 3}',
    ],
)
def test_record_counts_as_absent_when_it_is_corrupt(tmp_path: Path, content: bytes):
    (tmp_path / "dev.json").write_bytes(content)

    assert dev_record.read(tmp_path) == DevRecord()


def test_record_before_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dev_record.write(tmp_path, DevRecord(server=SERVER))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        dev_record.write(tmp_path, DevRecord())

    assert dev_record.read(tmp_path).server == SERVER


def test_addresses_are_local_when_a_server_is_recorded():
    assert (SERVER.address, SERVER.ui_url) == ("127.0.0.1:7233", None)
    assert SERVER.model_copy(update={"ui_port": 8233}).ui_url == "http://127.0.0.1:8233"
    assert (SERVER.identity.pid, WORKER.identity.started) == (1, "w")
