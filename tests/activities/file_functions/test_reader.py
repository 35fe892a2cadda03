"""Files are found in the tree that a step ended with, and nowhere else."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.file_functions import reader
from activities.file_functions.reader import StoreFileReader
from activities.store.interface import BlobMissing, Store
from activities.store.opening import open_store
from activities.workspace.manifest import Entry, manifest_of
from definitions.errors import ExpressionError, StepFailure
from definitions.stored_values import file_reference


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def files(store: Store) -> StoreFileReader:
    def file(path: str, content: bytes) -> Entry:
        return Entry(path, "f", store.write_blob(content), len(content))

    def link(path: str, target: str) -> Entry:
        return Entry(path, "l", target=target)

    return StoreFileReader(
        store,
        manifest_of(
            [
                file("src/data.json", b'{"a": 1}'),
                file("reports/coverage.xml", b"<coverage/>"),
                link("latest", "reports"),
                link("reports/current.xml", "../latest/coverage.xml"),
                link("round", "round"),
                link("out", "../../etc/passwd"),
                link("absolute", "/etc/passwd"),
                Entry("empty", "d"),
            ]
        ),
    )


@pytest.mark.parametrize("path", ["src/data.json", "./src/data.json", "src//x/../data.json"])
def test_a_file_is_read_by_any_spelling_of_its_path(files: StoreFileReader, path: str) -> None:
    assert files.read(path) == b'{"a": 1}'


@pytest.mark.parametrize("path", ["latest/coverage.xml", "reports/current.xml"])
def test_links_are_followed_inside_the_tree(files: StoreFileReader, path: str) -> None:
    assert files.read(path) == b"<coverage/>"


@pytest.mark.parametrize("path", ["out", "absolute", "round", "../x", "/etc/passwd", "..", "src", "empty", "nowhere"])
def test_there_is_no_file_where_a_path_leads_out_or_nowhere(files: StoreFileReader, path: str) -> None:
    assert files.call("file_exists", [path]) is False
    with pytest.raises(ExpressionError, match="there is no file") as caught:
        files.read(path)
    assert caught.value.code == "no-such-file"


def test_close_names_are_told_when_a_file_is_missing(files: StoreFileReader) -> None:
    with pytest.raises(
        ExpressionError, match=r"no file `coverage.xml` in the workspace; there is `reports/coverage.xml`"
    ):
        files.read("coverage.xml")
    with pytest.raises(ExpressionError, match=r"there is `src/data.json`"):
        files.read("src/date.json")
    with pytest.raises(ExpressionError, match=r"no file `zzz` in the workspace$"):
        files.read("zzz")


def test_a_missing_workspace_is_told(store: Store) -> None:
    with pytest.raises(ExpressionError, match="the run has no workspace"):
        StoreFileReader(store, None).read("a")


def test_a_copy_is_read_whatever_the_tree_holds_under_its_name(store: Store, files: StoreFileReader) -> None:
    copy = file_reference("src/data.json", store.write_blob(b"older"), 5)
    assert files.read(copy) == b"older"
    assert files.call("file_exists", [copy]) is True
    assert files.call("read_text", [copy]) == "older"


def test_a_file_input_without_a_copy_is_read_from_the_tree(files: StoreFileReader) -> None:
    value: JsonValue = {"$file": "src/data.json", "digest": "", "size": 0}
    assert files.read(value) == b'{"a": 1}'
    assert files.call("file_exists", [value]) is True


@pytest.mark.parametrize("source", [None, 1, "", [], {}])
def test_what_names_no_file_is_refused(files: StoreFileReader, source: JsonValue) -> None:
    with pytest.raises(ExpressionError, match="a file is named by its path"):
        files.call("read_text", [source])


def test_a_failing_function_names_the_file(files: StoreFileReader) -> None:
    with pytest.raises(ExpressionError, match=r"^`src/data.json`: not XML") as caught:
        files.call("parse_junit", ["src/data.json"])
    assert caught.value.code == "unfit-file"


def test_a_report_is_parsed_once_per_content(files: StoreFileReader) -> None:
    first = files.call("parse_coverage", ["reports/coverage.xml"])
    assert files.call("parse_coverage", ["latest/coverage.xml"]) is first


def test_a_file_that_is_too_big_is_not_read(store: Store) -> None:
    files = StoreFileReader(store, manifest_of([Entry("big", "f", "0" * 64, reader.SIZE_LIMIT + 1)]))
    with pytest.raises(ExpressionError, match="`big` has 52428801 bytes, and at most 52428800 are read"):
        files.read("big")


def test_a_stored_value_is_read(store: Store, files: StoreFileReader) -> None:
    assert files.value(store.write_blob(json.dumps({"a": "ü"}).encode())) == {"a": "ü"}


def test_a_lost_or_broken_value_is_the_stores_fault(store: Store, files: StoreFileReader) -> None:
    with pytest.raises(BlobMissing):
        files.value("0" * 64)
    with pytest.raises(StepFailure, match="is not JSON"):
        files.value(store.write_blob(b"{"))
