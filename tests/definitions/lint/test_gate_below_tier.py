import pytest

from tests.support.lint_findings import linted, places

CODE = "gate-below-tier"
GATE = "- {id: gate, type: approval, timeout: 1d%s}"
PUBLISH = "- {id: publish, type: shell, command: npm publish}"


def findings(*lines: str):
    found = linted("steps:\n" + "".join(f"  {line}\n" for line in lines))
    return [finding for finding in found if finding.code == CODE]


@pytest.mark.parametrize(
    ("keys", "weakness", "help_"),
    [
        ("", "anybody may approve `gate`, even who started the run", "name `approvers`, or write `allow_self: false`"),
        (", approvers: any", "anybody may approve", "name `approvers`"),
        (
            ", approvers: {users: [ada]}, on_timeout: approve",
            "time alone approves `gate`",
            "write `on_timeout: reject`",
        ),
        (", allow_self: false, on_timeout: approve", "time alone approves `gate`", "write `on_timeout: reject`"),
    ],
)
def test_gate_is_below_its_tier_when_it_hinders_nobody(keys: str, weakness: str, help_: str):
    (finding,) = findings(GATE % keys, PUBLISH)
    assert finding.message.startswith(weakness)
    assert finding.message.endswith("and what follows is of tier 3")
    assert finding.help
    assert finding.help.startswith(help_)
    assert places(finding) == [2, 3]


@pytest.mark.parametrize("keys", [", allow_self: false", ", approvers: {users: [ada]}", ", approvers: {groups: [a]}"])
def test_gate_is_fine_when_the_starter_alone_cannot_pass(keys: str):
    assert findings(GATE % keys, PUBLISH) == []


def test_gate_is_fine_when_what_follows_can_be_taken_back():
    assert findings(GATE % "", PUBLISH.replace("npm publish", "git push")) == []


def test_gate_is_fine_when_another_one_asks_for_enough():
    strong = (GATE % ", allow_self: false").replace("gate", "strong")
    assert findings(strong, GATE % "", PUBLISH) == []
    assert findings(GATE % "", strong, PUBLISH) == []
    assert len(findings(GATE % "", PUBLISH, strong)) == 1


def test_nearest_gate_is_named_when_there_are_several():
    second = (GATE % "").replace("gate", "second")
    (finding,) = findings(GATE % "", second, PUBLISH)
    assert "`second`" in finding.message


def test_effects_are_notes_of_one_finding_when_there_are_many():
    (finding,) = findings(GATE % "", *(PUBLISH.replace("id: publish", f"id: p{n}") for n in range(7)))
    assert places(finding) == [2, 3, 4, 5, 6, 7]


def test_nothing_is_found_when_there_is_no_gate_before():
    assert findings(PUBLISH) == []
