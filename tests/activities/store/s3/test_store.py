"""The suite that every back end passes, on a real server."""

from tests.activities.store.conformance import StoreConformance


class TestStoreOnVersitygw(StoreConformance):
    """versitygw over a folder."""
