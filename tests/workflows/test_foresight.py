import pytest

from definitions.records import Ledger, StepRecord
from workflows.foresight import sound_part
from workflows.ledger import Book

DONE = StepRecord(status="completed")


def records(*paths: str) -> dict[str, StepRecord]:
    return dict.fromkeys(paths, DONE)


@pytest.mark.parametrize(
    ("paths", "first_out", "kept"),
    [
        (["a", "b"], None, ["a", "b"]),
        (["a", "b", "c"], "b", ["a"]),
        (["a", "g", "g/x", "g/y", "z"], "g/y", ["a", "g/x"]),
        (["l", "l#1", "l#1/x", "l#2", "l#2/x"], "l#2/x", ["l#1", "l#1/x"]),
        (["e", "e[k]", "e[k]/x", "e[m]", "e[m]#1/x"], "e[m]#1/x", ["e[k]", "e[k]/x"]),
        (["ab", "a/x"], "a/x", ["ab"]),
    ],
)
def test_what_encloses_something_left_out_is_left_out(paths: list[str], first_out: str | None, kept: list[str]):
    assert list(sound_part(records(*paths), lambda path, _: path != first_out)) == kept


def test_book_takes_what_was_found_up_to_where_the_run_is():
    book = Book(Ledger(records={"g": StepRecord(status="running"), "g/y": StepRecord(status="running")}))
    book.foresee({**records("g/x"), "h": DONE.model_copy(update={"order": 4}), **records("g/y", "i")})
    assert [path for path, record in book.records.items() if record.status == "completed"] == ["g/x", "h"]
    assert book.next_order == 5
    assert book.freeze().untold == ["g/x", "h"]


def test_book_takes_nothing_when_the_run_is_paused():
    book = Book(Ledger(paused=True))
    book.foresee(records("a"))
    assert book.records == {}
