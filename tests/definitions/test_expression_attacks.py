"""Hostile expressions: none gets out, none hurts, each error has its place (`tests/support/expression_judge.py`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.expression_attacks import ATTACKS, REACHING_OUT
from tests.support.expression_judge import judge

SCRIPT = Path(__file__).parents[1] / "support/expression_attacks.py"


def test_all_attacks_are_answered_when_there_is_little_memory():
    # counting branches makes each text several times slower, and here the time is what is judged
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=120, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == sum(map(len, ATTACKS.values())) > 900


@pytest.mark.parametrize("block", range(5))
def test_attack_is_refused_when_it_reaches_for_python(block: int):
    for text in REACHING_OUT[block::5]:
        assert judge(text), text
