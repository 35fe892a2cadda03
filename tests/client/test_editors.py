import json
import subprocess
import sys
from pathlib import Path

import pytest

from client.first_files import SETTINGS, first_files
from client.settings_files import parsed
from definitions.loader import load
from definitions.schema import cases_schema, json_schema
from tests.support.editors.installing import language_server
from tests.support.language_server import editing

ROOT = Path(__file__).parents[2]
ALL = [
    "hello.yaml",
    "hello.test.yaml",
    ".perdure/schema.json",
    ".perdure/test-schema.json",
    ".vscode/settings.json",
    ".vscode/extensions.json",
]

SCHEMAS = json.loads(json.dumps(SETTINGS))["yaml.schemas"]


@pytest.fixture
def folder(cli, tmp_path):
    assert cli("init", str(tmp_path)).code == 0
    return tmp_path


def test_schema_is_the_schema(cli):
    assert json.loads(cli("schema").out) == json_schema()
    assert json.loads(cli("schema", "--tests").out) == cases_schema()


def test_schema_and_page_are_not_printed_at_once(cli):
    ran = cli("schema", "--tests", "--llms")
    assert (ran.code, ran.out, "exclude each other" in ran.err) == (2, "", True)


def test_init_writes_all_and_says_what_to_do(cli, tmp_path):
    folder = tmp_path / "new" / "deep"
    ran = cli("init", str(folder))
    assert ran.code == 0
    assert ran.out.splitlines() == [str(folder / name) for name in ALL]
    assert f"try it: perdure run {folder}/hello.yaml" in ran.err
    assert json.loads((folder / ".perdure/schema.json").read_text()) == json_schema()
    assert json.loads((folder / ".vscode/settings.json").read_text()) == SETTINGS


def test_first_definition_is_valid_when_written(folder):
    assert load((folder / "hello.yaml").read_bytes(), "hello.yaml").diagnostics == ()


def test_first_tests_pass_when_written(cli, folder):
    ran = cli("test", str(folder / "hello.yaml"))
    assert (ran.code, "100% covered" in ran.out) == (0, True)


def test_nothing_changes_when_init_is_run_again(cli, folder):
    (folder / "hello.yaml").write_text("mine")
    before = {name: (folder / name).read_text() for name in ALL}
    ran = cli("init", str(folder))
    assert (ran.code, ran.out) == (0, "")
    assert {name: (folder / name).read_text() for name in ALL} == before


def test_a_definition_of_ones_own_gets_no_tests_of_ours(cli, tmp_path):
    (tmp_path / "hello.yaml").write_text("mine")
    assert cli("init", str(tmp_path)).code == 0
    assert (tmp_path / "hello.yaml").read_text() == "mine"
    assert not (tmp_path / "hello.test.yaml").exists()


def test_a_checker_of_json_schema_does_for_the_form(folder):
    """The command of docs/editors.md."""
    (folder / "bad.yaml").write_text("name: x\nsteps: 3\n")
    program = [sys.executable, "-m", "check_jsonschema", "--schemafile", ".perdure/schema.json"]
    for file, code in (("hello.yaml", 0), ("bad.yaml", 1)):
        assert subprocess.run([*program, file], cwd=folder, capture_output=True).returncode == code


def test_init_here_names_the_file_so_that_it_is_a_file(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "perdure run hello.yaml" in cli("init").err


def test_init_says_when_it_cannot_write(cli, tmp_path):
    (tmp_path / "file").touch()
    ran = cli("init", str(tmp_path / "file" / "x"))
    assert (ran.code, "error[unwritable]" in ran.err) == (1, True)


def test_settings_are_added_to_when_there_are_some(cli, folder):
    settings = folder / ".vscode/settings.json"
    settings.write_text('{\n    // mine\n    "editor.tabSize": 2,\n    "yaml.schemas": {"a.json": "a.yaml"},\n}\n')
    settings.chmod(0o640)
    ran = cli("init", str(folder))
    assert ran.out.splitlines() == [str(settings)]
    text = settings.read_text()
    assert text.startswith('{\n    // mine\n    "editor.tabSize": 2,\n    "yaml.schemas": {"a.json": "a.yaml", ')
    assert parsed(text) == {"editor.tabSize": 2, "yaml.schemas": {"a.json": "a.yaml"} | SCHEMAS}
    assert settings.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in settings.parent.iterdir() if path.name.startswith(".")] == []


def test_a_link_stays_one_when_the_settings_behind_it_are_added_to(cli, folder):
    (folder / "shared.json").write_text("{}")
    settings = folder / ".vscode/settings.json"
    settings.unlink()
    settings.symlink_to(folder / "shared.json")
    assert cli("init", str(folder)).code == 0
    assert settings.is_symlink()
    assert json.loads((folder / "shared.json").read_text()) == SETTINGS


@pytest.mark.parametrize("content", [b"[1]", b"{broken", b"\xff\xfe"])
def test_settings_are_left_and_the_addition_told_when_they_cannot_be_read(cli, folder, content):
    settings = folder / ".vscode/settings.json"
    settings.write_bytes(content)
    ran = cli("init", str(folder))
    assert ran.code == 0
    assert settings.read_bytes() == content
    assert "add this yourself" in ran.err
    assert '"yaml.schemas"' in ran.err


def test_empty_files_are_filled_when_somebody_was_killed_at_the_wrong_moment(cli, folder):
    for name in (".vscode/settings.json", ".perdure/schema.json"):
        (folder / name).write_text("")
    assert cli("init", str(folder)).code == 0
    assert json.loads((folder / ".vscode/settings.json").read_text()) == SETTINGS
    assert json.loads((folder / ".perdure/schema.json").read_text()) == json_schema()


def test_settings_stay_whole_when_the_disk_is_full(cli, folder, monkeypatch):
    settings = folder / ".vscode/extensions.json"
    settings.write_text('{"recommendations": ["mine"]}')

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran = cli("init", str(folder))
    assert (ran.code, "No space left" in ran.err) == (1, True)
    assert settings.read_text() == '{"recommendations": ["mine"]}'
    assert sorted(path.name for path in settings.parent.iterdir()) == ["extensions.json", "settings.json"]


def test_schema_is_renewed_when_it_is_an_older_one_of_ours(cli, folder):
    schema = folder / ".perdure/schema.json"
    schema.write_text('{"title": "Perdure definition", "old": true}')
    assert cli("init", str(folder)).out.splitlines() == [str(schema)]
    assert json.loads(schema.read_text()) == json_schema()


@pytest.mark.parametrize("content", ['{"title": "mine"}', "not json", "[]", "[" * 100_000])
def test_schema_is_left_when_it_is_somebody_elses(cli, folder, content):
    schema = folder / ".perdure/schema.json"
    schema.write_text(content)
    assert cli("init", str(folder)).code == 0
    assert schema.read_text() == content


def test_recommendations_are_added_to_when_there_are_some(cli, folder):
    extensions = folder / ".vscode/extensions.json"
    extensions.write_text('{"recommendations": ["mine.too"]}')
    cli("init", str(folder))
    assert json.loads(extensions.read_text()) == {"recommendations": ["mine.too", "redhat.vscode-yaml"]}


def test_two_at_once_leave_whole_files(tmp_path):
    program = f"from client.cli import main; import sys; sys.argv = ['perdure', 'init', {str(tmp_path)!r}]; main()"
    both = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    for one in both:
        one.communicate()
    for file in first_files(tmp_path):
        assert file.path.read_text() == file.content


@pytest.mark.npm
def test_editor_finds_the_schemas_when_it_has_the_settings(folder):
    """By the first line in `hello.yaml`; by the settings in files that have no such line."""
    settings = {"yaml": {"schemas": json.loads((folder / ".vscode/settings.json").read_text())["yaml.schemas"]}}
    with editing(language_server(), folder, settings) as editor:
        hello = (folder / "hello.yaml").read_text()
        assert editor.open("hello.yaml", hello) == []
        assert editor.open("hello.test.yaml", (folder / "hello.test.yaml").read_text()) == []
        wrong = editor.open("mine.perdure.yaml", hello.partition("\n")[2].replace("condition:", "conditon:"))
        assert {one["message"] for one in wrong} == {
            "Property conditon is not allowed.",
            'Missing property "condition".',
        }
        wrong = editor.open("mine.perdure.test.yaml", "cases: []\n")
        assert [one["message"] for one in wrong] == ["Array has too few items. Expected 1 or more."]


def test_validate_and_init_import_neither_temporalio_nor_boto3(tmp_path):
    program = (
        "import sys; from client.cli import run; run(['schema', '--llms']); run(['init', sys.argv[1]]);"
        "open(sys.argv[1] + '/.perdure/schema.json', 'w').close(); run(['init', sys.argv[1]]);"
        "print([name for name in ('temporalio', 'boto3') if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert ran.stderr.splitlines()[-1] == "[]"
