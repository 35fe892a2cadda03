from pathlib import Path

import pytest

from definitions import plugins
from definitions.loader import load
from definitions.plugins import PluginUnfit, clashes, find
from tests.support.plugin_packages import GREET, RUNS, greeting, installed


def test_nothing_is_found_when_no_package_has_the_type():
    assert find("greet") is None
    assert clashes() == []


def test_type_is_found_with_its_package_when_it_is_installed(tmp_path: Path):
    with greeting(tmp_path / "kind-words"):
        found = find("greet")
        assert clashes() == []
    assert found is not None
    assert (found.name, found.package, found.version) == ("greet", "kind-words", "1.2.0")
    assert list(found.kind.model.model_fields) == ["who", "times", "tags"]
    assert find("greet") is None, "it is gone with its package"


def refusal(name: str = "greet") -> tuple[str, str]:
    with pytest.raises(PluginUnfit) as caught:
        find(name)
    assert caught.value.help in str(caught.value)
    return caught.value.code, caught.value.message


def test_neither_is_taken_when_two_packages_have_the_type(tmp_path: Path):
    with greeting(tmp_path / "kind-words"), greeting(tmp_path / "warm-words"):
        assert refusal() == ("plugin-clash", "packages `kind-words` and `warm-words` both bring a step type `greet`")
        assert [unfit.code for unfit in clashes()] == ["plugin-clash"]


@pytest.mark.parametrize("name", ["shell", "claude_code", "notify", "plugin"])
def test_type_is_refused_when_its_name_is_ours(tmp_path: Path, name: str):
    with greeting(tmp_path / "kind-words", name):
        code, message = refusal(name)
        assert [unfit.message for unfit in clashes()] == [message]
    assert code == "plugin-clash"
    assert message == f"package `kind-words` brings a step type `{name}`, which is a name of Perdure's own"


def test_type_is_refused_when_it_has_a_key_that_every_step_has(tmp_path: Path):
    source = (GREET + RUNS).replace(
        "    tags: list[str] = []\n", "    env: str = ''\n    kind: str = Field(alias='type')\n"
    )
    with greeting(tmp_path / "kind-words", source=source):
        code, message = refusal()
    assert code == "plugin-clash"
    assert message.endswith("has keys that every step has: `env`, `type`")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("raise RuntimeError('oh\\nno')", "RuntimeError: oh\nno"),
        ("STEP_TYPE = 3", "is no `StepType` of `definitions.plugins`"),
        ("def broken(:", "SyntaxError: "),
    ],
)
def test_type_is_refused_when_its_package_is_broken(tmp_path: Path, source: str, says: str):
    with greeting(tmp_path / "kind-words", source=source):
        code, message = refusal()
    assert code == "plugin-failed"
    assert message.startswith("the step type `greet` of package `kind-words` cannot be loaded: ")
    assert says in message


def test_same_package_found_twice_is_no_clash(tmp_path: Path):
    with greeting(tmp_path / "a" / "kind-words"), greeting(tmp_path / "b" / "kind-words"):
        assert find("greet") is not None


def test_free_keys_are_those_that_no_step_has():
    assert {"id", "type", "when", "for_each", "timeout"} <= plugins.STEP_KEYS
    assert "who" not in plugins.STEP_KEYS


def test_packages_are_looked_through_once_and_only_when_a_type_is_not_ours(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def ask(**selection: str) -> list[object]:
        asked.append(selection["group"])
        return []

    monkeypatch.setattr(plugins, "entry_points", ask)
    load("name: x\nsteps: [{id: a, type: shell, command: x}, {id: b, type: claude_code, prompt: x}]", "x.yaml")
    assert asked == []
    unknown = "".join(f"  - {{id: a{number}, type: shel{number}}}\n" for number in range(50))
    load(f"name: x\nsteps:\n{unknown}", "x.yaml")
    assert asked == ["perdure.steps"]


def test_installed_writes_what_pip_would(tmp_path: Path):
    with installed(tmp_path / "p", "p", {"x": "p_mod:Y"}, {"p_mod": "Y = 1"}):
        assert refusal("x")[0] == "plugin-failed"
