import asyncio

import pytest

from client.testing import plan
from client.testing.collecting import collect
from client.testing.results import play_files
from client.testing.updating import updated_text

DEFINITION = """name: a
inputs: {n: {type: integer, default: 3}}
outputs:
  n: {type: integer, value: "{{ inputs.n }}"}
  o: {type: object, value: "{{ steps.s.outputs.o }}"}
  f: {type: artifact, value: "{{ steps.b.outputs.f }}"}
steps:
- {id: b, type: shell, command: m, outputs: {f: out.txt}}
- {id: s, type: set, values: {o: {k: [1, two]}}}
- {id: t, type: assert, condition: inputs.n < 10, message: "too: many"}
"""


def update(tmp_path, cases):
    (tmp_path / "a.yaml").write_text(DEFINITION)
    path = tmp_path / "a.test.yaml"
    path.write_text(cases)
    return updated_text(results(path)[0])


def results(path):
    return asyncio.run(play_files([collect(path)], lambda case: True, lambda file, result: None))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("expect: {status: failed} # why\n", "expect: {status: completed} # why\n"),
        ("inputs: {n: 11}\n", "inputs: {n: 11}\n    expect: {status: failed}\n"),
        ("inputs: {n: 11}\n    # tail\n", "inputs: {n: 11}\n    expect: {status: failed}\n    # tail\n"),
        ("inputs: {n: 11}\n    expect: {}\n", "inputs: {n: 11}\n    expect: {status: failed}\n"),
        (
            "inputs: {n: 11}\n    expect: {path: [b, s, t]}\n",
            "inputs: {n: 11}\n    expect: {status: failed, path: [b, s, t]}\n",
        ),
        (
            "inputs: {n: 11}\n    expect:\n      # first\n      path: [b, s, t]\n",
            "inputs: {n: 11}\n    expect:\n      # first\n      status: failed\n      path: [b, s, t]\n",
        ),
        ("expect: {path: [b]}\n", "expect: {path: [b, s, t]}\n"),
        ("expect: {path: []}\n", "expect: {path: [b, s, t]}\n"),
        (
            "expect:\n      path: # order\n        - t # one\n        - b # two\n        # end\n",
            "expect:\n      path: # order\n        - b\n        - s\n        - t # one\n        # end\n",
        ),
        (
            "expect:\n      path:\n      - b # kept\n      - t\n",
            "expect:\n      path:\n      - b # kept\n      - s\n      - t\n",
        ),
        ("expect:\n      path:\n      - b\n      - s", "expect:\n      path:\n      - b\n      - s\n      - t\n"),
        ("expect: {outputs: {n: 4, o: 1, f: x}}\n", "expect: {outputs: {n: 3, o: {k: [1, two]}, f: out.txt}}\n"),
        (
            "expect:\n      outputs:\n        o:\n          k: # x\n          - 2\n        n: 4 # four\n",
            "expect:\n      outputs:\n        o:\n          {k: [1, two]}\n        n: 3 # four\n",
        ),
        (
            "expect:\n      outputs:\n        f: |\n          x\n          y\n\n      status: completed\n",
            "expect:\n      outputs:\n        f: out.txt\n\n      status: completed\n",
        ),
        (
            "expect: {steps: {t: {status: failed, attempt: 7, outputs: {passed: no}, cached: true}}}\n",
            "expect: {steps: {t: {status: completed, attempt: 1, outputs: {passed: true}, cached: false}}}\n",
        ),
        (
            "inputs: {n: 11}\n    expect: {error: {step: b, type: exit, message: x}, "
            "steps: {t: {error: {message: z}}}}\n",
            'inputs: {n: 11}\n    expect: {error: {step: t, type: assertion, message: "too: many"}, '
            'steps: {t: {error: {message: "too: many"}}}}\n',
        ),
        ("expect: {handled: [b]}\n", "expect: {handled: []}\n"),
    ],
)
def test_expectation_is_written_anew_when_it_was_not_met(tmp_path, before, after):
    head = "# head\ncases:\n  - name: one\n    "
    tail = "" if not before.endswith("\n") else "  - {name: two, inputs: {n: 4}} # two\n"
    found = update(tmp_path, head + before + tail)
    assert found is not None
    assert found.text == head + after + tail
    (tmp_path / "a.test.yaml").write_text(found.text)
    assert results(tmp_path / "a.test.yaml")[0].failed == 0


def test_flow_case_gets_its_expectation_when_it_has_none(tmp_path):
    found = update(tmp_path, 'cases: [{name: one, inputs: {n: 11}}, {"name": "two"}]')
    assert found.text == 'cases: [{name: one, inputs: {n: 11}, expect: {status: failed}}, {"name": "two"}]'


def test_json_stays_json_when_its_values_are(tmp_path):
    found = update(tmp_path, '{"cases": [{"name": "one", "expect": {"outputs": {"n": 4}}}]}')
    assert found.text == '{"cases": [{"name": "one", "expect": {"outputs": {"n": 3}}}]}'


@pytest.mark.parametrize(
    "expect",
    [
        "{check: [outputs.n > 3]}",
        "{never: [b]}",
        "{skipped: [b]}",
        "{takes: {at_least: 1h}}",
        "{steps: {b: {outputs: {nothing: 1}, reason: x, error: {type: exit}}}}",
        "{path: [b, s, t]}",
    ],
)
def test_nothing_is_written_when_it_is_what_somebody_meant_or_right(tmp_path, expect):
    assert update(tmp_path, f"cases: [{{name: one, expect: {expect}}}]") is None


def test_nothing_is_written_when_a_case_was_not_played(tmp_path):
    assert update(tmp_path, "cases: [{name: one, files_from: nowhere, expect: {status: failed}}]") is None


def test_several_cases_are_written_when_several_failed(tmp_path):
    text = "cases:\n- name: one\n  expect:\n    status: failed\n- name: two\n  inputs: {n: 20}\n- name: three\n"
    found = update(tmp_path, text)
    assert found.count == 2
    assert found.text == text.replace("status: failed", "status: completed").replace(
        "{n: 20}\n", "{n: 20}\n  expect: {status: failed}\n"
    )


async def test_plan_level_opens_when_nothing_is_there():
    async with plan.opened() as play:
        assert play is plan.play
