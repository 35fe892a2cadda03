"""Steps that leave hostile files: what they plant is refused or handled, said in notes, and never run by us."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from activities.store.opening import open_store
from activities.workspace.changes import apply_to_branch, apply_to_folder, unified_diff
from activities.workspace.checkouts import Checkouts
from activities.workspace.entries import printable
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from activities.workspace.snapshots import snapshot
from activities.workspace.sources import snapshot_source
from definitions.errors import StepFailure
from tests.activities.workspace.trees import make, read
from tests.support.live_runs import run
from tests.support.workers import RunningWorker

PLANT = """
import os, socket
outside = os.environ["OUTSIDE"]
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("socket")
for name, target in {
    "absolute": "/etc/passwd", "upward": "../../../outside/secret", "round": "round", "to-absolute": "absolute",
    "inside": "kept", "dangling": "nowhere", "swapped": outside,
}.items():
    os.symlink(target, name)
accents = ["caf\\u00e9".encode(), "cafe\\u0301".encode()]
for name in (b"caf\\xe9", b"n" * 255, b" ", b"-rf", b"a\\nb", b"con", *accents, b"A", b"a"):
    with open(name, "wb") as file:
        file.write(name)
os.makedirs("/".join(["deep"] * 120))
with open("kept", "w") as file:
    file.write("kept")
os.makedirs(".git/hooks", exist_ok=True)
for hook in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
    with open(f".git/hooks/{hook}", "w") as file:
        file.write(f"#!/bin/sh\\ntouch {outside}/proof\\n")
    os.chmod(f".git/hooks/{hook}", 0o755)
with open(".git/config", "w") as file:
    file.write(f'''[core]
    repositoryformatversion = 0
    fsmonitor = touch {outside}/proof
    sshCommand = touch {outside}/proof
    worktree = {outside}
    hooksPath = .git/hooks
[filter "f"]
    clean = touch {outside}/proof
    smudge = touch {outside}/proof
[diff]
    external = touch {outside}/proof
[merge "m"]
    driver = touch {outside}/proof
''')
with open(".gitattributes", "w") as file:
    file.write("* filter=f merge=m diff=f\\n")
os.makedirs("module", exist_ok=True)
with open("module/.git", "w") as file:
    file.write(f"gitdir: {outside}/repository")
"""

DEFINITION = """
inputs: {{outside: {{type: string}}}}
env: {{OUTSIDE: "{{{{ inputs.outside }}}}"}}
steps:
  - {{id: plant, type: shell, shell: python, command: {script}}}
  - id: sides
    type: group
    mode: parallel
    steps:
      - {{id: one, type: shell, command: "echo 1 > one; echo x >> kept"}}
      - {{id: two, type: shell, command: "echo 2 > two; ls -A | wc -l"}}
  - {{id: look, type: shell, command: "cat one two kept; test ! -e absolute; test ! -e pipe"}}
"""


def make_repository(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)


async def test_what_a_step_plants_harms_nobody(worker: RunningWorker, tmp_path: Path) -> None:
    source, outside = tmp_path / "source", tmp_path / "outside"
    make(source, {"kept": "first"})
    make(outside, {"secret": "theirs"})
    make_repository(source)
    tree = save_manifest(worker.store, snapshot_source(worker.store, source))
    text = DEFINITION.format(script=json.dumps(PLANT))
    ended = await run(worker, text, inputs={"outside": str(outside)}, workspace={"tree": tree})
    assert ended.error is None
    assert (ended.steps["look"].outputs or {})["stdout"] == "1\n2\nkeptx"
    notes = "\n".join(ended.steps["plant"].notes)
    for said in ("`absolute`: the link leads out", "`upward`: the link", "`pipe`: not a file", "`socket`: not a file"):
        assert said in notes
    assert read(outside) == {"secret": "theirs"}
    _check_taking(worker, ended.tree_before, ended.tree, source, tmp_path)
    assert read(outside) == {"secret": "theirs"}


def _check_taking(worker: RunningWorker, before: str | None, after: str | None, source: Path, home: Path) -> None:
    """Take what the run made in each way, into the folder that it began with."""
    first, last = load_manifest(worker.store, before), load_manifest(worker.store, after)
    paths = {entry.path for entry in last.visible()}
    assert {os.fsdecode(b"caf\xe9"), "n" * 255, " ", "-rf", "a\nb", "caf\u00e9", "cafe\u0301", "A", "a"} <= paths
    assert not {"absolute", "upward", "to-absolute", "swapped", "pipe", "socket", "module/.git"} & paths
    assert {"inside", "dangling", "round"} <= paths
    assert "diff --git" in unified_diff(worker.store, first, last)
    config = (source / ".git/config").read_bytes()
    made = apply_to_branch(worker.store, first, last, source, "taken", "m")
    assert set(made.changed) == {entry.path for entry in last.visible() if entry.type != "d"}
    apply_to_folder(worker.store, first, last, source)
    assert (source / ".git/config").read_bytes() == config
    assert (
        not (source / ".git/hooks/pre-commit").exists()
        or b"proof" not in (source / ".git/hooks/pre-commit").read_bytes()
    )
    assert printable(os.fsdecode(b"caf\xe9")) == "caf\\xe9"


def deep_chain(folder: Path, depth: int) -> None:
    """Make folders inside each other, beyond what a path may name at once."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 50, dir_fd=here)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_folder_is_refused_when_it_is_deeper_than_paths_can_name(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    folder = tmp_path / "folder"
    folder.mkdir()
    deep_chain(folder, 120)
    with pytest.raises(StepFailure, match=r"cannot read `.*ddd` of the workspace: file name too long"):
        snapshot(store, folder)
    subprocess.run(["rm", "-rf", str(folder)], check=True)


async def test_next_step_begins_with_its_tree_when_one_left_a_folder_that_is_too_deep(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    checkouts = Checkouts(tmp_path / "checkouts", store)
    tree = save_manifest(store, Manifest())
    async with checkouts.hold("run", "a", tree) as folder:
        deep_chain(folder, 120)
        with pytest.raises(StepFailure, match="file name too long"):
            await checkouts.snapshot(folder, Manifest())
    async with checkouts.hold("run", "b", tree) as folder:
        assert os.listdir(folder) == []
    await checkouts.discard("run")
