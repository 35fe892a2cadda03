from pathlib import Path

import pytest

from activities.store.opening import open_store
from activities.store.s3.bucket import Bucket
from activities.store.s3.location import parse_location
from activities.store.s3.opening import open_s3_store
from activities.store.s3.settings import S3Settings
from activities.store.s3.store import S3Store
from definitions.errors import EnvironmentUnfit
from tests.activities.store.s3_places import fresh_location
from tests.support.versitygw import Gateway


def test_store_is_opened_by_its_location_when_it_is_on_s3(store: S3Store) -> None:
    digest = store.write_blob(b"kept")
    assert open_store(store.location).read_blob(digest) == b"kept"
    assert open_store(store.location, may_be_read_only=True).location == store.location


def test_bucket_is_refused_and_not_made_when_it_is_absent(s3: Gateway) -> None:
    with pytest.raises(EnvironmentUnfit, match=r"NoSuchBucket.*make that bucket \(Perdure never makes one\)"):
        open_store("s3://nowhere/at-all")
    assert not (s3.objects.parent / "nowhere").exists()


@pytest.mark.parametrize("location", ["s3://", "s3://x", "s3://Upper/case", "s3://bucket/a b", "s3://bucket/a/../b"])
def test_location_is_refused_when_it_is_unsound(location: str) -> None:
    with pytest.raises(EnvironmentUnfit, match="the store `s3://"):
        open_store(location)


def test_prefix_may_be_absent_when_the_bucket_is_ours(s3: Gateway) -> None:
    folder = s3.make_bucket("whole-bucket")
    store = open_store("s3://whole-bucket")
    store.write_document("a/b", b"x")
    assert store.location == "s3://whole-bucket"
    assert (folder / "keys" / "a" / "b").read_bytes() == b"x"
    assert list(store.list_keys("a")) == ["a/b"]


def test_prefix_is_refused_when_it_holds_other_things(s3: Gateway) -> None:
    folder = s3.make_bucket("photos")
    (folder / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(EnvironmentUnfit, match=r"is not empty: it has `holiday.jpg`"):
        open_store("s3://photos")


def test_store_is_refused_when_its_format_is_newer(s3: Gateway, store: S3Store) -> None:
    (s3.objects / store.location.partition("perdure/")[2] / "format").write_text("perdure-store 2\n")
    with pytest.raises(EnvironmentUnfit, match="has the format `perdure-store 2`"):
        open_store(store.location)


def test_server_is_refused_when_it_ignores_conditions(s3: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    put = Bucket.put
    monkeypatch.setattr(Bucket, "put", lambda bucket, name, body, sha256, **_: put(bucket, name, body, sha256))
    with pytest.raises(EnvironmentUnfit, match="does not keep conditions"):
        open_s3_store(fresh_location())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_ACCESS_KEY_ID", "another", "give credentials"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch.*see that the secret is right"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", "could not connect.*see that the server is there"),
        ("AWS_ENDPOINT_URL_S3", "nonsense", "no way to the store"),
        ("AWS_PROFILE", "absent", "profile"),
    ],
)
def test_failure_names_the_remedy_when_a_setting_is_wrong(
    s3: Gateway, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentUnfit, match=f"(?i){message}"):
        open_store(fresh_location())


def test_failure_names_the_remedy_when_there_are_no_credentials(s3: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(EnvironmentUnfit, match="give credentials the way boto3 finds them"):
        open_store(fresh_location())


def test_settings_are_the_environments_when_it_has_some() -> None:
    settings = S3Settings.from_environment(
        {
            "PERDURE_S3_SSE": "aws:kms",
            "PERDURE_S3_SSE_KMS_KEY_ID": "key",
            "PERDURE_STORE_CACHE": "/cache",
            "PERDURE_STORE_CACHE_SIZE": "500MB",
        }
    )
    assert settings.encryption == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}
    assert (settings.cache_folder, settings.cache_size) == (Path("/cache"), 500_000_000)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"PERDURE_HOME": "/home"}, "/home/store-cache"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/perdure/store"),
        ({"XDG_CACHE_HOME": "relative"}, str(Path.home() / ".cache/perdure/store")),
    ],
)
def test_cache_is_where_caches_are_when_nothing_is_set(environment: dict[str, str], folder: str) -> None:
    assert S3Settings.from_environment(environment).cache_folder == Path(folder)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PERDURE_S3_SSE", "rot13", "S3 does not know"),
        ("PERDURE_S3_SSE_KMS_KEY_ID", "key", "without encryption by a key"),
        ("PERDURE_STORE_CACHE_SIZE", "much", "which is no size"),
    ],
)
def test_setting_is_refused_when_it_means_nothing(name: str, value: str, message: str) -> None:
    with pytest.raises(EnvironmentUnfit, match=message):
        S3Settings.from_environment({name: value})


def test_encryption_is_asked_for_when_it_is_set() -> None:
    asked: list[dict[str, object]] = []

    class Client:
        def put_object(self, **parameters: object) -> dict[str, object]:
            asked.append(parameters)
            return {}

    Bucket(Client(), parse_location("s3://bucket/p"), {"ServerSideEncryption": "AES256"}).put("a", b"", b"")
    assert asked[0]["ServerSideEncryption"] == "AES256"
    assert asked[0]["Key"] == "p/a"
