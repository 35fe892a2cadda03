"""Shell steps: values, outputs, failures, profiles."""

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.executors import shell, tool_versions
from activities.executors.interface import Execution
from activities.executors.shell import ShellExecutor
from activities.process.isolation import Isolation, probe
from activities.step_identity import step_key
from activities.step_log import StoreStepLog, read_log
from definitions.errors import ErrorClass, StepFailure
from definitions.steps import SetStep

MakeExecution = Callable[..., Execution]

HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "' ; touch pwned ; '",
    '" ; touch pwned ; "',
    "$HOME ${PATH}",
    "a\nb\n",
    "-n",
    "*",
    "~",
    "\\",
    "!!",
    "{1..3}",
    "grün\u2028🙂\x1b[31m\x7f\r",
    "x" * 100_000,
    "",
]


async def run(execution: Execution) -> dict[str, object]:
    outcome = await ShellExecutor().execute(execution)
    return dict(outcome.outputs)


async def failure(execution: Execution) -> StepFailure:
    with pytest.raises(StepFailure) as caught:
        await ShellExecutor().execute(execution)
    return caught.value


@pytest.mark.parametrize("interpreter", ["bash", "sh"])
@pytest.mark.parametrize("value", HOSTILE)
async def test_a_value_is_never_interpreted(make_execution: MakeExecution, value: str, interpreter: str) -> None:
    command = (
        "printf %s {{ inputs.v }} > bare; printf %s \"{{ inputs.v }}\" > quoted; printf %s 'a {{ inputs.v }}' > single"
    )
    execution = make_execution(command, {"v": value}, shell=interpreter)
    await run(execution)
    content = {path.name: path.read_bytes().decode() for path in execution.workspace.iterdir()}
    assert content == {"bare": value, "quoted": value, "single": f"a {value}"}


async def test_stdout_is_trimmed_and_the_log_has_both_streams(make_execution: MakeExecution) -> None:
    execution = make_execution("echo '  out  '; echo err >&2")
    assert await run(execution) == {"stdout": "out", "exit_code": 0}
    assert sorted(bytes(execution.log.content).splitlines()) == [b"  out  ", b"err"]  # pyright: ignore[reportAttributeAccessIssue]


async def test_outputs_written_to_the_file_are_the_steps(make_execution: MakeExecution) -> None:
    script = """printf 'a=%s\\r\\n' 1 >> "$PERDURE_OUTPUT"; echo '{"b": [2]}' >> "$PERDURE_OUTPUT" """
    assert await run(make_execution(script)) == {"stdout": "", "exit_code": 0, "a": "1", "b": [2]}


async def test_unfit_outputs_fail_the_step_though_the_script_went_well(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution('echo nonsense > "$PERDURE_OUTPUT"'))
    assert (failed.error_class, "line 1" in failed.message) == (ErrorClass.OUTPUT, True)


async def test_binary_output_is_a_text_and_unchanged_in_the_log(make_execution: MakeExecution) -> None:
    execution = make_execution("printf 'a\\377\\000b'")
    assert (await run(execution))["stdout"] == "a\ufffd\0b"
    assert execution.log.content == b"a\xff\0b"  # pyright: ignore[reportAttributeAccessIssue]


async def test_stdout_is_bounded_with_its_beginning_and_end(make_execution: MakeExecution) -> None:
    outputs = await run(make_execution("echo begin; (yes || true) | head -c 1000000; echo end"))
    stdout = str(outputs["stdout"])
    assert len(stdout) < 70_000
    assert stdout.startswith("begin\ny\n")
    assert stdout.endswith("y\nend")
    assert "bytes left out; the log has them" in stdout


async def test_everything_printed_is_in_the_store(make_execution: MakeExecution) -> None:
    execution = make_execution("head -c 20000000 /dev/zero | tr '\\0' x")
    execution.log = log = StoreStepLog(execution.store, "run-1", "build", 1)
    await run(execution)
    key = await log.close()
    assert sum(len(chunk) for chunk in read_log(execution.store, str(key))) == 20_000_000


@pytest.mark.parametrize(
    ("command", "error_class", "message", "exit_code"),
    [
        ("echo no luck >&2; exit 3", "exit", "the script ended with exit code 3: no luck", 3),
        ("exit 3", "exit", "the script ended with exit code 3", 3),
        ("false; echo never", "exit", "the script ended with exit code 1", 1),
        ("false | true; echo never", "exit", "the script ended with exit code 1", 1),
        ("touch x; ./x", "exit", "exit code 126 (a command is not executable)", 126),
        ("yes | head -n 1", "exit", "a command in a pipe was still writing when its reader ended", None),
        ("exit 127", "exit", "the script ended with exit code 127", 127),
        ("if then", "exit", "syntax error", 2),
    ],
)
async def test_a_failure_says_what_was_printed_last(
    make_execution: MakeExecution, command: str, error_class: str, message: str, exit_code: int | None
) -> None:
    failed = await failure(make_execution(command))
    assert failed.error_class == error_class
    assert message in failed.message
    assert failed.details["exit_code"] == exit_code


@pytest.mark.parametrize("interpreter", ["bash", "sh"])
async def test_a_missing_command_is_named_with_the_path(make_execution: MakeExecution, interpreter: str) -> None:
    execution = make_execution("nosuch --version", shell=interpreter, env={"PATH": "/usr/bin:/bin"})
    failed = await failure(execution)
    assert failed.error_class == ErrorClass.NOT_FOUND
    assert failed.message.startswith("there is no command `nosuch` on the PATH `/usr/bin:/bin`")
    assert failed.details["command"] == "nosuch"


async def test_a_signal_is_told_with_the_usual_cause(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution("kill -KILL $$"))
    assert failed.message == "the script was ended by signal 9 (exit code 137), as the system does when memory runs out"
    assert failed.details == {"exit_code": None, "signal": 9}


async def test_other_exit_codes_are_a_success_when_the_author_says_so(make_execution: MakeExecution) -> None:
    assert (await run(make_execution("exit 5", exit_codes=[0, 5])))["exit_code"] == 5
    assert (await run(make_execution("kill -TERM $$", exit_codes=[143])))["exit_code"] == 143
    assert (await failure(make_execution("true", exit_codes=[5]))).details["exit_code"] == 0


async def test_a_script_may_be_longer_than_any_argument(make_execution: MakeExecution) -> None:
    outputs = await run(make_execution("# " + "x" * 300_000 + "\necho here"))
    assert outputs["stdout"] == "here"


async def test_a_variable_that_holds_a_nul_is_named(make_execution: MakeExecution) -> None:
    execution = make_execution("true")
    execution.bindings["PERDURE_VALUE_1"] = "a\0b"
    failed = await failure(execution)
    assert failed.error_class == ErrorClass.EXPRESSION
    assert failed.message.startswith("`PERDURE_VALUE_1` holds a NUL")


async def test_a_variable_of_the_author_that_is_too_long_is_named(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution("true", env={"MINE": "x" * 131_072}))
    assert failed.error_class == ErrorClass.EXPRESSION
    assert failed.message == "`MINE` has 131077 bytes, and a variable at most 131071; pass it by a file"


LONG_VALUE = "é'\"$(touch pwned)\n" * 8_000


@pytest.mark.parametrize(
    ("interpreter", "command"),
    [
        ("bash", "cat > out <<EOF\n{{ inputs.v }}.\nEOF\n"),
        ("sh", "printf '%s.\\n' {{ inputs.v }} > out"),
        ("python", "open('out', 'w', newline='').write({{ inputs.v }} + '.\\n')"),
        ("node", "require('fs').writeFileSync('out', {{ inputs.v }} + '.\\n')"),
    ],
)
@pytest.mark.parametrize("profile", ["standard", "restricted"])
async def test_a_value_beyond_the_kernels_limits_arrives_by_file(
    make_execution: MakeExecution, interpreter: str, command: str, profile: str
) -> None:
    execution = make_execution(command, {"v": LONG_VALUE}, shell=interpreter, security_profile=profile)
    await run(execution)
    assert (execution.workspace / "out").read_text() == f"{LONG_VALUE}.\n"
    assert [path.name for path in execution.workspace.iterdir()] == ["out"]


async def test_a_value_that_cannot_be_written_to_its_file_fails_the_step(make_execution: MakeExecution) -> None:
    execution = make_execution("y={{ inputs.v }}", {"v": LONG_VALUE})
    (execution.scratch / "values").mkdir()
    (execution.scratch / "values" / "PERDURE_V1").symlink_to("/dev/full")
    failed = await failure(execution)
    assert failed.error_class == ErrorClass.WORKSPACE
    assert failed.message.endswith("No space left on device")


async def test_an_argument_that_is_too_long_is_explained(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution('y={{ inputs.v }}; ls "$y"', {"v": LONG_VALUE}))
    assert "exit code 126 (a value is too long for an argument: pipe it" in failed.message


async def test_a_key_holds_the_digest_of_a_value_that_goes_by_file(make_execution: MakeExecution) -> None:
    execution = make_execution("echo {{ inputs.v }} {{ inputs.w }}", {"v": LONG_VALUE, "w": "short"}, cache=True)
    key = await step_key(ShellExecutor(), execution, None)
    digest = hashlib.sha256(LONG_VALUE.encode()).hexdigest()
    assert key.descriptor["values"] == {"PERDURE_V1": {"sha256": digest}, "PERDURE_V2": "short"}


# --- Python and Node --------------------------------------------------------------------------------


async def test_python_sees_values_with_their_types(make_execution: MakeExecution) -> None:
    command = "import json, os\nx = {{ inputs.v }}\nprint(json.dumps(x), type(x).__name__, os.path.exists('sub'))"
    execution = make_execution(command, {"v": {"a": [1, None, "'; boom"]}}, shell="python", working_directory="w")
    (execution.workspace / "w" / "sub").mkdir(parents=True)
    assert (await run(execution))["stdout"] == '{"a": [1, null, "\'; boom"]} dict True'


async def test_node_sees_values_with_their_types(make_execution: MakeExecution) -> None:
    command = "const x = {{ inputs.v }}\nconsole.log(JSON.stringify(x), typeof {{ inputs.v }})"
    execution = make_execution(command, {"v": {"a": [1, None, "'; boom"]}}, shell="node")
    assert (await run(execution))["stdout"] == '{"a":[1,null,"\'; boom"]} object'


async def test_node_finds_the_packages_of_the_workspace(make_execution: MakeExecution) -> None:
    execution = make_execution("console.log(require('mine'))", shell="node")
    (execution.workspace / "node_modules" / "mine").mkdir(parents=True)
    (execution.workspace / "node_modules" / "mine" / "index.js").write_text("module.exports = 'found'")
    assert (await run(execution))["stdout"] == "found"
    execution.environment["NODE_PATH"] = "/nowhere"
    assert "Cannot find module 'mine'" in (await failure(execution)).message


async def test_a_python_step_is_not_what_its_imports_find(make_execution: MakeExecution) -> None:
    execution = make_execution("import json; print(json.dumps([{{ inputs.v }}]))", {"v": 1}, shell="python")
    execution.step = execution.step.model_copy(update={"id": "json"})
    assert (await run(execution))["stdout"] == "[1]"


@pytest.mark.parametrize(
    ("interpreter", "command", "message"),
    [
        ("python", "import sys\nsys.exit(3)", "the script ended with exit code 3"),
        ("python", "raise ValueError('no luck')", "the script ended with exit code 1: ValueError: no luck"),
        ("python", "x = = 1", "the script ended with exit code 1: SyntaxError: invalid syntax"),
        ("node", "process.exit(3)", "the script ended with exit code 3"),
        ("node", "throw new TypeError('no luck')", "the script ended with exit code 1: TypeError: no luck"),
        ("node", "const = 1", "the script ended with exit code 1: SyntaxError: Unexpected token '='"),
        ("node", "throw 'no luck'", "the script ended with exit code 1: Node.js v"),
    ],
)
async def test_a_failed_program_says_what_it_raised(
    make_execution: MakeExecution, interpreter: str, command: str, message: str
) -> None:
    failed = await failure(make_execution(command, shell=interpreter))
    assert (failed.error_class, failed.message[: len(message)]) == (ErrorClass.EXIT, message)


async def test_an_interpreter_that_is_missing_is_named(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution("1", shell="node", env={"PATH": "/nowhere"}))
    assert failed.error_class == ErrorClass.NOT_FOUND
    assert failed.message.startswith("there is no program `node` on the PATH `/nowhere`")


@pytest.mark.parametrize(("interpreter", "version"), [("python", "Python 3"), ("node", "v")])
async def test_identity_is_the_programs_version(make_execution: MakeExecution, interpreter: str, version: str) -> None:
    identity = await ShellExecutor().identity(make_execution("1", shell=interpreter))
    assert identity["interpreter"] == interpreter
    assert str(identity["version"]).startswith(version)


async def test_a_working_directory_is_inside_the_workspace(make_execution: MakeExecution) -> None:
    execution = make_execution("pwd", working_directory="sub/./folder")
    (execution.workspace / "sub" / "folder").mkdir(parents=True)
    assert (await run(execution))["stdout"] == str(execution.workspace / "sub" / "folder")


@pytest.mark.parametrize("folder", ["..", "/etc", "out", "sub/../../x"])
async def test_a_working_directory_outside_is_refused(make_execution: MakeExecution, folder: str) -> None:
    execution = make_execution("pwd", working_directory=folder)
    (execution.workspace / "out").symlink_to("/etc")
    failed = await failure(execution)
    assert (failed.error_class, "lies outside the workspace" in failed.message) == (ErrorClass.WORKSPACE, True)


async def test_a_working_directory_that_is_missing_is_named(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution("pwd", working_directory="nowhere"))
    assert "`working_directory: nowhere` is no folder of the workspace" in failed.message


async def test_the_script_is_told_where_it_is_and_no_secret(
    make_execution: MakeExecution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    execution = make_execution('echo "$PERDURE_EXECUTION_ID $PERDURE_STEP"; env', env={"MINE": "1"})
    stdout = str((await run(execution))["stdout"])
    assert stdout.startswith("run-1 build\n")
    assert "MINE=1" in stdout
    assert f"TMPDIR={execution.scratch}/tmp" in stdout
    assert "canary" not in stdout


async def test_the_tree_is_gone_when_the_step_is_cancelled(make_execution: MakeExecution) -> None:
    execution = make_execution("setsid sleep 600 & echo $! > pid; touch ready; sleep 600")
    running = asyncio.create_task(ShellExecutor().execute(execution))
    while not (execution.workspace / "ready").exists():
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    listed = await asyncio.to_thread(subprocess.check_output, ["ps", "-eo", "args"], text=True)
    assert str(execution.scratch) not in listed


async def test_a_full_disk_fails_the_step_and_says_so(make_execution: MakeExecution) -> None:
    failed = await failure(make_execution("ulimit -f 1; trap '' XFSZ; head -c 100000 /dev/zero > big"))
    assert failed.error_class == ErrorClass.EXIT
    assert "File too large" in failed.message


async def test_a_scratch_that_cannot_be_written_is_told(make_execution: MakeExecution) -> None:
    execution = make_execution("true")
    execution.scratch = Path("/proc/nowhere")
    failed = await failure(execution)
    assert failed.error_class == ErrorClass.WORKSPACE
    assert "could not be laid out" in failed.message


# --- security profiles ------------------------------------------------------------------------------


async def test_standard_is_a_namespace_and_a_clean_environment(make_execution: MakeExecution) -> None:
    outcome = await ShellExecutor().execute(make_execution("echo $HOME"))
    assert outcome.enforced_by == ("environment", "namespace")
    assert outcome.outputs["stdout"] == os.environ["HOME"]


async def test_restricted_has_an_empty_home_and_gains_no_privileges(make_execution: MakeExecution) -> None:
    execution = make_execution('grep NoNewPrivs /proc/self/status; ls -A "$HOME"', security_profile="restricted")
    outcome = await ShellExecutor().execute(execution)
    assert outcome.outputs["stdout"] == "NoNewPrivs:\t1"
    assert outcome.enforced_by == ("environment", "namespace", "no-new-privileges")


async def test_restricted_says_so_when_privileges_cannot_be_closed_off(
    make_execution: MakeExecution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None if name == "setpriv" else f"/bin/{name}")
    outcome = await ShellExecutor().execute(make_execution("true", security_profile="restricted"))
    assert "no-new-privileges" not in outcome.enforced_by
    assert "`setpriv` is not installed" in outcome.notes[0]


async def test_what_a_read_only_step_writes_is_dropped(make_execution: MakeExecution) -> None:
    execution = make_execution(
        "cat a; echo changed > a; touch new; pwd", security_profile="read-only", working_directory="sub"
    )
    (execution.workspace / "sub").mkdir()
    (execution.workspace / "sub" / "a").write_text("before\n")
    (execution.workspace / "sub" / "link").symlink_to("/nowhere")
    outcome = await ShellExecutor().execute(execution)
    assert str(outcome.outputs["stdout"]).startswith("before\n")
    assert sorted(path.name for path in (execution.workspace / "sub").iterdir()) == ["a", "link"]
    assert (execution.workspace / "sub" / "a").read_text() == "before\n"
    assert "copy" in outcome.enforced_by
    assert "was dropped" in outcome.notes[0]


async def test_unrestricted_needs_no_namespace_of_users(
    make_execution: MakeExecution, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = Isolation("group")
    namespace = Isolation("namespace", probe().prefix, needs_user_namespace=True)
    monkeypatch.setattr(shell, "probe", lambda: namespace)
    monkeypatch.setattr(shell, "without_namespace", lambda reason: without)
    unrestricted = await ShellExecutor().execute(make_execution("true", security_profile="unrestricted"))
    standard = await ShellExecutor().execute(make_execution("true", security_profile="standard"))
    assert (unrestricted.enforced_by, standard.enforced_by) == (("environment",), ("environment", "namespace"))


# --- identity ---------------------------------------------------------------------------------------


@pytest.fixture
def no_versions_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_versions, "_known", {})


async def test_identity_names_interpreter_and_tools(make_execution: MakeExecution, no_versions_known: None) -> None:
    execution = make_execution("true", cache={"tools": ["tar", "nosuch"]})
    identity = await ShellExecutor().identity(execution)
    assert identity["interpreter"] == "bash"
    assert "GNU bash, version" in str(identity["version"])
    tools = identity["tools"]
    assert isinstance(tools, dict)
    assert "tar (GNU tar)" in str(tools["tar"])
    assert tools["nosuch"] == "not installed"


async def test_identity_has_no_tools_when_caching_is_only_switched_on(make_execution: MakeExecution) -> None:
    assert (await ShellExecutor().identity(make_execution("true", cache=True)))["tools"] == {}


@pytest.mark.parametrize(("folder", "asked"), [("bin", 1), ("shims", 2)])
async def test_a_tool_is_asked_again_only_when_its_file_changed_or_is_a_shim(
    make_execution: MakeExecution, tmp_path: Path, no_versions_known: None, folder: str, asked: int
) -> None:
    tool = tmp_path / folder / "tool"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho >> {tmp_path}/asked; echo one")
    tool.chmod(0o755)
    execution = make_execution("true", cache={"tools": ["tool"]}, env={"PATH": f"{tool.parent}:/usr/bin:/bin"})
    for _ in range(2):
        assert (await ShellExecutor().identity(execution))["tools"] == {"tool": "one"}
    assert len((tmp_path / "asked").read_text().splitlines()) == asked
    tool.write_text("#!/bin/sh\necho number two")
    assert (await ShellExecutor().identity(execution))["tools"] == {"tool": "number two"}


async def test_a_tool_without_the_option_is_known_by_its_size(
    make_execution: MakeExecution, tmp_path: Path, no_versions_known: None
) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexit 2")
    tool.chmod(0o755)
    execution = make_execution("true", cache={"tools": ["tool"]}, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (await ShellExecutor().identity(execution))["tools"] == {"tool": "unknown, 16 bytes"}


async def test_a_tool_that_does_not_answer_fails_the_step(
    make_execution: MakeExecution, tmp_path: Path, no_versions_known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_versions, "_TIMEOUT", tool_versions.timedelta(milliseconds=200))
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexec sleep 600")
    tool.chmod(0o755)
    execution = make_execution("true", cache={"tools": ["tool"]}, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(StepFailure, match="did not answer") as caught:
        await ShellExecutor().identity(execution)
    assert caught.value.error_class == ErrorClass.TIMEOUT


async def test_a_missing_scratch_is_not_taken_for_a_missing_tool(
    make_execution: MakeExecution, no_versions_known: None
) -> None:
    execution = make_execution("true")
    execution.scratch.rmdir()
    with pytest.raises(StepFailure) as caught:
        await ShellExecutor().identity(execution)
    assert caught.value.error_class == ErrorClass.WORKSPACE


async def test_a_step_of_another_type_is_a_defect(make_execution: MakeExecution) -> None:
    execution = make_execution("true")
    execution.step = SetStep(id="x", type="set", values={"a": 1})
    with pytest.raises(TypeError, match="cannot run a step of type `set`"):
        await ShellExecutor().execute(execution)
