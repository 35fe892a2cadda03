from pathlib import Path

import pytest

from definitions.rendering.paths import as_uri, in_repository

FOLDER = Path("/work/project")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("./a.yaml", "a.yaml"),
        ("a/b.yaml", "a/b.yaml"),
        ("/work/project/a/b.yaml", "a/b.yaml"),
        ("/elsewhere/a.yaml", "/elsewhere/a.yaml"),
        ("/work/project2/a.yaml", "/work/project2/a.yaml"),
        ("../a.yaml", "../a.yaml"),
    ],
)
def test_file_is_named_from_the_folder_when_it_lies_inside(file: str, name: str):
    assert in_repository(file, FOLDER) == name


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ä#?.yaml", "a%20b/%C3%A4%23%3F.yaml"),
        ("/work/project/a.yaml", "a.yaml"),
        ("/elsewhere/a b.yaml", "file:///elsewhere/a%20b.yaml"),
    ],
)
def test_uri_is_encoded_when_a_name_has_special_characters(file: str, uri: str):
    assert as_uri(file, FOLDER) == uri
