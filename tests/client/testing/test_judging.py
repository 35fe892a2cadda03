import pytest

from client.testing.judging import is_equal
from client.testing.plan import play_now
from client.testing.verdicts import judge
from definitions.stored_values import file_reference
from tests.support.cases import case, messages, subject

DEFINITION = """inputs: {n: {type: integer, default: 3}}
outputs:
  n: {type: integer, value: "{{ inputs.n }}"}
  file: {type: artifact, value: "{{ default(steps.a.outputs.report, null) }}"}
  big: {value: "{{ default(steps.b.outputs.stdout, null) }}"}
steps:
- {id: a, type: shell, command: m, outputs: {report: out.txt}, on_failure: continue}
- {id: b, type: shell, command: m, when: inputs.n > 2}
- {id: w, type: agent, prompt: write about cats}
- {id: g, type: group, steps: [{id: c, type: assert, condition: inputs.n < 10, message: too many}]}
"""
BIG = "x" * 2000
ALL = "[a, b, w, g/c, g]"


@pytest.mark.parametrize(
    "keys",
    [
        f"expect: {{path: {ALL}}}",
        "expect: {outputs: {n: 3, file: ./out.txt}}",
        "expect: {steps: {a: {status: completed, attempt: 1, cached: false, outputs: {exit_code: 0}}}}",
        "inputs: {n: 1}\nexpect: {skipped: [b], never: [b], steps: {b: {reason: inputs.n > 2}}, outputs: {big: null}}",
        "inputs: {n: 20}\nexpect: {error: {step: g/c, type: assertion, message: too many}}",
        "inputs: {n: 20}\nexpect: {status: failed}",
        "stubs: {a: {fail: {}}}\nexpect: {handled: [a], steps: {a: {error: {type: exit}}}}",
        "expect: {handled: []}",
        "expect: {prompts: {w: [about, cats]}}",
        "stubs: {a: {delay: 5m}}\nexpect: {takes: {at_least: 5m, at_most: 5m}}",
        "expect: {check: ['outputs.n == 3', 'steps.c.status == \"completed\"', 'status == \"completed\"']}",
        "inputs: {n: 20}\nexpect: {status: failed, check: ['error.type == \"assertion\"']}",
        "stubs: {a: {files: {out.txt: hello}}}\nexpect: {check: ['read_text(outputs.file) == \"hello\"']}",
        f"stubs: {{b: {{outputs: {{stdout: {BIG}}}}}}}\n"
        f"expect: {{outputs: {{big: {BIG}}}, check: [len(outputs.big) == 2000]}}",
    ],
)
def test_nothing_is_found_when_expectations_are_met(keys):
    assert messages(DEFINITION, keys) == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("expect: {status: failed}", ["the run is `completed`, not `failed`"]),
        ("expect: {error: {}}", ["the run is `completed`, not `failed` or `rejected`", "the run has no error"]),
        ("inputs: {n: 20}", ["the run is `failed`, not `completed`: `g/c` assertion: too many"]),
        ("expect: {path: [a, w]}", ["`b` ended here: "]),
        ("expect: {path: [a, b]}", ["`w`, `g/c` and `g` ended too: "]),
        (f"inputs: {{n: 1}}\nexpect: {{path: {ALL}}}", ["`w` ended here: "]),
        ("inputs: {n: 20}\nexpect: {status: failed, path: [a, b, w, g/c, g, a]}", ["`a` did not end: "]),
        ("expect: {never: [b]}", ["`b` ran: it is `completed`"]),
        ("expect: {skipped: [b]}", ["`b` is `completed`, not `skipped`"]),
        ("expect: {outputs: {n: 4}}", ["output `n` is `3`, not `4`"]),
        ("expect: {outputs: {n: true}}", ["output `n` is `3`, not `true`"]),
        ("expect: {outputs: {file: x}}", ['output `file` is the file `out.txt`, not `"x"`']),
        ("inputs: {n: 20}\nexpect: {status: failed, outputs: {n: 20}}", ["the run has no output `n`"]),
        ("expect: {steps: {a: {status: failed}}}", ["`a` is `completed`, not `failed`"]),
        (
            "stubs: {a: {fail: {}}}\nexpect: {steps: {a: {status: completed}}}",
            ["`a` is `failed`, not `completed`: `a` exit"],
        ),
        ("expect: {steps: {a: {attempt: 2}}}", ["`a` ended at attempt 1, not 2"]),
        ("expect: {steps: {a: {cached: true}}}", ["`a` is not from the cache"]),
        ("stubs: {a: {cached: true}}\nexpect: {steps: {a: {cached: false}}}", ["`a` is from the cache"]),
        (
            "expect: {steps: {a: {outputs: {m: 1}}}}",
            ["`a` has no output `m`; it has `stdout`, `exit_code` and"],
        ),
        ("inputs: {n: 1}\nexpect: {steps: {b: {reason: why}}}", ["`b` gives the reason "]),
        ("expect: {steps: {a: {error: {}}}}", ["`a` has no error"]),
        ("expect: {prompts: {w: [dogs]}}", ["the prompt of `w` does not contain this"]),
        (
            "inputs: {n: 20}\nexpect: {error: {step: a, type: exit, message: few}}",
            ["the error's step", "the error's type", "the error's message"],
        ),
        ("stubs: {a: {fail: {}}}\nexpect: {handled: []}", ['the failures that were handled are `["a"]`']),
        ("expect: {takes: {at_least: 1s}}", ["the run took only 0s"]),
        ("stubs: {a: {delay: 2h}}\nexpect: {takes: {at_most: 1h}}", ["the run took 2h"]),
        ("expect: {check: [outputs.n > 3]}", ["this is false: `outputs.n` is `3`"]),
        ("expect: {check: [1 > 3]}", ["this is false"]),
        ("expect: {check: [outputs.m > 3]}", ["`outputs` has no field `m`"]),
        ('expect: {check: [\'read_text("x") == ""\']}', ["there is no file `x`"]),
        ("expect: {check: [outputs.n]}", ["gives a number, not true or false"]),
        ("expect: {steps: {a: {outputs: {stdout: x}}}}", ['output `stdout` of `a` is `""`, not `"x"`']),
    ],
)
def test_finding_says_what_is_when_an_expectation_is_not_met(keys, said):
    found = messages(DEFINITION, keys)
    assert len(found) == len(said), found
    assert all(part in message for part, message in zip(said, found, strict=True)), found


OPEN = "steps: [{id: g, type: approval}, {id: b, type: agent, prompt: p}]"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", ["the run is `waiting_approval`, not `completed`: nobody decides at `g`"]),
        ("expect: {status: waiting_approval, steps: {b: {}}}", ["`b` was not reached"]),
        ("expect: {status: waiting_approval, skipped: [b]}", ["`b` was not reached, so it was not skipped"]),
        ("expect: {status: waiting_approval, prompts: {b: [p]}}", ["`b` was given no prompt: it did not run"]),
        ("expect: {status: waiting_approval, never: [b]}", []),
        ("expect: {status: waiting_approval, never: [g]}", ["`g` ran: it is `waiting_approval`"]),
    ],
)
def test_finding_says_how_far_it_came_when_a_run_waits(keys, said):
    assert messages(OPEN, keys) == said


def test_place_is_the_expectation_s_when_it_is_not_met():
    one = case(
        "expect: {path: [a, w], outputs: {n: 4}, check: [outputs.n > 1, outputs.n > 3], steps: {a: {attempt: 2}}}"
    )
    found = judge(one, play_now(one, subject(DEFINITION)))
    assert [finding.place for finding in found] == [
        ("expect", "path", 1),
        ("expect", "outputs", "n"),
        ("expect", "check", 1),
        ("expect", "steps", "a", "attempt"),
    ]
    assert [finding.actual for finding in found[:2]] == [["a", "b", "w", "g/c", "g"], 3]


def test_file_cannot_be_judged_when_the_level_has_no_reader():
    from dataclasses import replace

    one = case("expect: {check: ['read_text(outputs.file) == \"\"']}")
    outcome = replace(play_now(one, subject(DEFINITION)), files=None)
    assert "reads a file" in judge(one, outcome)[0].message


@pytest.mark.parametrize(
    ("wanted", "actual", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False),
        ([True], [1], False),
        ("a.txt", file_reference("a.txt", "d", 1), True),
        ("./a.txt", file_reference("a.txt", "d", 1), True),
        (["a.txt"], [file_reference("b.txt", "d", 1)], False),
        ("1", 1, False),
    ],
)
def test_values_are_equal_when_they_are_the_same_json(wanted, actual, equal):
    assert is_equal(wanted, actual) is equal
