"""Kill -9 of the worker, the server, both, and the command, while a step runs; and the run goes on.

The oracle is a file outside the system: each attempt of a step appends its name there, so a completed step that
ran again would show.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.server, pytest.mark.timeout(240)]

PATIENCE = 90.0
DEFINITION = """
name: survivor
workspace: {from: empty}
steps:
  - {id: first, type: shell, command: "echo first >> $LOG; echo 1 > one.txt", env: {LOG: "{{ inputs.log }}"}}
  - id: second
    type: shell
    command: |
      echo second >> $LOG
      while [ ! -e $LOG.go ]; do sleep 0.05; done
      cat one.txt > two.txt
    env: {LOG: "{{ inputs.log }}"}
  - {id: check, type: assert, condition: 'read_text("two.txt") == "1\\n"'}
  - {id: ok, type: approval}
  - {id: third, type: shell, command: "echo third >> $LOG", env: {LOG: "{{ inputs.log }}"}}
inputs: {log: {type: string}}
"""


@dataclass
class Stage:
    """A home folder of its own, the definition, and the oracle's file."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "attempts.log"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PERDURE_HOME": str(self.folder / "home"), "PYTHONPATH": str(Path.cwd())}

    def perdure(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from client.cli import main; main()", *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def answer(self, *arguments: str) -> tuple[int, str, str]:
        process = self.perdure(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def record(self) -> dict[str, dict[str, int]]:
        return json.loads((self.folder / "home" / "dev.json").read_text())

    def kill(self, who: str) -> None:
        os.kill(self.record()[who]["pid"], signal.SIGKILL)

    def attempts(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def ours(self) -> list[psutil.Process]:
        """Return the living processes that belong to this home, each with `info` as it was when it was looked at."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter(["name", "cmdline", "environ"]):
            texts = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
            if str(self.folder) in " ".join(texts):
                found.append(process)
        return found

    def end(self) -> None:
        """End all that this stage started; what has just ended by itself is fine."""
        self.answer("dev", "stop")
        for process in self.ours():
            with suppress(psutil.NoSuchProcess):
                process.kill()


def wait_for(question, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Set the stage, and end all that it started."""
    found = Stage(tmp_path)
    (tmp_path / "survivor.yaml").write_text(DEFINITION)
    yield found
    found.end()


def begin(stage: Stage) -> None:
    code, _, err = stage.answer("run", "./survivor.yaml", "-i", f"log={stage.log}", "--id", "survivor-1", "--detach")
    assert code == 0, err
    wait_for(lambda: stage.attempts() == ["first", "second"], "the second step to run")


def finish(stage: Stage) -> None:
    """Let the run go to its end by commands only, and look at the oracle."""
    Path(f"{stage.log}.go").touch()
    watching = stage.perdure("watch", "survivor-1")

    def gate_is_open() -> bool:
        code, out, _ = stage.answer("gates", "survivor-1", "--json")
        return code == 0 and "ok" in out

    wait_for(gate_is_open, "the gate")
    code, _, err = stage.answer("approve", "survivor-1", "ok")
    assert code == 0, err
    out, err = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 0, out + err
    code, out, _ = stage.answer("show", "survivor-1", "--json")
    assert json.loads(out)["status"] == "completed"
    attempts = stage.attempts()
    assert attempts.count("first") == 1
    assert attempts.count("third") == 1
    assert attempts[-1] == "third"
    assert stage.answer("dev", "stop")[0] == 0
    wait_for(lambda: not stage.ours(), "all processes to be gone")


@pytest.mark.parametrize("victims", [["worker"], ["server"], ["server", "worker"]], ids="-".join)
def test_run_goes_on_when_processes_are_killed_during_a_step(stage: Stage, victims: list[str]):
    begin(stage)
    for victim in victims:
        stage.kill(victim)
    finish(stage)
    reruns = stage.attempts().count("second") - 1
    if "worker" in victims:
        assert reruns == 1
    else:  # an attempt whose server is away for longer than its heartbeats may be late is begun again
        assert reruns <= 1


def test_no_step_process_is_left_when_the_worker_is_killed(stage: Stage):
    begin(stage)
    stage.kill("worker")
    wait_for(
        lambda: not [p for p in stage.ours() if "sleep" in p.info["name"] or "bash" in p.info["name"]],
        "the step's processes to end",
    )


def test_run_goes_on_when_the_command_is_killed(stage: Stage):
    command = stage.perdure("run", "./survivor.yaml", "-i", f"log={stage.log}", "--id", "survivor-1")
    wait_for(lambda: stage.attempts() == ["first", "second"], "the second step to run")
    command.kill()
    command.communicate()
    finish(stage)
    assert stage.attempts() == ["first", "second", "third"]


def test_run_goes_on_when_the_worker_is_stopped_politely_during_a_step(stage: Stage):
    begin(stage)
    os.kill(stage.record()["worker"]["pid"], signal.SIGTERM)
    finish(stage)
    assert stage.attempts().count("second") <= 2


def test_open_gate_survives_when_everything_is_killed(stage: Stage):
    begin(stage)
    Path(f"{stage.log}.go").touch()
    wait_for(lambda: "ok" in stage.answer("gates", "survivor-1", "--json")[1], "the gate")
    stage.kill("server")
    stage.kill("worker")
    finish(stage)
    assert stage.attempts() == ["first", "second", "third"]


def test_two_commands_share_one_server_when_both_start_from_nothing(stage: Stage):
    (stage.folder / "quick.yaml").write_text(
        "name: quick\nworkspace: {from: none}\nsteps: [{id: a, type: shell, command: 'true'}]\n"
    )
    both = [stage.perdure("run", "./quick.yaml", "--id", f"quick-{number}") for number in (1, 2)]
    ends = [process.communicate(timeout=PATIENCE) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    servers = [process for process in stage.ours() if "start-dev" in " ".join(process.info["cmdline"] or [])]
    assert len(servers) == 1
