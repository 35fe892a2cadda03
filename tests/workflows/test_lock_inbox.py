from definitions.locks import Claim, LockInput, Release, Unread
from workflows.lock_inbox import Inbox

ANA = Claim(execution_id="ana", token="1")
BEN = Claim(execution_id="ben", token="2")
LEAVES = Release(execution_id="ana", token="1")


def filled(*messages: Claim | Release) -> Inbox:
    inbox = Inbox([])
    for message in messages:
        inbox.put(message)
    return inbox


def read(inbox: Inbox) -> list[Claim | Release]:
    messages: list[Claim | Release] = []
    while inbox:
        messages.append(inbox.take())
    return messages


def test_messages_are_read_in_the_order_in_which_they_came():
    assert read(filled(BEN, ANA, LEAVES)) == [BEN, ANA, LEAVES]


def test_claim_is_read_once_when_it_was_sent_again_meanwhile():
    assert read(filled(ANA, BEN, ANA, ANA)) == [ANA, BEN]


def test_claim_is_read_again_when_it_comes_after_it_was_read():
    inbox = filled(ANA)
    assert read(inbox) == [ANA]
    inbox.put(ANA)
    assert read(inbox) == [ANA]


def test_claim_is_read_again_when_the_execution_left_between():
    assert read(filled(ANA, LEAVES, ANA)) == [ANA, LEAVES, ANA]


def test_claim_is_another_when_its_policy_or_its_execution_is():
    hasty, later = ANA.model_copy(update={"policy": "cancel"}), ANA.model_copy(update={"token": "3"})
    assert read(filled(ANA, hasty, later)) == [ANA, hasty, later]


def test_unread_messages_are_the_same_when_they_are_handed_on_as_json():
    handed_on = LockInput(inbox=filled(BEN, ANA, LEAVES).unread()).model_dump(mode="json", exclude_defaults=True)
    assert read(Inbox(LockInput.model_validate(handed_on).inbox)) == [BEN, ANA, LEAVES]


def test_message_that_is_neither_claim_nor_release_is_passed_over():
    assert read(Inbox([Unread(), Unread(acquire=ANA)])) == [ANA]


def test_input_of_an_older_lock_has_an_empty_inbox():
    assert LockInput.model_validate({"holder": ANA.model_dump()}).inbox == []
