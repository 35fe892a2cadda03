"""Values in scripts: real shells see exactly the value's bytes in every accepted place, and run nothing of it."""

import contextlib
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from definitions.errors import ExpressionError
from definitions.evaluation import StoredValueNeeded
from definitions.shell_values import ShellValueError, bind, check_script, compile_script

LONG = os.environ.get("PERDURE_LONG_TESTS") == "1"
"""`PERDURE_LONG_TESTS=1` runs each property a hundred times as long."""

SHELLS = {"bash": ["bash", "-e"], "sh": ["sh", "-e"]}

HOSTILE = [
    "",
    " ",
    "a  b",
    "\n",
    "a\nb\n\n",
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY;",
    "'; touch CANARY; '",
    '"; touch CANARY; "',
    "$(touch${IFS}CANARY)",
    "a[$(touch CANARY)]",
    "([$(touch CANARY)]=1)",
    "($(touch CANARY))",
    "x=$(touch CANARY)",
    "\\",
    "\\'",
    '\\"',
    "'",
    '"',
    "''",
    '""',
    "$HOME",
    "${HOME}",
    "$PERDURE_V1",
    "${PERDURE_V2@P}",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~",
    "~root",
    "#",
    "# x",
    "!",
    "!!",
    "&& touch CANARY",
    "| touch CANARY",
    "> CANARY",
    "EOF",
    "\nEOF\ntouch CANARY\n",
    "\tEOF\n",
    "-n",
    "-e",
    "--",
    "%s%n%d",
    "\\n\\t\\0",
    "\x01\x02",
    "\x7f",
    "\x81\x88 \x80",
    "é€😀",
    "\u2028",
    "\r\n",
    "\t tab",
    ")",
    "}",
    "))",
    "]]",
    "esac",
    "abc",
    "a" * 5000,
]

hostile_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from("'\"\\$`(){}[]<>|&;*?!#~=%^,-+:@/ \n\t\r\x01\x7fab1é€"), max_size=24),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
)


@dataclass(frozen=True)
class Place:
    """A place that takes a value: a snippet that calls `show` with words, and which words these must be."""

    snippet: str
    words: Callable[[str], list[str]]
    shells: tuple[str, ...] = ("bash", "sh")
    goes_with_arrays: bool = True


def alone(value: str) -> list[str]:
    return [value]


PLACES = {
    "bare": Place("show {{X}}", alone),
    "bare, between others": Place("show a {{X}} b", lambda v: ["a", v, "b"]),
    "within a word": Place('show a{{X}}b"c"{{X}}', lambda v: [f"a{v}bc{v}"]),
    "after an escaped character": Place("show \\$\\\\{{X}}", lambda v: [f"$\\{v}"]),
    "double quotes": Place('show "a {{X}} \\"b\\" $(printf c){{X}}"', lambda v: [f'a {v} "b" c{v}']),
    "single quotes": Place("show 'a $ {{X}} \\'{{X}}", lambda v: [f"a $ {v} \\{v}"]),
    "ANSI-C quotes": Place("show $'a\\'{{X}}\\tb'", lambda v: [f"a'{v}\tb"], ("bash",)),
    "after an option's name": Place("show --opt={{X}}", lambda v: [f"--opt={v}"]),
    "after a tilde": Place("show ~{{X}}", lambda v: [f"~{v}"]),
    "brace expansion": Place("show {a,{{X}}}", lambda v: ["a", v], ("bash",)),
    "assignment": Place('y={{X}}; show "$y"', alone),
    "assignment to an array's name": Place('arr=(1 2); arr={{X}}; show "${arr[0]}"', alone, ("bash",)),
    "assignment that appends": Place('y=a; y+={{X}}; show "$y"', lambda v: [f"a{v}"], ("bash",)),
    "environment of a command": Place('y={{X}} sh -c \'printf "%s\\0" 1 "$y"\'', alone),
    "export": Place('export y={{X}}; show "$y"', alone),
    "export of an array": Place('unset z; z=(1); export z={{X}}; show "${z[0]}"; unset z', alone, ("bash",)),
    "readonly": Place('(readonly w={{X}}; show "$w")', alone),
    "local": Place('f() { local q={{X}}; show "$q"; }; f', alone, goes_with_arrays=False),
    "declare with a value": Place('declare -x d={{X}}; show "$d"', alone, ("bash",), goes_with_arrays=False),
    "declare": Place('declare d; d={{X}}; f() { local e; e={{X}}; show "$d$e"; }; f', lambda v: [v + v], ("bash",)),
    "array": Place('a=(x {{X}} "y {{X}}"); show "${a[@]}"', lambda v: ["x", v, f"y {v}"], ("bash",)),
    "appended array": Place('a=(); a+=({{X}}); show "${a[@]}"', alone, ("bash",)),
    "list of a loop": Place('for i in {{X}} b; do show "$i"; break; done', alone),
    "subject and pattern": Place("case {{X}} in {{X}}) show same;; *) show other;; esac", lambda v: ["same"]),
    "pattern of case": Place(
        "case abc in {{X}}) show yes;; *) show no;; esac", lambda v: ["yes" if v == "abc" else "no"]
    ),
    "test": Place("if [ {{X}} = abc ]; then show yes; else show no; fi", lambda v: ["yes" if v == "abc" else "no"]),
    "test of emptiness": Place("if [ -n {{X}} ]; then show yes; else show no; fi", lambda v: ["yes" if v else "no"]),
    "double brackets": Place(
        "if [[ abc == {{X}} && {{X}} == {{X}} ]]; then show yes; else show no; fi",
        lambda v: ["yes" if v == "abc" else "no"],
        ("bash",),
    ),
    "regular expression": Place(
        "if [[ abc =~ {{X}} ]]; then show yes; else show no; fi", lambda v: ["yes" if v in "abc" else "no"], ("bash",)
    ),
    "command substitution": Place('y="$(printf %s {{X}}; printf .)"; show "$y"', lambda v: [f"{v}."]),
    "nested substitution": Place(
        'show "$(printf %s "<$(printf %s \'{{X}}\'; printf .)>")"', lambda v: [f"<{v}.>"]
    ),
    "substitution with case": Place(
        'show "$(case a in a) printf %s {{X}};; (b) :;; esac; printf .)"', lambda v: [f"{v}."]
    ),
    "process substitution": Place('show "$(cat <(printf %s {{X}}); printf .)"', lambda v: [f"{v}."], ("bash",)),
    "here-document": Place(
        'y=$(cat <<EOF\n[{{X}}] "{{X}}" \'\nEOF\nprintf .)\nshow "$y"', lambda v: [f"[{v}] \"{v}\" '\n."]
    ),
    "here-document without tabs": Place('y=$(cat <<-E"O"F\n\t$y\nEOF\nprintf .)\nshow {{X}}', alone),
    "indented here-document": Place("y=$(cat <<-EOF\n\t\t{{X}}|\n\tEOF\n)\nshow \"$y\"", lambda v: [f"{v}|"]),
    "two here-documents": Place(
        'y=$(cat <<A; cat <<B\n{{X}}|\nA\n{{X}}.\nB\n)\nshow "$y"', lambda v: [f"{v}|\n{v}."]
    ),
    "here-string": Place('y=$(cat <<< {{X}}; printf .); show "$y"', lambda v: [f"{v}\n."], ("bash",)),
    "positional parameters": Place('set -- {{X}} b; show "$@"', lambda v: [v, "b"]),
    "argument of code": Place("sh -c 'printf \"%s\\0\" 1 \"$1\"' _ {{X}}", alone),
    "function": Place('g() { show {{X}} "$1"; }; g {{X}}', lambda v: [v, v]),
    "subshell": Place("(show {{X}})", alone),
    "group": Place("{ show {{X}}; } 2>&1", alone),
    "pipeline": Place("printf '%s\\0' 1 {{X}} | cat", alone),
    "condition": Place("if ! true; then :; elif show {{X}}; then :; else show bad; fi", alone),
    "loop": Place("while show {{X}}; do break; done", alone),
    "comment": Place("show ok # it's {{X}} \"", lambda v: ["ok"]),
    "after a comment": Place("# don't `$( {{X}}\nshow {{X}}", alone),
    "continued line": Place("show \\\n  {{X}} \\\n  b", lambda v: [v, "b"]),
    "after quotes in an expansion": Place('y=a; show "${y%"$y"}{{X}}"', alone),
    "after bare quotes in an expansion": Place("y=a; show ${y:-'}'}{{X}}", lambda v: [f"a{v}"]),
    "after arithmetic": Place("show $((1 + (2 * 3))){{X}}", lambda v: [f"7{v}"]),
    "after backticks": Place("show `printf 'a'`{{X}}", lambda v: [f"a{v}"]),
    "after special parameters": Place('show "$#$?{{X}}"', lambda v: [f"00{v}"]),
    "beside literal braces": Place("show {{ '{{' }}{{X}}{{ '}}' }}", lambda v: ["{{" + v + "}}"]),
}  # fmt: skip


def snippets(names: list[str], values: list[str]) -> tuple[str, dict[str, str]]:
    """Return one script of many snippets, each with an expression of its own, and the scope."""
    lines = ['show() { printf "%s\\0" "$#"; for shown in "$@"; do printf "%s\\0" "$shown"; done; }']
    lines.append("set --")
    for index, name in enumerate(names):
        lines.append(PLACES[name].snippet.replace("{{X}}", f"{{{{ inputs.v{index} }}}}"))
        lines.append("set --")
    return "\n".join(lines) + "\n", {f"v{index}": value for index, value in enumerate(values)}


def run_script(text: str, scope: dict[str, object], shell: str, folder: Path, locale: str = "C.UTF-8") -> bytes:
    script = compile_script(text, shell)  # pyright: ignore[reportArgumentType]
    variables = bind(script, scope)  # pyright: ignore[reportArgumentType]
    file = folder.parent / f"{folder.name}.script"
    file.write_text(script.text, encoding="utf-8")
    done = subprocess.run(
        [*SHELLS[shell], str(file)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": locale, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stderr, script.text)
    return done.stdout


def seen_words(output: bytes) -> list[list[str]]:
    """Return the words of each call of `show`."""
    pieces = iter(output.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return [[next(pieces) for _ in range(int(count))] for count in pieces]


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_sees_the_value_when_a_place_is_accepted(shell: str, tmp_path: Path) -> None:
    names = [name for name, place in PLACES.items() if shell in place.shells]
    for name in names:
        text, inputs = snippets([name] * len(HOSTILE), HOSTILE)
        output = run_script(text, {"inputs": inputs}, shell, tmp_path)
        for value, words in zip(HOSTILE, seen_words(output), strict=True):
            assert words == PLACES[name].words(value), (name, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
@settings(
    max_examples=1500 if LONG else 12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(choices=st.lists(st.tuples(st.sampled_from(sorted(PLACES)), hostile_text), min_size=20, max_size=40))
def test_shell_sees_the_value_when_it_is_anything(shell: str, tmp_path: Path, choices: list[tuple[str, str]]) -> None:
    places = {name for name, place in PLACES.items() if shell in place.shells and place.goes_with_arrays}
    cases = [(name, value) for name, value in choices if name in places]
    text, inputs = snippets([name for name, _ in cases], [value for _, value in cases])
    locale = "C" if len(cases) % 2 else "C.UTF-8"
    output = run_script(text, {"inputs": inputs}, shell, tmp_path, locale)
    for (name, value), words in zip(cases, seen_words(output), strict=True):
        assert words == PLACES[name].words(value), (name, value)
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


Edit = tuple[int, int, str]
"""At which position how many characters go, and what comes in their stead."""

edits = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(FRAGMENTS)), min_size=1, max_size=4)


def edited(text: str, changes: list[Edit]) -> str:
    for position, length, fragment in changes:
        at = position % (len(text) + 1)
        text = text[:at] + fragment + text[at + length :]
    return text


@settings(
    max_examples=60_000 if LONG else 600,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(name=st.sampled_from(sorted(PLACES)), changes=edits, attack=st.sampled_from(ATTACKS))
def test_nothing_of_the_value_runs_when_an_odd_script_is_accepted(
    tmp_path: Path, name: str, changes: list[Edit], attack: str
) -> None:
    text = edited("show() { :; }\n" + PLACES[name].snippet.replace("{{X}}", "{{ inputs.v }}") + "\n", changes)
    for shell, argv in SHELLS.items():
        if "{{ inputs.v }}" not in text or check_script(text, shell):  # pyright: ignore[reportArgumentType]
            continue
        script = compile_script(text, shell)  # pyright: ignore[reportArgumentType]
        variables = dict.fromkeys(script.bindings, attack)
        with contextlib.suppress(subprocess.TimeoutExpired):  # an edit may have made an endless loop
            subprocess.run(
                [argv[0], "-c", script.text],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=1,
                check=False,
            )
        assert not (tmp_path / "CANARY").exists(), (shell, text, script.text)


# --- refusals ---------------------------------------------------------------------------------------

REFUSED = {
    # quoting that cannot be followed
    "echo `cat {{ X }}`": "backticks",
    'echo "`cat {{ X }}`"': "backticks",
    "echo \\{{ X }}": "backslash",
    'echo "\\{{ X }}"': "backslash",
    "echo ${{ X }}": "`$`",
    'echo $"{{ X }}"': "`$\"…\"`",
    "echo ${y:-{{ X }}}": "`${ }`",
    'echo "${y:-{{ X }}}"': "`${ }`",
    "echo $(( {{ X }} ))": "arithmetic",
    "echo ${y:-${{ X }}}": "`$`",
    "echo $(( $(echo {{ X }}) ))": "arithmetic",
    "((i = {{ X }}))": "arithmetic",
    "cat <<'EOF'\n{{ X }}\nEOF\n": "here-document",
    "cat <<EOF\n$(echo {{ X }})\nEOF\n": "expansion in a here-document",
    "cat <<EOF\n`echo {{ X }}`\nEOF\n": "backticks",
    "cat <<EOF\n\\{{ X }}\nEOF\n": "backslash",
    # places that the shell evaluates
    "{{ X }} --version": "name of a command",
    "y=1 {{ X }}": "name of a command",
    "$(echo {{ X }})": "name of a command",
    "exec {{ X }}": "name of a command",
    "sudo -u bob {{ X }}": "name of a command",
    "find . -exec {{ X }} \\;": "name of a command",
    "{sh,-c,{{ X }}}": "name of a command",
    "timeout {{ X }} make": "before the command",
    "env A={{ X }} make": "before the command",
    "for {{ X }} in a; do :; done": "name that the shell defines",
    "function {{ X }} { :; }": "name that the shell defines",
    "export {{ X }}": "name that the shell defines",
    "a[{{ X }}]=1": "`[ ]`",
    "a=([{{ X }}]=1)": "`[ ]`",
    "PATH={{ X }}:$PATH": "`PATH`",
    "RANDOM={{ X }}": "`RANDOM`",
    "declare -i n; n={{ X }}": "`-i`",
    "declare $options n; n={{ X }}": "`-i`",
    "command declare -n n; n={{ X }}": "`-n`",
    "declare -a n={{ X }}": "`-A`",
    "arr=(1); declare arr={{ X }}": "arrays",
    "f() { local -x arr+={{ X }}; arr[1]=2; }": "arrays",
    "read -ra arr; typeset arr={{ X }}": "arrays",
    "declare DIRSTACK={{ X }}": "`DIRSTACK`",
    "cmd >&{{ X }}": "descriptor",
    "cat <<{{ X }}\nEOF\n": "delimiter",
    "[ -v {{ X }} ]": "`-v`",
    "[[ -v {{ X }} ]]": "`-v`",
    "[[ {{ X }} -eq 1 ]]": "`-eq`",
    "[[ $(echo {{ X }}) -eq 1 ]]": "`-eq`",
    "test {{ X }} {{ X }}": "side by side",
    "printf {{ X }}": "format",
    "printf -v {{ X }} '%s' a": "format",
    "printf -- {{ X }}": "format",
    "set {{ X }}": "option of the shell",
    # commands that run their arguments
    "eval {{ X }}": "`eval`",
    'eval "$(echo {{ X }})"': "`eval`",
    "\\eval {{ X }}": "`eval`",
    "trap {{ X }} EXIT": "`trap`",
    "source {{ X }}": "`source`",
    "read {{ X }}": "`read`",
    "ssh host {{ X }}": "`ssh`",
    "make {{ X }}": "`make`",
    "bash -c {{ X }}": "`bash`",
    'bash -ec "echo {{ X }}"': "`bash`",
    "bash -c -e {{ X }}": "`bash`",
    "bash -c -- {{ X }}": "`bash`",
    "bash -c - {{ X }}": "`bash`",
    "bash {{ X }}": "`bash`",
    "bash <(echo {{ X }})": "`bash`",
    "busybox sh -c {{ X }}": "`sh`",
    "time bash -c {{ X }}": "`bash`",
    "sudo bash -c {{ X }}": "`bash`",
    "docker exec c sh -c 'echo {{ X }}'": "`sh`",
    "find . -exec sh -c {{ X }} \\;": "`sh`",
    "ls | xargs sh -c {{ X }}": "`sh`",
    "python3.12 -c 'print({{ X }})'": "`python3.12`",
    "python -m {{ X }}": "`python`",
    "perl -pe 1 -- {{ X }}": "`perl`",
    "perl -e 1 {{ X }}": "option that holds code",
    "sed 's/a/{{ X }}/' f": "`sed`",
    "sed s/a/b/ {{ X }}": "option that holds code",
    "node --eval={{ X }}": "`node`",
    "awk {{ X }} f": "`awk`",
    "git -c {{ X }} status": "`git`",
    "git bisect run {{ X }}": "`git`",
    '"$python" -c {{ X }}': "not known here",
    "python $options {{ X }}": "known to the shell only",
    # code read from elsewhere
    "bash <<EOF\necho {{ X }}\nEOF\n": "`bash`",
    "cat <<EOF | sudo bash -s\necho {{ X }}\nEOF\n": "`bash`",
    "for i in 1; do cat; done <<EOF | sh\n{{ X }}\nEOF\n": "`sh`",
    "bash < {{ X }}": "`bash`",
    "bash <<< {{ X }}": "`bash`",
    "echo {{ X }} | bash -o pipefail": "`bash`",
    "{ echo {{ X }}; } | sh": "`sh`",
    "echo {{ X }} | xargs sh -c 'eval $0'": "`sh`",
    "echo {{ X }} | ssh host": "`ssh`",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_value_is_refused_when_the_shell_would_evaluate_it(text: str) -> None:
    with pytest.raises(ShellValueError) as caught:
        compile_script(text.replace("{{ X }}", "{{ inputs.x }}"), "bash")
    error = caught.value
    assert error.code == "unsafe-shell-value"
    assert REFUSED[text] in error.message
    assert error.help
    assert text.replace("{{ X }}", "{{ inputs.x }}")[error.position : error.end] == "{{ inputs.x }}"
    assert str(error) == f"{error.message}; {error.help}"


UNREADABLE = [
    ("echo 'abc", "single quote"),
    ('echo "abc', "double quote"),
    ("echo $'abc", "`$'`"),
    ("echo `abc", "backtick"),
    ("echo $(abc", "`)`"),
    ("echo ${abc", "`${`"),
    ("echo ${ abc; }", "begins a command"),
    ("echo $((1 + 2", "arithmetic or a command"),
    ("echo $((a) | b)", "arithmetic or a command"),
    ("echo $[1 + 2]", "two meanings"),
    ("echo $\\\n(ls)", "two meanings"),
    ("echo \"${x:-'a'}\"", "different shells"),
    ("echo a(b)", "after a word"),
    ('echo "a"(b)', "inside a word"),
    ("echo @(a|b)", "extended pattern"),
    ("a=(b", "array is not closed"),
    ("if true", "`fi`"),
    ("while true; do :", "`done`"),
    ("done", "`done`"),
    (")", "closes nothing"),
    ("if true; )", "closes nothing"),
    ("coproc cat", "`coproc`"),
    ("{ ls; } x", "after the end of a compound command"),
    ("for 1x in a; do :; done", "loop's variable"),
    ("for x in a & b; do :; done", "list of a loop"),
    ("case", "`case` has no end"),
    ("case a b", "`in`"),
    ("case a in ;; esac", "pattern of `case`"),
    ("a[ x y ]=1", "between `[ ]`"),
    ("a=([ x y ]=1)", "between `[ ]`"),
    ("a=([{x y}]=1)", "between `[ ]`"),
    ("declare a[ x ]=1", "between `[ ]`"),
    ("[[ a == b", "`[[` is not closed"),
    ("[[ a # don't\n]]", "comment"),
    ("cat <<EOF\nabc\n", "no end"),
    ("cat <<EOF", "no end"),
    ("cat <<$x\n$x\n", "plain word"),
    ("cat <<EOF\n$(ls\n)\nEOF\n", "over a line end"),
    ("cat <<EOF 'a\nb'\nEOF\n", "line ends inside quotes"),
    ("echo $(cat <<EOF)\nEOF\n", "does not end inside"),
    ("echo >", "no target"),
    ("echo > #x", "no target"),
    ("echo <\\\nx", "different shells"),
    ("PERDURE_V1=x", "Perdure's own"),
    ("echo " + "$(" * 70, "too deep"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_script_with_a_value_is_refused_when_its_quoting_is_not_certain(text: str, reason: str) -> None:
    script = "echo {{ inputs.x }}\n" + text
    (error,) = check_script(script, "bash")
    assert error.code == "unsafe-shell-value"
    assert reason in error.message
    assert 0 <= (error.position or 0) < (error.end or 0) <= len(script)


ONLY_BASH = [
    "a=(1 2)",
    "cat <(ls)",
    "cat <<< a",
    "echo $'a'",
    "((i++))",
    "for ((i = 0; i < 3; i++)); do :; done",
]


@pytest.mark.parametrize("text", ONLY_BASH)
def test_script_is_refused_when_sh_may_read_it_otherwise(text: str) -> None:
    script = f"{text}\necho {{{{ inputs.x }}}}"
    assert check_script(script, "bash") == ()
    assert [error.code for error in check_script(script, "sh")] == ["unsafe-shell-value"]


@pytest.mark.parametrize("text", [text for text, _ in UNREADABLE])
def test_script_stays_as_it_is_when_it_holds_no_value(text: str) -> None:
    script = compile_script(text, "bash")
    assert (script.text, dict(script.bindings)) == (text, {})


ACCEPTED = [
    "git commit -m {{ X }} -- {{ X }} && git push || echo {{ X }} &",
    "python -m pytest -q --cov {{ X }}",
    "python3 -W error tool.py {{ X }}",
    "python - {{ X }} <<'EOF'\nimport sys\nEOF\n",
    "$python -m pytest {{ X }}",
    "bash -euo pipefail script.sh {{ X }}",
    "bash -c 'ls \"$1\"' _ {{ X }}",
    "perl -e 'print @ARGV' -- {{ X }}",
    "sed -n -e p -i -- {{ X }}",
    "awk '{ print }' {{ X }}",
    "sudo -u bob -- ls {{ X }}",
    "timeout -k 5 10 ls {{ X }}",
    "env -u A B=c nice -n 5 ls {{ X }}",
    "uv run pytest {{ X }}",
    "command -v {{ X }} > /dev/null 2>&1",
    "xargs -I{} cp {} {{ X }}",
    "find {{ X }} -name {{ X }} -exec grep {{ X }} {} +",
    "grep bash {{ X }}",
    "echo {{ X }} | tee -a {{ X }} | sed p",
    "sort {{ X }} | bash report.sh",
    "ls {fd}> {{ X }} 2> {{ X }} &> {{ X }}",
    "exec 3< {{ X }}",
    "[ $(wc -l < {{ X }}) -eq 3 ]",
    "[[ {{ X }} =~ ^a(b|c)$ ]] || [[ -f {{ X }} && ! ( a < b ) ]]",
    "select a in {{ X }}; do break; done",
    "case {{ X }} in\n  (a | b) echo {{ X }} ;& # it's\n  *) if :; then echo {{ X }}; fi\nesac > {{ X }}",
    "f() (\n  cd {{ X }}\n)\nfunction g() { ls {{ X }}; }",
    "x=$(cat {{ X }}) y=$((1 + $z)) `ls` {{ '' }}",
    "printf '%s' {{ X }}; printf -v y -- '%s' {{ X }}",
    "set -e -- {{ X }}",
    "export A B={{ X }}; readonly -p; declare -x C={{ X }}",
    "a=(1); declare b; b={{ X }}; export a={{ X }}; declare c=(1 {{ X }})",
    "a=(one # it's\n  {{ X }})",
    "a[$i]=1; a[i+1]=2; a=([0]=x [$i]=y {{ X }}); ls [0-9]* f[[:alpha:]]*.c [!a] {{ X }}",
    "kill -TERM {{ X }}; cd {{ X }}; exit {{ X }}",
    "read -r y <<< {{ X }}",
    "! time ls {{ X }}",
    "until ls {{ X }}; do sleep 1; done < {{ X }}",
    'y=1; echo "${y}${y:-a}${y%"${y}"}${y//\\}/$y}" ${y#\'}\'} {{ X }}',
    'curl -d @- <<EOF\n{"a": "{{ X }}", \'b\': \\$c $d ${e} $(f) `g`}\nEOF\n',
    "cat <<A <<-'B'\n{{ X }} \\\nA\nA\n\tno value, $(\n\tB\nls {{ X }}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_script_is_accepted_when_every_value_is_an_argument(text: str) -> None:
    text = text.replace("{{ X }}", "{{ inputs.x }}")
    assert [str(error) for error in check_script(text, "bash")] == []
    assert "inputs.x" not in compile_script(text, "bash").text


@pytest.mark.parametrize(
    "text", ["echo ${{ '{{' }}", "echo ${x:-{{ '}}' }}}", "echo `{{ '{{' }}`", "echo \\{{ '{{' }}"]
)
def test_braces_are_refused_when_they_would_change_what_the_shell_reads(text: str) -> None:
    assert [error.code for error in check_script(text, "bash")] == ["unsafe-shell-value"]


def test_braces_are_kept_when_a_here_document_is_quoted() -> None:
    assert compile_script("cat <<'EOF'\n{{ '{{' }} x }}\nEOF\n").text == "cat <<'EOF'\n{{ x }}\nEOF\n"


def test_all_refusals_are_found_when_a_script_has_several() -> None:
    errors = check_script("eval {{ a.b }}\n{{ c.d }}\necho `{{ e.f }}`\necho 'x", "bash")
    assert [error.position for error in errors] == [5, 15, 31, 48]


def test_error_of_an_expression_is_reported_when_a_placeholder_is_not_valid() -> None:
    (error,) = check_script("echo {{ inputs.x }} {{ 1 + }}", "bash")
    assert (error.code, error.position) == ("expression-syntax", 25)


# --- variables --------------------------------------------------------------------------------------


def test_variables_are_numbered_and_shared_when_expressions_repeat() -> None:
    script = compile_script("a {{ inputs.x }} {{inputs.x}} {{ inputs.y }}", "bash")
    assert script.text == 'a "${PERDURE_V1}" "${PERDURE_V1}" "${PERDURE_V2}"'
    assert bind(script, {"inputs": {"x": "1", "y": {"a": [1, True]}}}) == {
        "PERDURE_V1": "1",
        "PERDURE_V2": '{"a":[1,true]}',
    }


def test_file_is_bound_as_its_path_when_it_is_a_reference() -> None:
    script = compile_script("cat {{ inputs.f }}", "bash")
    assert bind(script, {"inputs": {"f": {"$file": "a/b.xml", "digest": "d", "size": 1}}}) == {"PERDURE_V1": "a/b.xml"}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a\0b", "nul-in-shell-value"),
        (None, "null-in-text"),
        ("\ud800", "not-unicode"),
        ("é" * 65_530, "shell-value-too-big"),
    ],
)
def test_binding_fails_when_the_value_cannot_be_a_variable(value: object, code: str) -> None:
    script = compile_script("echo {{ inputs.x }}", "bash")
    with pytest.raises(ExpressionError) as caught:
        bind(script, {"inputs": {"x": value}})  # pyright: ignore[reportArgumentType]
    assert caught.value.code == code
    assert "`inputs.x`" in caught.value.message


def test_binding_fails_when_all_values_together_are_too_big() -> None:
    script = compile_script(" ".join(f"echo {{{{ inputs.x + '{index}' }}}}" for index in range(12)), "bash")
    with pytest.raises(ExpressionError, match="1 MiB together"):
        bind(script, {"inputs": {"x": "a" * 100_000}})


def test_biggest_value_arrives_when_it_is_just_within_the_limit(tmp_path: Path) -> None:
    size = 128 * 1024 - 64
    assert run_script("printf %s {{ inputs.x }} | wc -c", {"inputs": {"x": "a" * size}}, "bash", tmp_path).split() == [
        str(size).encode()
    ]


def test_binding_needs_a_reader_when_a_value_is_stored() -> None:
    script = compile_script("echo {{ inputs.x }}", "bash")
    with pytest.raises(StoredValueNeeded):
        bind(script, {"inputs": {"x": {"$value": "abc", "size": 9}}})
