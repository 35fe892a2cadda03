import pytest

from definitions.records import Ledger, StepRecord
from workflows.ledger import FOLD_ABOVE, Book

PATHS = ["epics", "epics[E-1]", "epics[E-1]/a", "epics[E-1]/a/b", "epics[E-2]/a", "epics[E-1]/c@2#1/d", "epics[E-1]x/a"]


def book(paths: list[str]) -> Book:
    return Book(Ledger(records={path: StepRecord(status="completed") for path in paths}))


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("epics", []),
        ("epics[E-1]", ["epics[E-1]/a", "epics[E-1]/a/b", "epics[E-1]/c@2#1/d"]),
        ("epics[E-1]/a", ["epics[E-1]/a/b"]),
        ("epics[E-1]/c@2#1", ["epics[E-1]/c@2#1/d"]),
        ("nowhere", []),
    ],
)
def test_what_is_inside_a_path_is_found_in_the_order_in_which_it_was_reached(path: str, inside: list[str]):
    assert [known for known, _ in book(PATHS).below(path)] == inside


def test_what_was_forgotten_is_not_inside_and_comes_last_when_it_is_reached_again():
    known = book(PATHS)
    known.forget("epics[E-1]/a")
    assert [path for path, _ in known.below("epics[E-1]")] == ["epics[E-1]/c@2#1/d"]
    known.put("epics[E-1]/a", StepRecord())
    assert [path for path, _ in known.below("epics[E-1]")] == ["epics[E-1]/c@2#1/d", "epics[E-1]/a"]
    assert list(known.records)[-1] == "epics[E-1]/a"
    known.forget_below("epics[E-1]")
    assert known.below("epics[E-1]") == []


def test_inside_of_a_finished_item_is_put_away_when_there_are_many_records():
    paths = [f"all[{number}]{inside}" for number in range(FOLD_ABOVE) for inside in ("", "/a")]
    known = book(paths)
    known.update("all[1]/a", artifacts={"report": {"$file": "r"}})
    for number in (0, 1):
        known.fold(f"all[{number}]")
    assert known.get("all[0]/a") is None
    assert known.get("all[1]/a") is not None, "what was published stays"
    few = book(paths[:10])
    few.fold("all[0]")
    assert few.get("all[0]/a") is not None
