import pytest

from activities.store.location import named_queue, named_store, of_project, project
from activities.store.opening import open_store
from definitions.errors import EnvironmentUnfit


def test_nothing_is_named_when_nothing_is_set() -> None:
    assert named_store({}) is None
    assert named_store({"PERDURE_PROJECT": "web"}) is None
    assert named_queue({}) == "perdure"
    assert project({"PERDURE_PROJECT": ""}) is None


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("s3://bucket", "s3://bucket/projects/web"),
        ("s3://bucket/a/", "s3://bucket/a/projects/web"),
        ("/x", "/x/projects/web"),
    ],
)
def test_project_has_a_store_below_the_one_named_when_there_is_a_project(store: str, expected: str) -> None:
    assert named_store({"PERDURE_STORE": store, "PERDURE_PROJECT": "web"}) == expected


def test_folder_is_made_absolute_when_it_is_not(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_store({"PERDURE_STORE": "store"}) == str(tmp_path / "store")
    assert of_project("s3://bucket/x", {}) == "s3://bucket/x"


def test_project_has_a_queue_of_its_own_when_none_is_named() -> None:
    assert named_queue({"PERDURE_PROJECT": "web"}) == "perdure-web"
    assert named_queue({"PERDURE_PROJECT": "web", "PERDURE_TASK_QUEUE": "mine"}) == "mine"


@pytest.mark.parametrize("name", ["Web", "a/b", "..", "-x", "a" * 101, "a b"])
def test_project_is_refused_when_its_name_cannot_be_a_part_of_a_key(name: str) -> None:
    with pytest.raises(EnvironmentUnfit, match="PERDURE_PROJECT"):
        named_store({"PERDURE_STORE": "/x", "PERDURE_PROJECT": name})


def test_projects_see_nothing_of_each_other_when_they_share_a_folder(tmp_path) -> None:
    names = ("web", "api")
    stores = [open_store(named_store({"PERDURE_STORE": str(tmp_path), "PERDURE_PROJECT": one}) or "") for one in names]
    whole = open_store(tmp_path)
    digest = stores[0].write_blob(b"secret of web")
    stores[0].write_document("runs/a/run.json", b"{}")
    for other in (stores[1], whole):
        assert not other.has_blob(digest)
        assert list(other.list_keys("")) == []
        assert list(other.list_blobs()) == []
