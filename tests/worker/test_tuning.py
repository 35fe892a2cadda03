import json
from pathlib import Path

import pytest

from worker import tuning


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)", (1, 29)),
        ("temporal version 1.8.3 (Server 1.32.0-162, UI 2.50)", (1, 32)),
        ("temporal version 1.5.1", None),
    ],
)
def test_server_version_is_read_when_the_program_names_it(text: str, version: tuple[int, int] | None):
    assert tuning.server_version(text) == version


def keys(version: tuple[int, int] | None) -> set[str]:
    return {setting.key for setting in tuning.applicable(version)}


def test_all_settings_apply_when_the_version_is_the_measured_one_or_unknown():
    everything = {setting.key for setting in tuning.TUNING}

    assert keys((1, 29)) == everything
    assert keys(None) == everything


def test_setting_is_left_out_when_the_server_does_not_know_it():
    assert "matching.useNewMatcher" not in keys((1, 27))
    assert "matching.useNewMatcher" in keys((1, 28))


def test_setting_is_left_out_when_it_is_the_servers_own_default():
    assert "matching.useNewMatcher" not in keys((1, 31))
    assert "system.enableActivityEagerExecution" in keys((1, 31))
    assert "system.enableActivityEagerExecution" not in keys((1, 32))
    assert "history.transferProcessorMaxPollRPS" in keys((1, 40))


def test_every_setting_has_a_reason_and_a_json_value():
    for setting in tuning.TUNING:
        json.loads(setting.value)
        assert setting.reason
        assert setting.production_reason


def test_deployment_guide_has_every_setting_when_read_beside_the_table():
    guide = (Path(tuning.__file__).parent.parent / "docs" / "deployment.md").read_text()

    for setting in tuning.TUNING:
        on_a_cluster = f"{setting.production}: {setting.production_reason}"
        assert f"| `{setting.key}={setting.value}` | {setting.reason} | {on_a_cluster} |" in guide
    for name, value, reason in tuning.SQLITE_PRAGMAS:
        assert f"| `{name}={value}` | {reason} | no: " in guide
