"""Values in scripts: real shells see exactly the value's bytes in every accepted place, and run nothing of it."""

import contextlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from definitions.shell_values import check_script, compile_script
from tests.support.shell_places import (
    HOSTILE,
    LONG,
    PLACES,
    SHELLS,
    command_of,
    hostile_text,
    odd_scripts,
    run_script,
    seen_words,
    snippets,
)

Count = Callable[[str, str], None]


@pytest.fixture(scope="module")
def count(record_testsuite_property: Callable[[str, object], None]) -> Iterator[Count]:
    """Return what takes note of a case; `--junitxml FILE` shows the counts by shell and place."""
    counted: Counter[tuple[str, str]] = Counter()
    yield lambda shell, place: counted.update([(shell, place)])
    for (shell, place), number in sorted(counted.items()):
        record_testsuite_property(f"cases: {shell}: {place}", number)


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_sees_the_value_when_a_place_is_accepted(shell: str, tmp_path: Path, count: Count) -> None:
    names = [name for name, place in PLACES.items() if SHELLS[shell] in place.shells]
    for name in names:
        text, inputs = snippets([name] * len(HOSTILE), HOSTILE)
        output = run_script(text, {"inputs": inputs}, shell, tmp_path)
        for value, words in zip(HOSTILE, seen_words(output), strict=True):
            assert words == PLACES[name].words(value), (name, value)
            count(shell, name)
    assert list(tmp_path.iterdir()) == []


def test_cases_are_many_when_all_places_meet_all_hostile_values() -> None:
    places = sum(grammar in place.shells for grammar in SHELLS.values() for place in PLACES.values())
    assert places * len(HOSTILE) >= 10_000


@pytest.mark.parametrize("shell", SHELLS)
@settings(
    max_examples=200 if LONG else 12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(choices=st.lists(st.tuples(st.sampled_from(sorted(PLACES)), hostile_text), min_size=20, max_size=40))
def test_shell_sees_the_value_when_it_is_anything(
    shell: str, tmp_path: Path, count: Count, choices: list[tuple[str, str]]
) -> None:
    places = {name for name, place in PLACES.items() if SHELLS[shell] in place.shells and place.goes_with_arrays}
    cases = [(name, value) for name, value in choices if name in places]
    text, inputs = snippets([name for name, _ in cases], [value for _, value in cases])
    locale = "C" if len(cases) % 2 else "C.UTF-8"
    output = run_script(text, {"inputs": inputs}, shell, tmp_path, locale)
    for (name, value), words in zip(cases, seen_words(output), strict=True):
        assert words == PLACES[name].words(value), (name, value)
        count(shell, name)
    assert list(tmp_path.iterdir()) == []


def test_shell_computes_with_the_value_when_it_is_a_number(tmp_path: Path) -> None:
    text = (
        "for ((i = {{ int(inputs.n) }}; i < {{ int(inputs.n) }} + 2; i++)); do echo $((5-{{ int(inputs.n) }})) $i; done"
    )
    text += "\n[[ 3 -lt {{ int(inputs.n) * 1 }} ]] || echo less\n(( {{ int(inputs.n) }} < 0 )) && echo negative"
    output = run_script(text, {"inputs": {"n": "-3"}}, "bash", tmp_path)
    assert output == b"8 -3\n8 -2\nless\nnegative\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_redirection_writes_the_named_file_when_the_name_is_odd(shell: str, tmp_path: Path) -> None:
    names = ["a b", "$(touch CANARY)", "*", "&1", "-", "#x", "a\nb", "'q\"", "> x"]
    lines = [f"echo {i} > {{{{ inputs.n{i} }}}}; cat < {{{{ inputs.n{i} }}}} >> all" for i in range(len(names))]
    run_script("\n".join(lines), {"inputs": {f"n{i}": name for i, name in enumerate(names)}}, shell, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != "all"} == {
        name: f"{index}\n" for index, name in enumerate(names)
    }


# --- the reader is never wrong about quoting --------------------------------------------------------

FRAGMENTS = [
    "{{ inputs.v }}", "{{ inputs.v }}", "{{ inputs.v }}", "'", '"', "\\", "$", "$(", ")", "(", "`", "${x:-", "${x", "}",
    "$((", "))", "((", "{", ";", ";;", "&", "&&", "|", "<<EOF\n", "<<'EOF'\n", "<<-EOF\n", "\nEOF\n", "<<<", "#", " # ",
    " ", " ", "\n", "\n", "=", "x=", "a[", "]", "[", "[[ ", " ]]", " -eq ", " == ", "$'", '$"', "<(", ">&", "!",
    "echo ", "echo ", ": ", "case a in ", " in ", "esac", "a)", "if :; then ", "fi", "for x in ", "do ", "done", "x",
    "printf ", "eval ", "sh -c ", "env ", "f() ", "test ", "export ", "declare ", "-i ", "-a ", "let ", "set ", "-- ",
    "cat ", "xargs ", "\\\n", "@(", "{{ '{{' }}", "read ", "trap ", "-v ",
    # whole pieces, which leave more scripts readable
    " 'a\"' ", " \"b'\" ", "; echo c; ", "$(echo \"d'\")", " # it's\n", "\necho e\n", " > f ", " | cat ", " && ",
    "$((1+2))", "${x:-g}", "\n: <<EOF\n'h $x\nEOF\n", "case i in i) :;; esac;", "if :; then :; fi;", "{ :; };", "(:);",
    " \\' ",
]  # fmt: skip

ATTACKS = [
    "$(touch CANARY)",
    "a[$(touch CANARY)]",
    "';touch CANARY;'",
    "\";touch CANARY;\"",
    "\ntouch CANARY\n",
    "`touch CANARY`",
    ";touch CANARY;",
    "')\ntouch CANARY\n('",
    "\nEOF\ntouch CANARY\n",
    "([$(touch CANARY)]=1)",
]  # fmt: skip


OWN_VARIABLE = re.compile(r"\$[a-z@*{\"]")
EVALUATES = re.compile(r"eval|sh -c|let |trap|-eq|-i |-v |\(\(|\[\[|a\[|declare|export|read|xargs|test |set |`|@\(")
"""What the author's own code does with a variable that holds a value stays the author's: `x={{ … }}; eval "$x"`."""


def test_nothing_of_the_value_runs_when_an_odd_script_is_accepted(tmp_path: Path, count: Count) -> None:
    snippets = ["show() { :; }\n" + place.snippet + "\n" for place in PLACES.values()]
    for number, text in enumerate(odd_scripts(snippets, FRAGMENTS, 20_000 if LONG else 1_000)):
        if EVALUATES.search(text) and OWN_VARIABLE.search(text):
            continue
        attack = ATTACKS[number % len(ATTACKS)]
        for shell, grammar in SHELLS.items():
            if check_script(text, grammar):
                continue
            script = compile_script(text, grammar)
            with contextlib.suppress(subprocess.TimeoutExpired):  # an edit may have made an endless loop
                subprocess.run(
                    [*command_of(shell)[:-1], "-c", script.text],
                    cwd=tmp_path,
                    env={"PATH": os.environ["PATH"], **dict.fromkeys(script.bindings, attack)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=1,
                    check=False,
                )
            assert not (tmp_path / "CANARY").exists(), (shell, text, script.text)
            count(shell, "odd scripts that were accepted")
