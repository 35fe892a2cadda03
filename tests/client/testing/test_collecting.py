import pytest

from client.testing.collecting import collect, find_files

DEFINITION = "name: a\ndescription: d\nsteps: [{id: s, type: shell, command: m}]\n"
CASES = "cases: [{name: one}]\n"


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_below_are_found_in_order_when_none_is_named(tmp_path, monkeypatch):
    write(
        tmp_path,
        b_test_yaml=CASES,
        a_test_yml=CASES,
        sub__c_test_json="{}",
        node__modules__d_test_yaml=CASES,
        a_yaml=DEFINITION,
    )
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/x.test.yaml").write_text(CASES)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/x.test.yaml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    found = [str(path) for path in find_files([])]
    assert found == ["a.test.yml", "b.test.yaml", "node/modules/d.test.yaml", "sub/c.test.json"]


def test_file_is_found_once_when_it_is_named_in_several_ways(tmp_path):
    write(tmp_path, a_test_yaml=CASES, a_yaml=DEFINITION)
    names = [tmp_path / "a.test.yaml", tmp_path / "a.yaml", tmp_path]
    assert find_files([str(name) for name in names]) == [tmp_path / "a.test.yaml"]


@pytest.mark.parametrize("name", ["nothing.yaml", "bare.yaml"])
def test_argument_is_refused_when_it_has_no_test_file(tmp_path, name):
    write(tmp_path, bare_yaml=DEFINITION)
    with pytest.raises(FileNotFoundError):
        find_files([str(tmp_path / name)])


def test_file_is_fit_to_play_when_nothing_is_wrong(tmp_path):
    write(tmp_path, a_test_yaml=CASES, a_yaml=DEFINITION)
    found = collect(tmp_path / "a.test.yaml")
    assert found.diagnostics == ()
    assert found.cases is not None
    assert found.subject.definition.id == "a"
    assert found.subject.folder == tmp_path


@pytest.mark.parametrize(
    ("cases", "definition", "code", "file"),
    [
        ("cases: 1", DEFINITION, "wrong-type", "a.test.yaml"),
        (CASES, "name: a\nsteps: [{id: s, type: shel, command: m}]", "unknown-step-type", "a.yaml"),
        ("cases: [{name: one, stubs: {t: {}}}]", DEFINITION, "unknown-step", "a.test.yaml"),
        ("definition: b.yaml\n" + CASES, DEFINITION, "unknown-definition", "a.test.yaml"),
        ("definition: .\n" + CASES, DEFINITION, "unknown-definition", "a.test.yaml"),
        (CASES, None, "unknown-definition", "a.test.yaml"),
    ],
)
def test_file_is_not_fit_when_it_or_its_definition_is_wrong(tmp_path, cases, definition, code, file):
    write(tmp_path, a_test_yaml=cases)
    if definition is not None:
        write(tmp_path, a_yaml=definition)
    found = collect(tmp_path / "a.test.yaml")
    assert found.cases is None
    assert [finding.code for finding in found.diagnostics] == [code]
    assert found.diagnostics[0].file == str(tmp_path / file)
    assert found.diagnostics[0].span is not None
    assert found.diagnostics[0].file in found.sources
