"""Comments that allow findings."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.codes import CODES
from definitions.loader import load

HEAD = "name: release\ndescription: Build a release\n"


def codes(text: str, *, with_lint: bool = True, head: str = HEAD) -> list[tuple[str, int]]:
    loaded = load(head + text, "a.yaml", with_lint=with_lint)
    before = head.count("\n")
    return [(finding.code, finding.span.line - before) for finding in loaded.diagnostics if finding.span]


STEP = "steps: [{id: a, type: wait, duration: 1s}]\n"
WARNED = "output-without-value"


@pytest.mark.parametrize(
    "text",
    [
        "outputs:\n  x: {type: string} # perdure: allow output-without-value it comes later\n",
        "outputs:\n  # perdure: allow output-without-value it comes later\n  x: {type: string}\n",
        "outputs:\n  #perdure:allow  output-without-value  it comes later\n  # another\n  x: {type: string}\n",
        "outputs:\n  x: # perdure: allow output-without-value: it comes later\n    {type: string}\n",
        "outputs:\n"
        "  # perdure: allow output-without-value a\n  # perdure: allow output-without-value b\n  x: {type: string}\n",
    ],
)
def test_finding_is_allowed_when_the_comment_is_on_its_line_or_above(text: str):
    assert codes(text + STEP) == []
    assert codes(text + STEP, with_lint=False) == []


def test_finding_is_not_allowed_when_a_line_lies_between():
    text = "outputs:\n  # perdure: allow output-without-value it comes later\n\n  x: {type: string}\n"
    assert codes(text + STEP) == [("unneeded-allow", 2), (WARNED, 4)]


def test_finding_is_not_allowed_when_the_comment_stands_behind_another_line():
    text = "outputs: # perdure: allow output-without-value it comes later\n  x: {type: string}\n"
    assert codes(text + STEP) == [("unneeded-allow", 1), (WARNED, 2)]


def test_finding_is_not_allowed_when_the_comment_stands_at_the_end_of_the_file():
    text = "outputs:\n  x: {type: string}\n" + STEP + "# perdure: allow output-without-value why"
    assert codes(text) == [(WARNED, 2), ("unneeded-allow", 4)]


PUSHED = """\
steps:
  - id: gate
    type: approval
    timeout: 1d
  - id: publish{step}
    type: shell{inside}
    command: |{header}
      make wheel
      twine upload dist/*{script}
    env: {{A: b}}
  - id: other
    type: shell
    command: ls
"""
ALLOW = " # perdure: allow cached-effect it is the same wheel"


def pushed(**comments: str) -> str:
    given = {"step": "", "inside": "", "header": "", "script": "", **comments}
    text = PUSHED.format(**given).replace("type: approval", "type: approval\n    allow_self: false")
    return text.replace("env: {A: b}", "env: {A: b}\n    cache: true")


def test_finding_in_a_script_is_allowed_when_the_comment_is_on_the_line_of_its_key():
    assert codes(pushed()) == [("cached-effect", 10)]
    assert codes(pushed(header=ALLOW)) == []


def test_finding_in_a_step_is_allowed_when_the_comment_is_on_the_steps_first_line_or_above():
    assert codes(pushed(step=ALLOW)) == []
    assert codes(pushed().replace("  - id: publish", f"  {ALLOW}\n  - id: publish")) == []


def test_finding_in_a_step_is_not_allowed_when_the_comment_is_on_another_line_of_it():
    assert codes(pushed(inside=ALLOW)) == [("unneeded-allow", 7), ("cached-effect", 10)]


def test_comment_is_text_when_it_stands_in_a_script():
    assert codes(pushed(script=ALLOW)) == [("cached-effect", 10)]


@pytest.mark.parametrize(
    "value",
    [
        '"a # perdure: ignore"',
        "'a # perdure: ignore'",
        '"a\n    # perdure: ignore"',
        "a\n    b#perdure:ignore",
        "|\n    # perdure: ignore\n    a\n    # perdure: ignore",
        ">-\n    # perdure: ignore\n\n",
    ],
)
def test_comment_is_text_when_it_stands_in_any_scalar(value: str):
    assert codes(f"metadata:\n  x: {value}\n{STEP}") == []


def test_comment_is_read_when_it_follows_a_block_of_text():
    assert codes(f"metadata:\n  x: |\n    a\n\n# perdure: ignore\n{STEP}") == [("invalid-allow", 5)]


def test_step_in_a_group_is_covered_when_the_comment_is_on_the_group_and_the_next_step_is_not():
    text = """\
steps:
  - id: both # perdure: allow cached-effect they are pushed once
    type: group
    steps:
      - {id: a, type: shell, command: git push, cache: true}
      - id: b
        type: shell
        command: git push
        cache: true
  - {id: c, type: shell, command: git push, cache: true}
"""
    assert codes(text) == [("cached-effect", 10)]
    assert codes(text.removesuffix("\n")) == [("cached-effect", 10)]


@pytest.mark.parametrize(
    ("comment", "message", "token"),
    [
        ("# perdure:", "something is missing after `perdure:`", "# perdure:"),
        ("# perdure: ignroe x", "`ignroe` means nothing after `perdure:`", "ignroe"),
        ("# perdure: allow", "the code of a finding is missing", "# perdure: allow"),
        ("# perdure: allow unused-inputs x", "no finding has the code `unused-inputs`", "unused-inputs"),
        ("# perdure: allow zzzz x", "no finding has the code `zzzz`", "zzzz"),
        ("# perdure: allow unused-input", "there is no reason for allowing `unused-input`", "unused-input"),
        ("# perdure: allow unused-input  -- ", "there is no reason for allowing `unused-input`", "unused-input"),
        ("# perdure: allow unknown-step x", "`unknown-step` is an error, and errors cannot be allowed", "unknown-step"),
        (
            "# perdure: allow invalid-allow x",
            "`invalid-allow` is about such comments, and cannot be allowed",
            "invalid-allow",
        ),
        (
            "# perdure: allow unneeded-allow x",
            "`unneeded-allow` is about such comments, and cannot be allowed",
            "unneeded-allow",
        ),
    ],
)
def test_comment_is_a_finding_when_it_can_allow_nothing(comment: str, message: str, token: str):
    text = f"{HEAD}{STEP}  {comment}\n"
    for with_lint in (True, False):
        (finding,) = load(text, "a.yaml", with_lint=with_lint).diagnostics
        assert (finding.code, finding.severity, finding.message) == ("invalid-allow", "warning", message)
        assert finding.span
        assert text.split("\n")[finding.span.line - 1][finding.span.column - 1 : finding.span.end_column - 1] == token
        assert finding.help


def test_slug_is_suggested_when_it_is_nearly_right():
    (finding,) = load(f"{HEAD}{STEP}# perdure: allow unused-inptu x\n", "a.yaml").diagnostics
    assert finding.help == "did you mean `unused-input`?"


def test_error_stays_when_a_comment_names_it():
    text = "steps:\n  # perdure: allow unknown-step later\n  - {id: a, type: shell, command: 'echo {{ steps.b }}'}\n"
    assert sorted(codes(text)) == [("invalid-allow", 2), ("unknown-step", 3)]


def test_unneeded_comment_is_not_said_when_not_every_rule_has_looked():
    text = f"{STEP}# perdure: allow unused-input why\n"
    assert codes(text, with_lint=False) == []
    assert codes(text) == [("unneeded-allow", 2)]
    assert codes(text + "bad: 1\n") == [("unknown-key", 3)]


def test_nothing_is_allowed_when_the_text_has_no_tree():
    assert "invalid-allow" not in [code for code, _ in codes("a: [\n# perdure: allow x\n")]


def test_unneeded_comment_is_not_said_when_findings_were_cut_off():
    inputs = "".join(f"  i{n}: {{}}\n" for n in range(101))
    text = f"inputs:\n{inputs}  last: {{}} # perdure: allow missing-description why\n{STEP}"
    assert "unneeded-allow" not in {code for code, _ in codes(text)}


def test_comments_cost_little_when_there_are_very_many():
    text = "metadata:\n" + "".join(f"  k{n}: v # perdure: allow unused-input why\n" for n in range(4_000)) + STEP
    started = time.process_time()
    found = codes(text)
    assert time.process_time() - started < 10
    assert {code for code, _ in found} == {"unneeded-allow"}
    assert len(found) <= 200


def test_findings_are_bounded_when_very_many_comments_are_invalid():
    text = "metadata:\n" + "".join(f"  k{n}: v # perdure: x\n" for n in range(500)) + STEP
    assert codes(text) == [("invalid-allow", line) for line in range(2, 102)]


@given(
    st.text(alphabet=st.sampled_from("#: \tallowperdure-xunused-input\n"), max_size=80), st.sampled_from(sorted(CODES))
)
def test_loading_never_fails_when_comments_are_odd(rest: str, slug: str):
    comment = rest.replace("\n", "\n# perdure:")
    load(f"{HEAD}{STEP}# perdure: allow {slug} {comment}\n", "a.yaml", with_lint=True)
