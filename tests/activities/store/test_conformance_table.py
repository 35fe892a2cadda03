from tests.activities.store.conformance import StoreConformance
from tests.support.write_conformance import PAGE, rows, sentence


def test_table_of_the_docs_is_current_when_the_suite_changed() -> None:
    tests = {sentence(name) for name in vars(StoreConformance) if name.startswith("test_")}
    assert set(rows(PAGE.read_text(encoding="utf-8"))) == tests, "run: python -m tests.support.write_conformance"
