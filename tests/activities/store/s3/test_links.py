from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from activities.store.interface import BlobMissing
from activities.store.s3.store import S3Store
from tests.activities.store.conformance import ABSENT
from tests.activities.store.s3.test_writing import SOME, small_files


@pytest.mark.parametrize("kind", ["raw", "encoded", "packed", "big"])
def test_link_gives_the_content_as_a_file_to_save_when_it_is_followed(
    store: S3Store, tmp_path: Path, kind: str
) -> None:
    contents = {"raw": SOME, "encoded": b"text " * 1000, "big": b"text" * (5 << 20)}
    if kind == "packed":
        paths = small_files(tmp_path / "tree", 20)
        content, digest = paths[3].read_bytes(), store.write_blobs_from(paths)[3][0]
    else:
        content = contents[kind]
        digest = store.write_blob(content)
    for _ in range(2):
        address = store.link_to(digest, 60, "report ä.html", "text/html")
        assert address is not None
        assert "X-Amz-Signature" in address
        with urlopen(address) as answer:
            assert answer.read() == content
            assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''report%20%C3%A4.html"
            assert answer.headers["Content-Type"] == "application/octet-stream"


def test_link_is_for_a_quarter_of_an_hour_when_more_is_asked_for(store: S3Store) -> None:
    address = store.link_to(store.write_blob(SOME), 10**6, "a.bin", "application/x-tar")
    assert address is not None
    assert "X-Amz-Expires=900" in address
    with pytest.raises(HTTPError):
        urlopen(address.replace("X-Amz-Expires=900", "X-Amz-Expires=901"))


def test_link_is_refused_when_there_is_no_blob(store: S3Store) -> None:
    with pytest.raises(BlobMissing):
        store.link_to(ABSENT, 60, "a", "text/plain")
