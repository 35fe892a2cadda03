"""Secrets in runs as they really are: in no history, record, log, key or artifact, however a step tries."""

import base64
import dataclasses
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle

from tests.support.live_runs import finished, run, start
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server

SECRET = "s3cr3t/To+ken-42"
TELLING = """
secrets: [TOKEN]
workspace: {from: empty}
cache: {default: "on"}
steps:
  - id: tell
    type: shell
    command: |
      echo "plain $TOKEN"; echo "error $TOKEN" >&2
      printf 'me:%s' "$TOKEN" | base64 -w0; echo; printf '%s' "$TOKEN" | od -An -tx1 | tr -d ' \\n'; echo
      printf '%s' "${TOKEN:0:5}"; sleep 0.02; printf '%s' "${TOKEN:5:4}"; printf '%s\\n' "${TOKEN:9}"
      echo "said=$TOKEN" >> "$PERDURE_OUTPUT"; echo "{\\"deep\\": [\\"x$TOKEN\\"]}" >> "$PERDURE_OUTPUT"
    env: {TOKEN: "{{ secrets.TOKEN }}", PLAIN: "{{ run.id }}"}
    outputs: {again: "{{ result.said }}"}
    cache: {env: [TOKEN, PLAIN]}
  - id: broken
    type: shell
    command: 'echo "bad $TOKEN" >&2; exit 3'
    env: {TOKEN: "{{ secrets.TOKEN }}"}
    on_failure: continue
  - id: ask
    type: agent
    provider: command
    prompt: Tell it
    command: [sh, -c, 'echo "the answer is $TOKEN"; echo "hm $TOKEN" >&2']
    env: {TOKEN: "{{ secrets.TOKEN }}"}
  - id: check
    type: shell
    command: test "${#TOKEN}" = 16
    env: {TOKEN: "{{ secrets.TOKEN }}"}
"""


@pytest_asyncio.fixture
async def worker(client: Client, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[RunningWorker]:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "TOKEN").write_text(SECRET + "\n")
    async with running_worker(client, f"secrets-{tmp_path.name}", tmp_path) as running:
        yield running


def spellings() -> list[bytes]:
    raw = SECRET.encode()
    inside = [base64.b64encode(before + raw)[4:-4] for before in (b"me:", b"u", b"uv")]
    return [raw, raw.hex().encode(), quote(raw, safe="").encode(), base64.b64encode(raw), *inside]


def holders(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    return [str(path) for path in files if any(one in path.read_bytes() for one in spellings())]


async def history_of(handle: WorkflowHandle) -> bytes:
    return b"".join(event.SerializeToString() for event in (await handle.fetch_history()).events)


async def test_secret_is_nowhere_when_a_run_has_told_it_in_every_way(worker: RunningWorker, tmp_path: Path):
    handle = await start(worker, TELLING)
    ended = await finished(handle)

    assert {path: step.status for path, step in ended.steps.items()} == {
        "tell": "completed",
        "broken": "failed",
        "ask": "completed",
        "check": "completed",
    }
    told = ended.steps["tell"].outputs or {}
    assert told["said"] == told["again"] == "***"
    assert told["deep"] == ["x***"]
    assert str(told["stdout"]).startswith("plain ***\n")
    assert ended.steps["broken"].error is not None
    assert ended.steps["broken"].error.message.endswith("bad ***")
    assert holders(tmp_path) == []
    history = await history_of(handle)
    assert [one for one in spellings() if one in history] == []
    assert b"secrets.TOKEN" in history


@pytest.mark.parametrize(
    "keys",
    ["command: 'echo \"$TOKEN\" > leak'", "command: 'echo \"$TOKEN\" > leak', artifacts: {a: leak}"],
)
async def test_step_fails_and_nothing_is_stored_when_it_leaves_a_secret_in_a_file(
    worker: RunningWorker, tmp_path: Path, keys: str
):
    step = f'{{id: a, type: shell, {keys}, env: {{TOKEN: "{{{{ secrets.TOKEN }}}}"}}}}'
    ended = await run(worker, f"secrets: [TOKEN]\nworkspace: {{from: empty}}\nsteps: [{step}]")
    assert ended.error is not None
    assert (ended.error.type, ended.error.details["path"]) == ("secret", "leak")
    assert holders(tmp_path / "store") == []


async def test_step_fails_with_the_way_out_when_the_worker_has_no_such_secret(worker: RunningWorker):
    step = '{id: a, type: shell, command: "true", env: {T: "{{ secrets.OTHER }}"}}'
    ended = await run(worker, f"secrets: [OTHER]\nsteps: [{step}]")
    assert ended.error is not None
    assert ended.error.type == "secret"
    assert "does not know the secret `OTHER`" in ended.error.message


async def test_step_runs_again_when_the_version_of_its_secret_is_another(worker: RunningWorker, tmp_path: Path):
    step = '{id: a, type: shell, command: "echo hi", cache: true, env: {T: "{{ secrets.TOKEN }}"}}'
    text = f"secrets: [TOKEN]\nworkspace: {{from: none}}\nsteps: [{step}]"
    cached = [(await run(worker, text)).steps["a"].cached for _ in range(2)]
    (tmp_path / "secrets" / "TOKEN").write_text("another-value-of-it")
    cached.append((await run(worker, text)).steps["a"].cached)
    (tmp_path / "secrets" / "TOKEN.version").write_text("2")
    cached.append((await run(worker, text)).steps["a"].cached)
    assert cached == [False, True, True, False]


def test_secrets_of_a_worker_are_settings_of_their_own(tmp_path: Path):
    from worker.settings import Settings

    ours = {"PERDURE_HOME": str(tmp_path)}
    assert Settings.from_environment(ours).secrets == ("env:PERDURE_SECRET_",)
    assert Settings.embedded(ours).secrets == (f"folder:{tmp_path}/secrets", "env")
    given = Settings.embedded({**ours, "PERDURE_SECRETS": "env:X_, folder:/run/secrets"})
    assert given.secrets == ("env:X_", "folder:/run/secrets")
    assert dataclasses.replace(given, secrets=()).secrets == ()
