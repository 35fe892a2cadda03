"""What `perdure doctor` finds out of a store by trying."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.store.opening import open_store
from activities.store.permissions import may_read, may_write, try_permissions
from client import machine_checks
from client.machine_checks import store_checks
from tests.support.s3_faults import Fault, FaultProxy, fault_proxy
from tests.support.versitygw import running_gateway

ALL = ["list", "write", "read", "create once", "swap", "delete", "link"]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultProxy]:
    with (
        pytest.MonkeyPatch.context() as patch,
        running_gateway(tmp_path_factory.mktemp("doctored-s3")) as gateway,
        fault_proxy(gateway.address) as before,
    ):
        gateway.set_in(patch)
        patch.setenv("AWS_ENDPOINT_URL_S3", before.endpoint)
        patch.setenv("PERDURE_STORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PERDURE_STORE", "s3://perdure/doctored")
        open_store("s3://perdure/doctored")
        yield before


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[Store]:
    yield open_store("s3://perdure/doctored", may_be_read_only=True)
    proxy.clear()


def given(store: Store) -> dict[str, bool]:
    return {one.name: one.is_given for one in try_permissions(store)}


def test_all_is_given_and_nothing_stays_when_the_store_is_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    found = try_permissions(store)
    assert [one.name for one in found] == ALL
    assert all(one.is_given for one in found)
    assert may_read(found)
    assert may_write(found)
    assert list(store.list_keys("")) == []


def test_all_is_given_and_nothing_stays_when_the_store_is_s3(store: Store) -> None:
    assert given(store) == dict.fromkeys(ALL, True)
    assert list(store.list_keys("")) == []


@pytest.mark.parametrize(
    ("fault", "denied"),
    [
        (Fault("status", method="PUT", status=403), {"write", "create once"}),
        (Fault("status", method="DELETE", status=403), {"delete"}),
        (Fault("status", method="GET", key="list-type=2&prefix=doctored%2Fkeys", status=403), {"list"}),
        (Fault("status", method="GET", key="X-Amz-Signature", status=403), {"link"}),
    ],
    ids=lambda value: value.method if isinstance(value, Fault) else "",
)
def test_each_lack_is_found_when_one_permission_is_denied(
    proxy: FaultProxy, store: Store, fault: Fault, denied: set[str]
) -> None:
    proxy.add(fault)
    found = given(store)
    assert denied <= {name for name, is_given in found.items() if not is_given}
    assert found["read"]


def test_server_without_conditions_is_found_out_when_a_record_is_written_over(store: Store) -> None:
    class Careless:
        """A store whose server ignores conditions."""

        def __getattr__(self, name: str) -> object:
            if name in ("create_record", "swap_document"):
                return lambda *_: True
            return getattr(store, name)

    found = {one.name: one for one in try_permissions(Careless())}  # pyright: ignore[reportArgumentType]
    assert "ignores `If-None-Match`" in found["create once"].message
    assert "ignores `If-Match`" in found["swap"].message


def test_doctor_names_the_role_when_the_store_is_read_only(proxy: FaultProxy, store: Store) -> None:
    for method in ("PUT", "DELETE", "POST"):
        proxy.add(Fault("status", method=method, status=403))
    checks = {check.name: check for check in store_checks(None)}
    assert checks["store"].message == "s3://perdure/doctored"
    assert checks["store: read"].state == "ok"
    assert checks["store: write"].state == "warning"
    assert "AccessDenied" in checks["store: write"].message
    assert checks["store: role"].message.startswith("this user may look at runs")


def test_doctor_fails_when_the_store_cannot_be_read(proxy: FaultProxy, store: Store) -> None:
    proxy.add(Fault("status", method="GET", key="/keys/", status=403))
    checks = {check.name: check for check in store_checks(None)}
    assert checks["store: read"].state == "failed"


def test_doctor_warns_only_when_links_are_all_that_lacks(proxy: FaultProxy, store: Store) -> None:
    proxy.add(Fault("status", method="GET", key="X-Amz-Signature", status=403))
    checks = {check.name: check for check in store_checks(None)}
    assert checks["store: link"].state == "warning"
    assert "store: role" not in checks


def test_doctor_names_the_project_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    monkeypatch.setenv("PERDURE_PROJECT", "web")
    assert machine_checks.store_checks(None)[0].message == f"{tmp_path}/projects/web (project `web`)"


@pytest.mark.parametrize(
    ("call", "answer", "name", "message"),
    [
        ("read_document", b"another", "read", "is not what was written"),
        ("create_record", False, "create once", "counts as there"),
        ("swap_document", False, "swap", "cannot be swapped"),
        ("read_document", b"perdure doctor was here", "delete", "is there after it was deleted"),
        ("link_to", "data:,wrong", "link", "something else than the file"),
    ],
)
def test_what_a_server_does_wrong_is_said_when_it_answers_otherwise(
    tmp_path: Path, call: str, answer: object, name: str, message: str
) -> None:
    store = open_store(tmp_path)

    class Wrong:
        """A store that answers one call wrongly."""

        def __getattr__(self, asked: str) -> object:
            return (lambda *_: answer) if asked == call else getattr(store, asked)

    found = {one.name: one for one in try_permissions(Wrong())}  # pyright: ignore[reportArgumentType]
    assert not found[name].is_given
    assert message in found[name].message
