"""Where secrets are found, in which order, and what is said where they are not."""

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from activities.secrets.sources import EnvironmentSource, FolderSource, Secret, Secrets, open_sources
from definitions.errors import EnvironmentUnfit, ErrorClass, StepFailure


def value(secrets: Secrets, name: str = "TOKEN") -> tuple[str, str]:
    found = secrets.find([name])[name]
    return found.value, found.version


def refusal(secrets: Secrets, name: str = "TOKEN") -> str:
    with pytest.raises(StepFailure) as caught:
        secrets.find([name])
    assert caught.value.error_class is ErrorClass.SECRET
    return caught.value.message


def test_variable_is_found_by_its_own_name_and_with_its_version():
    assert value(open_sources(["env"], {"TOKEN": "abcd", "TOKEN_VERSION": "7"})) == ("abcd", "7")


def test_only_variables_of_the_prefix_are_secrets_when_one_is_set():
    secrets = open_sources(["env:PERDURE_SECRET_"], {"PERDURE_SECRET_TOKEN": "abcd", "AWS_KEY": "other"})
    assert value(secrets) == ("abcd", "")
    assert "give it by its variable `PERDURE_SECRET_AWS_KEY`" in refusal(secrets, "AWS_KEY")


def test_file_is_found_without_its_line_end_and_with_its_version(tmp_path: Path):
    (tmp_path / "TOKEN").write_text(" ab\ncd \r\n")
    (tmp_path / "TOKEN.version").write_text("v2\n")
    assert value(open_sources([f"folder:{tmp_path}"], {})) == (" ab\ncd ", "v2")


def test_first_source_that_knows_it_counts(tmp_path: Path):
    (tmp_path / "TOKEN").write_text("from-file")
    parts = [f"folder:{tmp_path}", "env"]
    assert value(open_sources(parts, {"TOKEN": "from-env", "OTHER": "else"})) == ("from-file", "")
    assert value(open_sources(parts, {"OTHER": "else"}), "OTHER") == ("else", "")


def test_places_are_named_when_a_secret_is_not_known(tmp_path: Path):
    said = refusal(open_sources([f"folder:{tmp_path}", "env"], {"TOKEN": ""}))
    assert said == (
        f"this worker does not know the secret `TOKEN`; give it by the file `{tmp_path}/TOKEN` or its variable `TOKEN`"
    )
    assert "say by `PERDURE_SECRETS`" in refusal(Secrets())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("abc", "is shorter than 4 characters"),
        ("a\0bcd", "holds a NUL character"),
        ("x" * 65_537, "it has 65537 bytes"),
    ],
)
def test_secret_is_refused_when_it_can_be_no_variable(tmp_path: Path, text: str, says: str):
    (tmp_path / "TOKEN").write_text(text)
    said = refusal(Secrets([FolderSource(tmp_path)]))
    assert says in said
    assert text not in said


def test_file_is_refused_when_it_is_a_folder_or_a_pipe(tmp_path: Path):
    (tmp_path / "FOLDER").mkdir()
    os.mkfifo(tmp_path / "PIPE")
    for name in ("FOLDER", "PIPE"):
        assert "is no file" in refusal(Secrets([FolderSource(tmp_path)]), name)
    (tmp_path / "LOOP").symlink_to("LOOP")
    assert "cannot be read" in refusal(Secrets([FolderSource(tmp_path)]), "LOOP")


def test_nothing_is_found_when_the_folder_is_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    assert "does not know" in refusal(Secrets([FolderSource(tmp_path / "file")]))


def test_value_is_not_shown_when_a_secret_is_printed():
    assert "abcd" not in repr(Secret("abcd", "1")) + str([Secret("abcd")])


@pytest.mark.parametrize("part", ["folder:", "vault:x", "none-of-these"])
def test_worker_does_not_start_when_a_source_means_nothing(part: str):
    with pytest.raises(EnvironmentUnfit) as caught:
        open_sources([part], {})
    assert part in str(caught.value)
    assert "folder:PATH" in str(caught.value)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A package that brings sources, on the path as pip would install it."""
    name = f"vault_{os.getpid()}"
    (tmp_path / f"{name}.py").write_text(
        "from activities.secrets.sources import Secret\n"
        "class Source:\n"
        "    def find(self, name):\n"
        "        if name == 'BROKEN':\n"
        "            raise OSError('token abcd-from-vault is expired')\n"
        "        return Secret('abcd-from-vault', '3') if name == 'TOKEN' else None\n"
        "class Unfit:\n"
        "    def __init__(self):\n"
        "        raise OSError('no address')\n"
    )
    facts = tmp_path / f"{name}-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[perdure.secrets]\nvault = {name}:Source\nunfit = {name}:Unfit\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(name, None)


def test_package_is_asked_when_it_is_named(package: Path):
    secrets = open_sources(["vault", "env"], {"OTHER": "else"})
    assert value(secrets) == ("abcd-from-vault", "3")
    assert value(secrets, "OTHER") == ("else", "")


def test_words_of_a_package_are_not_repeated_when_it_fails(package: Path):
    said = refusal(open_sources(["vault"], {}), "BROKEN")
    assert "OSError" in said
    assert "abcd" not in said


def test_worker_does_not_start_when_a_package_cannot(package: Path):
    with pytest.raises(EnvironmentUnfit, match="no address"):
        open_sources(["unfit"], {})


def test_prefix_is_told_by_its_source():
    assert str(EnvironmentSource({}, "P_")) == "its variable `P_NAME`"
