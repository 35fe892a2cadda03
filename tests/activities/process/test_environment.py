from pathlib import Path

import pytest

from activities.process.environment import allowed, private_home, step_environment, temporary_folder

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "x",
    "TEMPORAL_API_KEY": "x",
    "ANTHROPIC_API_KEY": "x",
    "GITHUB_TOKEN": "x",
    "PERDURE_STORE": "x",
    "LD_PRELOAD": "x",
    "BASH_ENV": "x",
    "PYTHONPATH": "x",
    "NPM_TOKEN": "x",
}


def test_tools_find_their_way_when_the_caller_set_it() -> None:
    caller = {"PATH": "/p", "HOME": "/h", "LANG": "C", "LC_ALL": "C", "VIRTUAL_ENV": "/v", "HTTPS_PROXY": "http://p"}
    assert allowed(caller) == caller


@pytest.mark.parametrize("name", SECRETS)
def test_a_variable_that_is_not_on_the_list_never_passes(name: str) -> None:
    assert name not in step_environment({"PATH": "/p", name: "x"}, {}, {})


def test_later_ones_win_when_a_name_is_given_twice() -> None:
    found = step_environment({"PATH": "/caller", "LANG": "C"}, {"PATH": "/definition", "A": "1"}, {"A": "2"})
    assert found == {"PATH": "/definition", "LANG": "C", "TERM": "dumb", "A": "2"}


def test_what_an_author_names_passes_whatever_its_name() -> None:
    assert step_environment({}, {}, {"GITHUB_TOKEN": "given"})["GITHUB_TOKEN"] == "given"


def test_there_is_a_path_when_the_caller_has_none() -> None:
    assert "/usr/bin" in step_environment({}, {}, {})["PATH"]


def test_nobody_is_told_of_a_terminal_unless_the_author_says_so() -> None:
    assert step_environment({"TERM": "xterm"}, {}, {})["TERM"] == "dumb"
    assert step_environment({}, {}, {"TERM": "xterm"})["TERM"] == "xterm"


def test_a_private_home_is_empty_and_hides_the_callers(tmp_path: Path) -> None:
    found = private_home({"HOME": "/h", "XDG_CONFIG_HOME": "/h/.config", "PATH": "/p"}, tmp_path)
    assert found == {"PATH": "/p", "HOME": str(tmp_path / "home")}
    assert list((tmp_path / "home").iterdir()) == []


def test_temporary_files_stay_in_the_scratch(tmp_path: Path) -> None:
    assert temporary_folder(tmp_path) == {"TMPDIR": str(tmp_path / "tmp")}
    assert (tmp_path / "tmp").stat().st_mode & 0o777 == 0o700
