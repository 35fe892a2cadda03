import platform

import pytest
from pydantic import JsonValue

from activities.cache.keys import NOT_DECIDING, CacheKey, cache_key, matching, occurrence_of, record_key, steady
from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import Store
from definitions.steps import STEP_MODELS
from tests.activities.workspace.trees import tree

STEP: dict[str, JsonValue] = {"type": "shell", "command": 'echo "$v1"', "shell": "bash", "exit_codes": [0]}
LINUX: dict[str, JsonValue] = {"system": "linux", "architecture": "x86_64"}


def key(store: Store, **changes: object) -> CacheKey:
    given: dict[str, object] = {
        "tree": tree(store, {"src/a.py": "1", "src/deep/b.py": "2", "README.md": "3", "log": "4"}, ignored=("log",)),
        "identity": {"name": "bash", "version": "5.2"},
        "values": {"v1": "x"},
        "environment": {"CI": "1"},
        "platform": LINUX,
    }
    return cache_key(STEP | changes.pop("step", {}), **(given | changes))  # pyright: ignore


def test_key_is_the_same_when_nothing_changed(store: Store) -> None:
    assert key(store) == key(store)


def test_key_is_the_known_one_when_the_rules_are_those_of_version_3() -> None:
    """A golden value: whoever changes it on purpose raises `DESCRIPTOR_VERSION`."""
    found = cache_key(STEP, platform=LINUX)
    assert canonical_json(found.descriptor) == (
        b'{"cache_key":null,"environment":{},"epoch":0,"inputs":{"files":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e'
        b'8310c060f61caaff8a","patterns":null,"workspace":false},"occurrence":[],"platform":{"architecture":"x86_64","system":"linux"},"salt'
        b'":"","step":{"command":"echo \\"$v1\\"","exit_codes":[0],"shell":"bash","type":"shell"},"tool":{},"values":{}'
        b',"version":3}'
    )
    assert found.digest == digest_of(b"perdure.step/3\n" + canonical_json(found.descriptor))


@pytest.mark.parametrize(
    "change",
    [
        {"step": {"command": "other"}},
        {"step": {"shell": "sh"}},
        {"step": {"security_profile": "restricted"}},
        {"step": {"outputs": {"x": "file"}}},
        {"step": {"a field of a later version": 1}},
        {"identity": {"name": "bash", "version": "5.3"}},
        {"values": {"v1": "y"}},
        {"values": {"v1": 1}},
        {"environment": {"CI": "2"}},
        {"environment": {}},
        {"platform": {"system": "darwin", "architecture": "arm64"}},
        {"salt": "2"},
        {"epoch": 1},
        {"occurrence": ["#2"]},
        {"component": "tests-1"},
        {"globs": ["**"]},
        {"tree": None},
    ],
)
def test_key_differs_when_something_that_decides_changed(store: Store, change: dict[str, object]) -> None:
    assert key(store, **change).digest != key(store).digest


@pytest.mark.parametrize("field", sorted(NOT_DECIDING))
def test_key_is_the_same_when_only_a_field_that_does_not_decide_changed(store: Store, field: str) -> None:
    assert key(store, step={field: "anything"}) == key(store)


def test_fields_that_do_not_decide_exist() -> None:
    known = {name for model in STEP_MODELS for name in model.model_fields}
    assert known >= NOT_DECIDING


@pytest.mark.parametrize("name", ["TERM", "COLUMNS", "PWD", "PERDURE_OUTPUT", "TEMPORAL_ADDRESS"])
def test_variable_of_the_caller_does_not_decide_when_it_says_where_a_process_runs(name: str) -> None:
    assert steady({"CI": "1", name: "x"}) == {"CI": "1"}


def test_key_differs_when_there_is_no_workspace_in_place_of_an_empty_one(store: Store) -> None:
    assert key(store, tree=tree(store, {})).digest != key(store, tree=None).digest


@pytest.mark.parametrize(
    ("files", "is_same"),
    [
        ({"src/a.py": "1", "src/deep/b.py": "2", "README.md": "changed"}, True),
        ({"src/a.py": "1", "src/deep/b.py": "2"}, True),
        ({"src/a.py": "changed", "src/deep/b.py": "2", "README.md": "3"}, False),
        ({"src/a.py*": "1", "src/deep/b.py": "2", "README.md": "3"}, False),
        ({"src/a.py": "-> deep/b.py", "src/deep/b.py": "2", "README.md": "3"}, False),
        ({"src/a.py": "1", "src/deep/b.py": "2", "README.md": "3", "src/new.py": ""}, False),
    ],
)
def test_only_files_that_the_patterns_pick_decide(store: Store, files: dict[str, str | None], is_same: bool) -> None:
    globs = ["src/**/*.py"]
    assert (key(store, globs=globs, tree=tree(store, files)).digest == key(store, globs=globs).digest) is is_same


@pytest.mark.parametrize(
    ("globs", "is_same"), [(None, False), (["*"], False), (["build/"], False), (["src/**"], True), ([], True)]
)
def test_ignored_file_that_a_step_made_decides_like_any_other(
    store: Store, globs: list[str] | None, is_same: bool
) -> None:
    one, other = (tree(store, {"src/a": "1", "build/x": made}, ignored=("build/x",)) for made in ("1", "2"))
    assert (key(store, tree=one, globs=globs) == key(store, tree=other, globs=globs)) is is_same


@pytest.mark.parametrize(
    ("globs", "is_same"), [(None, True), (["**"], True), (["HEAD"], True), ([".git/HEAD"], False), ([".git"], False)]
)
def test_gits_own_folder_decides_where_it_is_named(store: Store, globs: list[str] | None, is_same: bool) -> None:
    one, other = (tree(store, {"a": "1", ".git/HEAD": head}, ignored=(".git/HEAD",)) for head in ("1", "2"))
    assert (key(store, tree=one, globs=globs) == key(store, tree=other, globs=globs)) is is_same


def test_patterns_are_those_of_gitignore(store: Store) -> None:
    manifest = tree(store, {"a.py": "", "d/b.py": "", "d/c.txt": "", "tests/x": "", "e": None})
    names = {entry.path for entry in matching(manifest, ["*.py", "tests", "!d/b.py"])}
    assert names == {"a.py", "tests/x"}
    assert [entry.path for entry in matching(manifest, None)] == ["a.py", "d/b.py", "d/c.txt", "e", "tests/x"]
    assert matching(manifest, []) == []


def test_empty_folders_and_names_that_are_not_utf8_count(store: Store) -> None:
    assert key(store, tree=tree(store, {"d": None})).files == b'{"d":"empty folder"}'
    assert key(store, tree=tree(store, {"x\udcff": ""})).files.startswith(b'{"x\\udcff":"file ')


def test_platform_is_this_machines_when_none_is_given() -> None:
    assert cache_key(STEP).descriptor["platform"] == {
        "system": platform.system().lower(),
        "architecture": platform.machine().lower(),
    }


def test_record_lies_under_its_key(store: Store) -> None:
    found = key(store)
    assert found.record_key == record_key(found.digest) == f"cache/trusted/{found.digest[:2]}/{found.digest}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("build", []),
        ("checks/lint", []),
        ("test@2", ["@2"]),
        ("epics[E-12]/fix#3/test", ["[E-12]", "#3"]),
        ("epics[a%2Fb%23]#2/x@3", ["[a%2Fb%23]", "#2", "@3"]),
    ],
)
def test_occurrence_has_items_passes_and_visits_and_no_names(path: str, expected: list[str]) -> None:
    assert occurrence_of(path) == expected
