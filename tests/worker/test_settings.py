from datetime import timedelta
from pathlib import Path

import pytest

from definitions.errors import EnvironmentUnfit
from worker.settings import DefinitionSources, Settings, home_folder


def test_everything_has_a_default_when_nothing_is_set():
    settings = Settings.from_environment({"HOME": "/home/ana"})

    assert settings.home == Path("/home/ana/.local/share/perdure")
    assert settings.store == "/home/ana/.local/share/perdure/store"
    assert (settings.task_queue, settings.agent_queue) == ("perdure", "perdure.agent")
    assert settings.definitions == DefinitionSources()
    assert not settings.is_embedded


def test_variables_decide_when_they_are_set():
    settings = Settings.from_environment(
        {
            "PERDURE_HOME": "/srv/perdure",
            "PERDURE_STORE": "/mnt/store",
            "PERDURE_TASK_QUEUE": "team-a",
            "PERDURE_DEFINITIONS": "catalog, folder:/srv/definitions,inline",
            "PERDURE_LIGHT_SLOTS": "4",
            "PERDURE_AGENT_SLOTS": "2",
            "PERDURE_GRACEFUL_SHUTDOWN": "1m30s",
        },
        profile="prod",
    )

    assert settings.store == "/mnt/store"
    assert settings.work == Path("/srv/perdure/work")
    assert settings.agent_queue == "team-a.agent"
    assert settings.definitions == DefinitionSources(folder=Path("/srv/definitions"), inline=True)
    assert (settings.light_slots, settings.agent_slots) == (4, 2)
    assert settings.graceful_shutdown == timedelta(seconds=90)
    assert settings.profile == "prod"


def test_inline_definitions_are_allowed_when_embedded():
    assert Settings.embedded({"HOME": "/h"}).definitions.inline
    assert not Settings.from_environment({"HOME": "/h"}).definitions.inline


def test_inline_definitions_are_refused_when_embedded_but_set_otherwise():
    assert not Settings.embedded({"HOME": "/h", "PERDURE_DEFINITIONS": "catalog"}).definitions.inline


def test_grace_is_short_when_embedded():
    assert Settings.embedded({"HOME": "/h"}).graceful_shutdown == timedelta(seconds=10)
    assert Settings.embedded({"HOME": "/h", "PERDURE_GRACEFUL_SHUTDOWN": "3s"}).graceful_shutdown == timedelta(
        seconds=3
    )


def test_data_folder_is_honoured_when_absolute():
    assert home_folder({"HOME": "/h", "XDG_DATA_HOME": "/data"}) == Path("/data/perdure")
    assert home_folder({"HOME": "/h", "XDG_DATA_HOME": "data"}) == Path("/h/.local/share/perdure")
    assert home_folder({}) == Path.home() / ".local/share/perdure"


def test_folders_become_absolute_when_given_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_environment(
        {"PERDURE_HOME": "home", "PERDURE_STORE": "store", "PERDURE_DEFINITIONS": "folder:flows"}
    )

    assert settings.home == tmp_path / "home"
    assert settings.store == str(tmp_path / "store")
    assert settings.definitions.folder == tmp_path / "flows"


def test_store_stays_as_it_is_when_it_is_an_address():
    assert Settings.from_environment({"HOME": "/h", "PERDURE_STORE": "s3://b/p"}).store == "s3://b/p"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PERDURE_GIT", "everything"),
        ("PERDURE_DEFINITIONS", "everything"),
        ("PERDURE_DEFINITIONS", "folder:"),
        ("PERDURE_DEFINITIONS", "folder:/a,folder:/b"),
        ("PERDURE_DEFINITIONS", "inline:x"),
        ("PERDURE_LIGHT_SLOTS", "0"),
        ("PERDURE_LIGHT_SLOTS", "many"),
        ("PERDURE_AGENT_SLOTS", "-1"),
        ("PERDURE_AGENT_SLOTS", "99999"),
        ("PERDURE_GRACEFUL_SHUTDOWN", "10"),
    ],
)
def test_variable_is_named_when_its_value_means_nothing(name: str, value: str):
    with pytest.raises(EnvironmentUnfit) as refusal:
        Settings.from_environment({"HOME": "/h", name: value})

    assert name in refusal.value.message
    assert refusal.value.remedy


def test_repositories_are_those_that_the_setting_names():
    assert Settings.from_environment({"HOME": "/h"}).git == ()
    assert Settings.embedded({"HOME": "/h"}).git == ("https", "ssh")
    assert Settings.embedded({"HOME": "/h", "PERDURE_GIT": "none"}).git == ()
    named = "https, https://git.example.org/team/,git@example.org:team/"
    assert Settings.from_environment({"HOME": "/h", "PERDURE_GIT": named}).git == (
        "https",
        "https://git.example.org/team/",
        "git@example.org:team/",
    )


def test_trust_of_what_is_cached_is_read_and_refused_when_it_means_nothing():
    assert Settings.from_environment({"HOME": "/h"}).cache_trust.name == "trusted"
    untrusted = Settings.embedded({"HOME": "/h", "PERDURE_CACHE_TRUST": "untrusted/ci"})
    assert untrusted.cache_trust.name == "untrusted/ci"
    with pytest.raises(EnvironmentUnfit, match="`PERDURE_CACHE_TRUST` is `none`"):
        Settings.from_environment({"HOME": "/h", "PERDURE_CACHE_TRUST": "none"})
