"""Places of a script that take a value, hostile values, and real shells that say which words they saw.

One script holds many cases, so a process serves hundreds of them: each snippet calls `show` with words.
"""

import functools
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st

from definitions.shell_values import FOLDER_VARIABLE, Interpreter, bind, bound_text, by_file, compile_script
from tests.support.busybox import busybox

LONG = os.environ.get("PERDURE_LONG_TESTS") == "1"
"""`PERDURE_LONG_TESTS=1` runs each property ten to twenty times as long."""

SHELLS: dict[str, Interpreter] = {"bash": "bash", "dash": "sh", "busybox": "sh"}
"""Real shells, and which grammar of ours reads their scripts."""


@functools.cache
def command_of(shell: str) -> tuple[str, ...]:
    """Return how a shell is started; raises `RuntimeError` with the remedy where it is not there."""
    if shell == "busybox":
        return (busybox(), "sh", "-e")
    found = shutil.which(shell)
    if found is None:
        raise RuntimeError(f"there is no `{shell}`; install it, or leave these tests out: -k 'not {shell}'")
    return (found, "-e")


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
    shells: tuple[Interpreter, ...] = ("bash", "sh")
    goes_with_arrays: bool = True


def alone(value: str) -> list[str]:
    """Return the words of a place that gives the value as it is."""
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
    "several assignments": Place('y={{X}} z=$y; show "$y" "$z"', lambda v: [v, v]),
    "formatted into a variable": Place('printf -v y %s {{X}}; show "$y"', alone, ("bash",)),
    "item of an array": Place('a=(1 2); a[1]=x; b={{X}}; a[0]="$b"; show "${a[@]}"', lambda v: [v, "x"], ("bash",)),
    "slices of an array": Place('a=({{X}} b {{X}}); show "${a[@]:1}" "${#a[@]}"', lambda v: ["b", v, "3"], ("bash",)),
    "keyword function": Place('function h { show "$1" {{X}}; }; h {{X}}', lambda v: [v, v], ("bash",)),
    "all of a function's arguments": Place('k() { show "$@"; }; k a {{X}} "{{X}}"', lambda v: ["a", v, v]),
    "function with a here-document": Place(
        'm() { cat <<EOF\n{{X}}|\nEOF\n}\nshow "$(m)"', lambda v: [f"{v}|"]
    ),
    "here-document in a loop": Place(
        'show "$(for i in 1 2; do cat <<-EOF\n\t$i {{X}}|\n\tEOF\ndone)"', lambda v: [f"1 {v}|\n2 {v}|"]
    ),
    "here-document in a case": Place(
        'case a in a) y=$(cat <<EOF\n{{X}}|\nEOF\n);; esac; show "$y"', lambda v: [f"{v}|"]
    ),
    "here-document beside quotes": Place(
        'y=$(cat <<EOF\n\\$x \\\\ "it\'s" {{X}}|\nEOF\n); show "$y"', lambda v: [f"$x \\ \"it's\" {v}|"]
    ),
    "case in a case": Place(
        'case {{X}} in x) ;; *) case "a{{X}}" in a*) show {{X}};; esac;; esac', alone
    ),
    "pattern with a value and a star": Place(
        "case x{{X}}y in x{{X}}*) show same;; *) show other;; esac", lambda v: ["same"]
    ),
    "and of tests": Place('[ {{X}} = {{X}} ] && [ x{{X}} != y ] && show yes', lambda v: ["yes"]),
    "double brackets with a pattern": Place(
        '[[ x{{X}}y == x"{{X}}"* ]] && show yes || show no', lambda v: ["yes"], ("bash",)
    ),
    "double brackets, ordered": Place('[[ ! a{{X}} < a{{X}} ]] && show yes', lambda v: ["yes"], ("bash",)),
    "arguments of xargs": Place("printf '%s\\0' a{{X}} | xargs -0 -n1 printf '%s\\0' 1", lambda v: [f"a{v}"]),
    "in the background": Place("show {{X}} & wait", alone),
    "chain": Place("false || show {{X}} && :", alone),
    "until": Place("until show {{X}}; do :; done", alone),
    "loop over lines": Place('while :; do show "a"{{X}}; break; done < /dev/null', lambda v: [f"a{v}"]),
    "input of a loop": Place(
        'y=; while IFS= read -r line; do y="$y$line|"; done <<EOF\n{{X}}\nEOF\nshow "$y"',
        lambda v: ["".join(f"{line}|" for line in v.split("\n"))],
    ),
    "evaluated name": Place('y={{X}}; eval \'show "$y"\'', alone),
    "length": Place('y=a; y="$y{{X}}"; [ ${#y} -ge 1 ] && show "$y"', lambda v: [f"a{v}"]),
    "prefix taken off": Place('y=ab{{X}}; show "${y#ab}"', alone),
    "suffix taken off": Place('y={{X}}ab; show "${y%ab}"', alone),
    "file's name": Place('y={{X}}; printf x > "f"; show "$(cat f)$y"; rm f', lambda v: [f"x{v}"]),
    "after a comment in a list": Place(
        'for i in a {{X}} # it\'s\ndo show "$i"; break; done', lambda v: ["a"]
    ),
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


def odd_scripts(snippets: Sequence[str], fragments: Sequence[str], number: int) -> Iterator[str]:
    """Yield scripts made of these snippets by a few edits, the same ones each time.

    Drawn evenly, which hypothesis does not: nearly all of its edits would be at a script's beginning.
    """
    for seed in range(number):
        chance = random.Random(seed)
        text = chance.choice(snippets).replace("{{X}}", "{{ inputs.v }}")
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(fragments) + text[at + chance.choice((0, 0, 0, 1, 2)) :]
        if "{{ inputs.v }}" in text:
            yield text


def run_script(text: str, scope: Mapping[str, object], shell: str, folder: Path, locale: str = "C.UTF-8") -> bytes:
    """Run a script with its values as the executor does; return what it printed."""
    script = compile_script(text, SHELLS[shell])
    bound = bind(script, scope)  # pyright: ignore[reportArgumentType]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": locale, **laid_out(bound, folder)}
    return run_text(bound_text(script, bound), command_of(shell), environment, folder)


def laid_out(bound: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return bound values as variables, the long ones in files beside `folder`."""
    long = by_file(bound)
    values = folder.parent / f"{folder.name}.values"
    values.mkdir(exist_ok=True)
    for name, value in long.items():
        (values / name).write_bytes(value.encode())
    return {FOLDER_VARIABLE: str(values), **{name: value for name, value in bound.items() if name not in long}}


def run_text(
    text: str, command: tuple[str, ...], environment: Mapping[str, str], folder: Path, suffix: str = ".script"
) -> bytes:
    """Run the text of a script in `folder`; return what it printed."""
    file = folder.parent / f"{folder.name}{suffix}"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*command, str(file)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stderr[-2000:], text[:2000])
    return done.stdout


def seen_words(output: bytes) -> list[list[str]]:
    """Return the words of each call of `show`."""
    pieces = iter(output.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return [[next(pieces) for _ in range(int(count))] for count in pieces]
