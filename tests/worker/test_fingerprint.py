from pathlib import Path

from worker.fingerprint import fingerprint, version


def code(root: Path) -> Path:
    for room in ("activities", "definitions", "worker", "workflows"):
        (root / room / "inner").mkdir(parents=True)
        (root / room / "inner" / "a.py").write_text("pass")
    return root


def test_fingerprint_is_stable_when_nothing_changes(tmp_path: Path):
    root = code(tmp_path)
    before = fingerprint(root)
    (root / "worker" / "__pycache__").mkdir()
    (root / "worker" / "__pycache__" / "a.cpython.py").write_text("")
    (root / "worker" / "notes.txt").write_text("")

    assert fingerprint(root) == before


def test_fingerprint_changes_when_a_file_is_edited_or_added(tmp_path: Path):
    root = code(tmp_path)
    seen = {fingerprint(root)}
    (root / "worker" / "inner" / "a.py").write_text("pass # edited")
    seen.add(fingerprint(root))
    (root / "definitions" / "b.yaml").write_text("")
    seen.add(fingerprint(root))

    assert len(seen) == 3


def test_version_is_a_text_when_installed_or_not():
    assert version()
