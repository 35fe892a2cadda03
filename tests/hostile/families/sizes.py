"""Texts at the edge of a megabyte, and small ones that would grow: what they cost is bounded."""

from collections.abc import Iterator

from tests.hostile.families.case import HEAD, SOUND, Case, refused, script, sound, step

MEGABYTE = 1 << 20
ROOM = MEGABYTE - 200
X = " {{ inputs.x }}"


def cases() -> Iterator[tuple[str, Case]]:
    """Yield the cases of this family."""
    yield "ten megabytes", refused("x" * (10 * MEGABYTE), "text-too-large")
    yield "ten megabytes of bytes", refused(b"\xff" * (10 * MEGABYTE), "text-too-large")
    yield "one byte too many", refused(SOUND + "#" * (MEGABYTE + 1 - len(SOUND)), "text-too-large")
    yield "one megabyte exactly", sound(SOUND + "#" * (MEGABYTE - len(SOUND)))
    yield from _documents()
    yield from _definitions()
    yield from _texts()
    yield from _scripts()
    yield from _nested_scripts()


def _documents() -> Iterator[tuple[str, Case]]:
    for name, text in {
        "tag directives": "".join(f"%TAG !{number:x}! b\n" for number in range(60_000)) + "---\na: 1\n",
        "tag directives of a second document": f"{SOUND}...\n" + "".join(f"%TAG !{n:x}! b\n" for n in range(60_000)) + "---\na: 1\n",
        "directives": "%a b\n" * 150_000, "lines": "\n" * ROOM, "comments": "#\n" * (ROOM // 2), "question marks": "? " * 400_000,
        "dashes": "- " * 400_000, "colons": ": " * 400_000, "exclamation marks": "! " * 400_000, "anchors": "&a " * 300_000,
        "single quotes": "'" * ROOM, "double quotes": '"' * ROOM, "backslashes": '{"' + "\\" * ROOM, "long key": "a" * ROOM + ": 1",
        "long line": "a: " + "b" * ROOM, "folded lines": "a: " + "b\n " * 300_000, "block of blanks": "a: |\n" + "\n" * ROOM,
        "commas": "[" + "," * ROOM, "items": "[" + "a," * (ROOM // 2) + "]", "mappings": "[" + "{}," * (ROOM // 3) + "]",
        "digits": "a: " + "1" * ROOM, "fraction": "a: 0." + "1" * ROOM, "exponent": "a: 1e" + "9" * ROOM, "long tag": "a: !" + "x" * ROOM,
        "pairs": '{"a": "' + "\\ud83d\\ude00" * 80_000 + '"}', "long tags": "".join(f"a{n}: !{'x' * 9000} 1\n" for n in range(100)),
        "twins": "a: 1\n" * 200_000, "keys": "".join(f"k{number}: 1\n" for number in range(90_000)), "braces": "[{" * 400_000,
        "surrogate escapes": '{"a": "' + "\\ud83d" * 170_000 + '"}', "emoji": SOUND + "# " + "👩‍👩‍👧‍👦" * 40_000,
    }.items():  # fmt: skip
        yield f"big: {name}", Case(text, frozenset() if name == "emoji" else frozenset({"*"}))


def _definitions() -> Iterator[tuple[str, Case]]:
    def steps(count: int, text: str) -> str:
        return (
            f"{HEAD}steps: [{', '.join(text.replace('NEXT', str(n + 1)).replace('I', str(n)) for n in range(count))}]\n"
        )

    yield "100,000 steps", refused(steps(30_000, "{id: sI}"), "too-many-nodes")
    yield "10,000 twins", refused(steps(6000, "{id: a, type: wait, duration: 1s}"), "duplicate-step-id")
    yield "chain of needs", refused(steps(2000, "{id: sI, type: set, needs: [sNEXT], values: {a: 1}}"), "*")
    yield "unknown types", refused(steps(4000, "{id: sI, type: sett}"), "unknown-step-type")
    yield "numbers as steps", refused(f"{HEAD}steps: [{'1,' * 5000}]\n", "wrong-type")
    twice = f"{{id: b, type: set, values: {{a: 1}}, needs: [{'a,' * 20_000}]}}"
    yield (
        "needs the same",
        refused(f"{HEAD}steps: [{{id: a, type: set, values: {{a: 1}}}}, {twice}]\n", "duplicate-item"),
    )
    names = ",".join(f"{'a' * 50}{number:05d}: {{}}" for number in range(600))
    uses = ",".join(
        f"{{id: s{number}, type: set, values: {{a: '{{{{ inputs.{'a' * 54}b }}}}'}}}}" for number in range(60)
    )
    yield "names that are close", refused(f"{HEAD}inputs: {{{names}}}\nsteps: [{uses}]\n", "unknown-input")
    yield "patterns", sound(f"{SOUND}inputs: {{{','.join(f'a{n}: {{pattern: b{n}(c|d)+}}' for n in range(2000))}}}\n")
    yield (
        "pattern of patterns",
        refused(f"{SOUND}inputs: {{a: {{pattern: '(((a{{100}}){{100}}){{100}}){{100}}'}}}}\n", "*"),
    )
    yield "pattern that backtracks", sound(f"{SOUND}inputs: {{a: {{pattern: '(a+)+b', default: {'a' * 5000}b}}}}\n")
    yield (
        "long enum",
        refused(
            f"{SOUND}inputs: {{a: {{enum: [{','.join(f'x{n}' for n in range(20_000))}], default: zz}}}}\n",
            "invalid-value",
        ),
    )
    yield "long name", Case(f"name: {'x' * 900_000}\nsteps: [{{id: a, type: wait, duration: 1s}}]\n")
    yield "long duration", refused(SOUND.replace("1s", "1" * 100_000 + "s"), "*")
    yield "duration of ages", refused(SOUND.replace("1s", "999999999999999w"), "*")


def _texts() -> Iterator[tuple[str, Case]]:
    for name, text in {
        "sum": "1 + " * 200_000 + "1", "string": "'" + "x" * 900_000 + "'", "list": "[" + "1," * 300_000 + "]", "power": "9**9**9**9**9",
        "shift": "1 << 99999999", "product of texts": "'a' * 999999999", "digits": "1" * 5000, "exponent": "1e99999", "format": "'%999999999d' % 1",
        "attribute": "().__class__.__bases__", "call": "__import__('os')", "lambda": "(lambda: 1)()", "comprehension": "[x for x in y]",
        "f-string": "f'{inputs}'", "walrus": "(a := 1)", "await": "await a", "star": "[*a]", "ellipsis": "...", "bytes": "b'a'", "complex": "1j",
        "unicode name": "ｉｎｐｕｔｓ.x", "nul": "\\0", "newline": "1 \\n + 1", "matches": "matches('a' * 9999, '(a+)+$')", "slice": "inputs.x[::0]",
    }.items():  # fmt: skip
        value = text.replace('"', '\\"')
        yield f"expression: {name}", Case(step(f'type: set, values: {{a: "{{{{ {value} }}}}"}}'), frozenset({"?"}))
        yield f"condition: {name}", Case(step(f'type: assert, condition: "{value}"'), frozenset({"*"}))
    yield "many placeholders", Case(step(f'type: set, values: {{a: "{"{{ 1 }}" * 20_000}"}}'))
    yield "open placeholders", refused(step(f'type: set, values: {{a: "{"{{ " * 100_000}"}}'), "template-syntax")
    yield (
        "placeholders with quotes",
        refused(step('type: set, values: {a: "' + "{{ '" * 50_000 + '"}'), "template-syntax"),
    )


def _scripts() -> Iterator[tuple[str, Case]]:
    for name, text in {
        "word": "x" * 120_000, "quoted word": "'" + "x" * 120_000 + "'", "escapes": '"' + "\\$" * 60_000 + '"', "words": "a " * 60_000,
        "pipes": ":|" * 20_000 + ":", "semicolons": "a;" * 20_000, "documents": "cat" + " <<E" * 1000 + "\n" + "x\nE\n" * 1000,
        "arithmetic": "$((" + "1+" * 50_000 + "1))", "array": "a=(" + "x " * 50_000 + ")", "backticks": "`" * 100_000, "comments": "# b\n" * 20_000,
        "branches": "case a in " + "b) ;; " * 15_000 + "esac;", "too long": "x" * 900_000, "starters": "find -exec " * 5000,
    }.items():  # fmt: skip
        yield f"script: {name}", Case(script(f"{text}{X}"), frozenset({"?"}))
    values = "\\n{{ inputs.x }}" * 8000
    yield (
        "script: refused values",
        refused(
            f'{HEAD}inputs: {{x: {{}}}}\nsteps: [{{id: a, type: shell, command: "{values}"}}]\n', "unsafe-shell-value"
        ),
    )
    late = "echo abcdefg\n" * 8000 + "echo {{ inputs.y }}\n" * 60
    yield "script: late findings", refused(script(late), "unknown-input")


def _nested_scripts() -> Iterator[tuple[str, Case]]:
    for count in (20, 400):
        for opening in (
            "find . -exec ", "env ", "xargs ", "sudo timeout 5 ", "git -c bash -c ", "docker run bash -c ", "if ", "f() { ", "case a in a) ",
            "for i in a; do ", "( ", '"$(', "$(( ", "${a:-", "x=( ", "[[ ( ", "! ", "time ", "{ ", "while ", "eval ", "`", "<( ", "exec ", "nice ",
        ):  # fmt: skip
            yield f"script: {count} {opening.strip()}", Case(script(f"{opening * count}{X}"), frozenset({"?"}))
