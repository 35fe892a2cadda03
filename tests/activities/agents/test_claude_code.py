"""The launch that the adapter builds, and where CLI and login come from. Pure: no CLI is started here."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.agents import claude_code
from activities.agents.adapter import AgentRequest, AgentSettings, Outfit, Profile
from activities.agents.budget import Remaining
from activities.agents.claude_login import find_claude, log_in
from definitions.errors import ErrorClass, StepFailure
from tests.support.agent_executions import agent_stage

REQUEST = AgentRequest(
    prompt="Do it.",
    session="00000000-0000-4000-8000-000000000000",
    resumes=False,
    workspace=Path("/work/space"),
    scratch=Path("/scratch"),
    environment={"PATH": "/bin", "GIVEN": "1"},
    outfit=Outfit("/bin/claude", {"ANTHROPIC_API_KEY": "k"}, {".credentials.json": b"{}"}),
    remaining=Remaining(),
)


def argv(**changes: Any) -> list[str]:
    return list(claude_code.build(replace(REQUEST, **changes)).argv)


def option(name: str, **changes: Any) -> str | None:
    found = [argument.split("=", 1)[1] for argument in argv(**changes) if argument.startswith(f"{name}=")]
    return found[0] if found else None


def test_settings_of_others_are_left_out_when_it_is_launched() -> None:
    arguments = argv()
    assert arguments[:2] == ["/bin/claude", "-p"]
    assert {"--setting-sources=", "--strict-mcp-config", "--disable-slash-commands"} <= set(arguments)


@pytest.mark.parametrize(
    ("profile", "mode", "tools"),
    [
        ("read-only", "dontAsk", "Read,Glob,Grep"),
        ("restricted", "acceptEdits", "Read,Glob,Grep,Edit,Write,NotebookEdit,TodoWrite"),
        ("standard", "acceptEdits", "Read,Glob,Grep,Edit,Write,NotebookEdit,TodoWrite,Bash,WebFetch,WebSearch"),
        ("unrestricted", "bypassPermissions", None),
    ],
)
@pytest.mark.parametrize("resumes", [False, True])
def test_whole_profile_is_passed_when_it_is_launched_or_resumed(
    profile: Profile, mode: str, tools: str | None, resumes: bool
) -> None:
    assert option("--permission-mode", profile=profile, resumes=resumes) == mode
    assert option("--tools", profile=profile, resumes=resumes) == tools
    assert ("Bash" in argv(profile=profile, resumes=resumes)) is (profile == "standard")


def test_session_is_chosen_or_taken_up_when_it_is_launched() -> None:
    assert option("--session-id") == REQUEST.session
    assert option("--resume", resumes=True) == REQUEST.session
    assert option("--session-id", resumes=True) is None


def test_what_is_left_is_passed_when_there_are_limits() -> None:
    assert option("--max-turns") is None
    assert option("--max-turns", remaining=Remaining(turns=7)) == "7"
    assert option("--max-budget-usd", remaining=Remaining(usd=0.25)) == "0.250000"


def test_rules_are_arguments_of_their_own_when_the_step_has_tools() -> None:
    arguments = argv(allow=("Bash(git log, -p)", "WebFetch"), deny=("Write", "Bash(rm:*)"), folders=(Path("/f"),))
    start = arguments.index("--allowedTools")
    assert arguments[start:] == [
        *("--allowedTools", "Bash(git log, -p)", "WebFetch"),
        *("--disallowedTools", "Write", "Bash(rm:*)"),
        *("--add-dir", "/f"),
    ]
    assert "--tools=Read,Glob,Grep,Edit,NotebookEdit,TodoWrite,Bash,WebFetch" in arguments


@pytest.mark.parametrize("rule", ["--dangerously-skip-permissions", "", "a b", "Bash(", "-p"])
def test_rule_is_refused_when_it_is_no_tool(rule: str) -> None:
    with pytest.raises(StepFailure, match="no tool's name"):
        argv(allow=(rule,))


def test_acting_tool_is_refused_when_the_profile_is_read_only() -> None:
    with pytest.raises(StepFailure, match="read-only") as raised:
        argv(profile="read-only", allow=("Bash(ls:*)",))
    assert raised.value.error_class is ErrorClass.SANDBOX
    assert "WebFetch" in argv(profile="read-only", allow=("WebFetch",))


def test_schema_is_a_flag_when_it_is_of_an_object_and_short() -> None:
    schema = {"type": "object", "required": ["a"]}
    assert option("--json-schema", schema=schema) == '{"type":"object","required":["a"]}'
    for other in ({"type": "array"}, {"type": "object", "description": "x" * 120_000}):
        launch = claude_code.build(replace(REQUEST, schema=other))
        assert not any(argument.startswith("--json-schema") for argument in launch.argv)
        assert launch.stdin is not None
        assert json.dumps(other).encode() in launch.stdin


def test_role_is_a_flag_when_it_is_short_and_text_when_it_is_long() -> None:
    assert option("--append-system-prompt", role="Terse.") == "Terse."
    long = "ü" * 60_000
    launch = claude_code.build(replace(REQUEST, role=long))
    assert max(map(len, launch.argv)) < 1000
    assert launch.stdin == f"{long}\n\nDo it.".encode()
    assert claude_code.build(replace(REQUEST, role=long, resumes=True)).stdin == b"Do it."
    assert option("--model", model="sonnet") == "sonnet"


def test_environment_is_ours_when_the_definition_tries_to_load_code() -> None:
    given = {"NODE_OPTIONS": "--require x", "LD_PRELOAD": "x.so", "CLAUDE_CONFIG_DIR": "/x", "HOME": "/h", "A": "1"}
    launch = claude_code.build(replace(REQUEST, environment=given))
    assert {name: launch.environment.get(name) for name in given} == {
        "NODE_OPTIONS": None,
        "LD_PRELOAD": None,
        "CLAUDE_CONFIG_DIR": "/scratch/claude",
        "HOME": "/scratch/home",
        "A": "1",
    }
    assert launch.environment["ANTHROPIC_API_KEY"] == "k"
    assert launch.environment["CLAUDE_CODE_MAX_RETRIES"] == "1"
    assert "IS_SANDBOX" not in launch.environment
    assert launch.files == {Path("/scratch/claude/.credentials.json"): b"{}"}


def test_transcript_is_where_the_cli_keeps_it_when_the_folder_is_ordinary() -> None:
    expected = "/scratch/claude/projects/-work-space/00000000-0000-4000-8000-000000000000.jsonl"
    assert str(claude_code.transcript(REQUEST)) == expected


def test_folder_is_cut_with_a_hash_when_its_name_is_long() -> None:
    # the CLI's own hash, (h << 5) - h + unit in 32 bits: of 201 signs `a` it is -1412303840
    name = claude_code.project_folder("a" * 201)
    assert name.startswith("a" * 200 + "-")
    assert name != claude_code.project_folder("a" * 202)
    assert claude_code.project_folder("/A_b.c") == "-A-b-c"


def test_nothing_follows_when_the_process_ends_without_a_result() -> None:
    assert claude_code.parse_end(0) == []


# --- where it is ------------------------------------------------------------------------------------


def program(folder: Path, name: str = "claude", text: str = "#!/bin/sh\necho 9.9.9\n") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_named_program_comes_first_when_there_is_also_one_on_the_path(tmp_path: Path) -> None:
    named, found = program(tmp_path / "a", "mine"), program(tmp_path / "b")
    assert find_claude({"PERDURE_CLAUDE_BIN": str(named)}, {"PATH": str(found.parent)}) == str(named)
    assert find_claude({}, {"PATH": f"relative:{found.parent}"}) == str(found)


@pytest.mark.parametrize("named", ["claude", "./claude", "/nowhere/claude"])
def test_named_program_is_refused_when_it_is_not_there(named: str) -> None:
    with pytest.raises(StepFailure, match="PERDURE_CLAUDE_BIN") as raised:
        find_claude({"PERDURE_CLAUDE_BIN": named}, {})
    assert raised.value.error_class is ErrorClass.NOT_FOUND


def test_planted_program_is_not_taken_when_the_path_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StepFailure, match="npm install -g @anthropic-ai/claude-code") as raised:
        find_claude({}, {"PATH": ".:"})
    assert raised.value.error_class is ErrorClass.NOT_FOUND
    assert "--provider scripted" in raised.value.message


# --- whose login ------------------------------------------------------------------------------------


def test_worker_s_login_is_used_when_the_step_names_none() -> None:
    worker = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "u", "HTTPS_PROXY": "p", "AWS_SECRET": "s", "OTHER": "o"}
    outfit = log_in("c", worker, {"A": "1"})
    assert outfit.environment == {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "u", "HTTPS_PROXY": "p"}


def test_worker_s_key_is_kept_back_when_the_step_names_another_address() -> None:
    with pytest.raises(StepFailure, match="not logged in"):
        log_in("c", {"ANTHROPIC_API_KEY": "k"}, {"ANTHROPIC_BASE_URL": "http://elsewhere"})
    own = log_in("c", {"ANTHROPIC_API_KEY": "k"}, {"ANTHROPIC_BASE_URL": "e", "ANTHROPIC_AUTH_TOKEN": "t"})
    assert own.environment == {"ANTHROPIC_BASE_URL": "e", "ANTHROPIC_AUTH_TOKEN": "t"}


@pytest.mark.parametrize(
    ("switch", "variable"),
    [
        ("CLAUDE_CODE_USE_BEDROCK", "AWS_PROFILE"),
        ("CLAUDE_CODE_USE_VERTEX", "GOOGLE_CLOUD_PROJECT"),
        ("CLAUDE_CODE_USE_FOUNDRY", "AZURE_CLIENT_ID"),
    ],
)
def test_only_the_named_cloud_s_variables_are_passed_when_it_is_a_cloud_login(switch: str, variable: str) -> None:
    worker = {"HOME": "/h", "AWS_PROFILE": "1", "GOOGLE_CLOUD_PROJECT": "2", "AZURE_CLIENT_ID": "3", switch: "1"}
    passed = log_in("c", worker, {}).environment
    assert {"AWS_PROFILE", "GOOGLE_CLOUD_PROJECT", "AZURE_CLIENT_ID"} & set(passed) == {variable}
    places = {name: value for name, value in passed.items() if value.startswith("/h/")}
    assert bool(places) is (switch != "CLAUDE_CODE_USE_FOUNDRY")


@pytest.mark.parametrize("variable", ["HOME", "CLAUDE_CONFIG_DIR"])
def test_credentials_file_is_copied_when_there_is_no_login_variable(tmp_path: Path, variable: str) -> None:
    folder = tmp_path / ".claude" if variable == "HOME" else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / ".credentials.json").write_bytes(b"{1}")
    assert log_in("c", {variable: str(tmp_path)}, {}).private_files == {".credentials.json": b"{1}"}


@pytest.mark.parametrize("worker", [{}, {"HOME": "/nowhere"}, {"ANTHROPIC_API_KEY": ""}])
def test_remedies_are_named_when_nobody_is_logged_in(worker: dict[str, str]) -> None:
    with pytest.raises(StepFailure) as raised:
        log_in("c", worker, {})
    assert raised.value.error_class is ErrorClass.AUTH
    for remedy in ("ANTHROPIC_API_KEY", "claude setup-token", "perdure dev stop", "--provider scripted"):
        assert remedy in raised.value.message


# --- which version ----------------------------------------------------------------------------------


async def test_version_is_asked_once_when_the_file_stays_the_same(tmp_path: Path) -> None:
    cli = program(tmp_path / "bin", text=f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho 9.9.9\n")
    settings = AgentSettings(worker_environment={"PERDURE_CLAUDE_BIN": str(cli)})
    execution = agent_stage(tmp_path).execution
    for _ in range(2):
        assert await claude_code.identity(execution, settings) == {"version": "9.9.9"}
    assert (tmp_path / "asked").read_text() == "asked\n"
    os.utime(cli, (1, 1))
    await claude_code.identity(execution, settings)
    assert (tmp_path / "asked").read_text() == "asked\nasked\n"


async def test_failure_is_clear_when_the_program_has_no_version(tmp_path: Path) -> None:
    cli = program(tmp_path / "bin", text="#!/bin/sh\nexit 3\n")
    settings = AgentSettings(worker_environment={"PERDURE_CLAUDE_BIN": str(cli)})
    with pytest.raises(StepFailure, match="exit code 3"):
        await claude_code.identity(agent_stage(tmp_path).execution, settings)
