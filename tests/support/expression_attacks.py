"""Texts that would hurt in a language with a way out, by what they are after.

`python tests/support/expression_attacks.py` judges them all under a limit of memory, which a test does in a process
of its own. What the fuzzer finds is added to `FOUND`.
"""

# ruff: noqa: RUF001 (look-alike characters are some of the attacks)

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

MEMORY = 512 * 1024 * 1024

_DUNDERS = ("__class__", "__mro__", "__bases__", "__subclasses__", "__globals__", "__builtins__", "__dict__",
            "__init__", "__self__", "__func__", "__code__", "__getattribute__", "__reduce__", "__import__",
            "gi_frame", "f_globals", "cr_frame", "tb_frame", "func_globals", "mro", "format", "format_map")  # fmt: skip
_HOLDERS = ("inputs", "''", "[]", "{}", "1", "1.5", "true", "null", "inputs.s", "inputs.l", "inputs.o", "inputs.f",
            "len", "default", "steps", "run", "env")  # fmt: skip

REACHING_OUT = (
    *[f"{holder}.{name}" for holder in _HOLDERS for name in _DUNDERS],
    *[f"{holder}['{name}']" for holder in _HOLDERS[:8] for name in _DUNDERS],
    *[f"{holder}.{name}()" for holder in _HOLDERS[:6] for name in _DUNDERS[:8]],
    *[f"{name}('os')" for name in ("__import__", "eval", "exec", "open", "compile", "getattr", "globals", "vars",
                                  "input", "breakpoint", "print", "type", "object", "super", "dir", "help")],
    "().__class__.__base__.__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd').read()",
    "[].__class__.__base__",
    "{}.__class__.__init__.__globals__",
    "(lambda: 0).__code__",
    "(x for x in ()).gi_frame.f_back.f_globals",
    "[c for c in ''.__class__.__mro__]",
    "{c for c in inputs}",
    "{c: 1 for c in inputs}",
    "(a := __import__('os'))",
    "len.__call__.__self__",
    "inputs.keys.__self__",
    "default.__wrapped__",
    "first([len])",
    "default(len, 1)",
    "inputs[len]",
    "inputs['__class__' + '']['__mro__']",
    "steps['a']['__class__']",
    "await x",
    "(yield)",
    "(yield from x)",
    "import os",
    "print >> x",
    "exec 'x'",
    "a.b = 1",
    "del a",
    "assert x",
    "global x",
    "x: int",
    "lambda *a, **k: (a, k)",
    "f(*inputs.l)",
    "len(**inputs.o)",
    "len(value=1)",
    "print(1, file=x)",
    "match x: case _: 1",
    "x if y",
    "...",
    "x[...]",
    "x[1:2]",
    "x[::]",
    "x[1, 2]",
    "x @ y",
    "`x`",
    "$x",
    "${x}",
    "%x",
    "x?.y",
    "x!",
    "x!r",
    "x -> y",
    "x; y",
    "x\ny",
    "x # y",
    "x \\\n y",
)  # fmt: skip

FORMATS = (
    "'{0.__class__}'.format(1)",
    "'{x.__class__}' % inputs",
    "'%s' % inputs.s",
    "'%999999999d' % 1",
    "'{:>999999999}'.format(1)",
    "f'{inputs}'",
    "f'{__import__}'",
    "F\"{x!r}\"",
    "rf'{x}'",
    "fr'{x}'",
    "b'x'",
    "u'x'",
    "Rb'x'",
    "t'{x}'",
    "str(inputs).format(inputs)",
    "'{{' + '}}'",
    "'{0}{1}' + inputs.s",
    "replace('{x}', 'x', '{__class__}')",
    "join(['{', '}'], '__class__')",
)  # fmt: skip

GROWTH = (
    "9 ** 9 ** 9",
    "2 ** 10000000",
    "10 << 100000000",
    "1e308 * 10",
    "1e999",
    "-1e999",
    "9223372036854775807 + 1",
    "-9223372036854775807 - 2",
    "9223372036854775807 * 9223372036854775807",
    "1" * 4000,
    "0x" + "f" * 4000,
    "1e" + "9" * 4000,
    "." + "1" * 4000,
    "1_" * 2000 + "1",
    "0.1 // 1e-320",
    "1e308 // 1e-308",
    "1 % 1e-320",
    "-7 // 0",
    "7 % 0.0",
    "'a' * 1000000000",
    "[0] * 1000000000",
    "1000000000 * 'a'",
    "range(1000000000)",
    "range(-9223372036854775807, 9223372036854775807)",
    "range(0, 10, 0)",
    "len(range(10000)) * len(range(10000))",
    " + ".join(["x"] * 60),
    " + ".join(["many"] * 60),
    "[" + ",".join(["many"] * 600) + "]",
    "join(many, x)",
    "join(split(x, 'y'), x)",
    "replace(x, 'y', x)",
    "replace(replace(x, 'y', 'yyyyyyyyyy'), 'y', 'yyyyyyyyyy')",
    "replace(x, '', x)",
    "split(x, '')",
    "json(json(json(json(json(json(x))))))",
    "json('" + "\\\\" * 1900 + "')",
    "from_json('" + "[" * 3000 + "')",
    "from_json('" + "[" * 1900 + "]" * 1900 + "')",
    'from_json(\'{"a":\' + json(x) + \'}\')',
    "from_json('1e400')",
    "from_json('NaN')",
    "from_json('Infinity')",
    "from_json('" + "9" * 4000 + "')",
    "int('" + "9" * 4000 + "')",
    "float('" + "9" * 4000 + "')",
    "float('nan')",
    "float('inf')",
    "float('1e400')",
    "int('0x10')",
    "int('１２')",
    "round(1.5, 99999999)",
    "round(1e308, -400)",
    "abs(-9223372036854775807 - 1)",
    "sum(many) * sum(many) * sum(many) * sum(many)",
    "sort(many + many + many)",
    "unique(many + many + many)",
    " and ".join(["many == many"] * 300),
    "many in [many, many, many, many]",
    "hash(" + ", ".join(["x"] * 1000) + ")",
    "min(" + ", ".join(["many"] * 500) + ")",
    "default(" * 300 + "1" + ", 2)" * 300,
    "first(" * 300 + "many" + ")" * 300,
    "(" * 1000 + "1" + ")" * 1000,
    "[" * 1000 + "]" * 1000,
    "{'a':" * 500 + "1" + "}" * 500,
    "not " * 1000 + "true",
    "-" * 4000 + "1",
    "+ " * 2000 + "1",
    "1" + "+1" * 2000,
    "1" + " if true else 1" * 250,
    "a" + ".b" * 2000,
    "a" + "[0]" * 1300,
    "1 < " * 1000 + "2",
    "true and " * 400 + "true",
    "'a' " * 1000,
    "'" + "\\u0041" * 600 + "'",
    "'" + "\\" * 4001 + "'",
    "a" * 4096,
    "a" * 4097,
    " " * 4096,
    "\n" * 4000 + "1",
)  # fmt: skip

PATTERNS = tuple(
    f'matches("{"a" * 900}!", "{pattern}")'
    for pattern in (
        "(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*)*$", "(.*a){20}", "((a*)*)*b", "(a?){200}a{200}", "a{200}{200}",
        "((((a{9}){9}){9}){9}){9}", "(a{1,200}){1,200}", "[" + "a-" * 100 + "]", "(" * 100 + "a" + ")" * 100,
        "a" * 501, "(?=a)", "(?<=a)", "(?P<x>a)(?P=x)", "(?i)a", "\\\\1", "[z-a]", "a**", "*a", "a{2,1}", "a{999999}",
        "[", "(", ")", "\\\\", "[[:alpha:]]", "(?#x)", "(?>a+)", "a++", "\\\\p{L}", "x*" * 200, "(x*)*" * 80, "^" * 400,
        "$" * 400, "(^|$)*" * 60, "|" * 400, "()" * 200, "()*" * 150, "(()*)*",
    )
)  # fmt: skip

LOOKALIKES = (
    "ınputs.n",
    "inputs.ｎ",
    "ｉｎｐｕｔｓ.n",
    "inputs。n",
    "inputs․n",
    "tr\u00adue",
    "𝐢𝐧𝐩𝐮𝐭𝐬.n",
    "𝒍𝒆𝒏([1])",
    "ﬁrst([1])",
    "inputs.s == ‘a’",
    "inputs.s == “a”",
    "1 ＋ 1",
    "１ + １",
    "² + 1",
    "½",
    "٣ + 1",
    "inputs\u202e.n",
    "inputs\u200b.n",
    "inputs\ufeff.n",
    "\ufeffinputs.n",
    "inputs\u2028.n",
    "inputs\x85.n",
    "inputs\xa0.n",
    "inputs\x0b.n",
    "inputs\x0c.n",
    "inputs\x00.n",
    "inputs\x1b[31m.n",
    "'\u202e' == 'a'",
    "'\x00'",
    "'\\x00'",
    "'\\ud800'",
    "'\\ud83d\\ude00'",
    "'\\U00110000'",
    "'\\U0010ffff'",
    "'\\N{BULLET}'",
    "'\\8'",
    "\ud800",
    "'\ud800'",
    "é.__class__",
    "ａ.ｂ",
    "__ｉmport__('os')",
    "ª",
    "inputs.größe",
    "ſtr(1)",
    "Ｎone",
    "lower('İ') == 'i'",
    "upper('ß')",
    "slug('İ ß ﬁ ½ ²')",
    "len('👩‍👩‍👧')",
)

BRACES = (
    "{{", "}}", "{{ }}", "{{ {{ }} }}", "{{ '}}' }}", "{{ '{{' }}", "{{ { }}", "{{ {'a': {}} }}", "{{ } }}",
    "{{ 'a }}", "{{ \"a' }}", "{{{ 1 }}}", "{{{{ 1 }}}}", "{{ 1 }} {{", "{{ 1 }} }}", "{% x %}", "{{ 1 }}" * 500,
    "{{" * 2000, "}}" * 2000, "{{ " + "(" * 4000, "a {{ inputs.f }} b", "a {{ null }} b", "{{ x }}" * 200,
    "{{ inputs.o }}", "{{ steps.a.outputs.big }}", "{{ steps.a.outputs.big.deep[0] }}", "#{x}", "<%= x %>", "$(x)",
    "{{ 1 \n }}", "{{ # }}", "{{ '\\'}}' }}", "'{{ 1 }}' == '1'",
)  # fmt: skip

INNARDS = (
    "inputs.f['$file']", "{'$file': 'x'}", "{'$value': 'ab'}", "{'$value': 'ab'}.deep", "{'$file': 1}.path",
    "{'$file': []} == inputs.f", "{'$value': {'$value': 'ab'}}", "json({'$file': 1})", "str({'$file': null})",
    "hash({'$file': '../../etc/passwd'})", "hash({'$file': '../../etc/passwd', 'digest': 'x'})",
    "read_text({'$file': '/etc/passwd'})", "read_text('/etc/passwd')", "read_json('../x')", "file_exists('~')",
    "from_json('{\"$value\": \"ab\"}').deep", "from_json('{\"$file\": 1}').path + 1", "len({'$value': 1})",
    "{'$value': 'ab'} == {'$value': 'ab'}", "{inputs.s: 1, 'text': 2}", "default({'$value': 'ab'}, 1)",
    "{'a': 1, 'a': 2}", "{'$file': 'a'}.file('a')", "{'files': {'$file': 'a'}}.file('a')",
    "{'files': {'a': 1}}.file({'$file': 1})", "{'files': {'a': 1}}.file({'$file': [1]})", "slug({'$file': 'a'})",
    "join([{'$file': 1}])", "contains({'$file': 'a'}, 'a')", "keys({'$file': 'a'})", "values({'$value': 'a'})",
)  # fmt: skip

FOUND: tuple[str, ...] = ()
"""What the fuzzer found, and what is mended."""

ATTACKS: dict[str, tuple[str, ...]] = {
    "reaching out": REACHING_OUT,
    "format strings": FORMATS,
    "growth": GROWTH,
    "patterns": PATTERNS,
    "look-alikes": LOOKALIKES,
    "braces": BRACES,
    "innards": INNARDS,
    "found": FOUND,
}


def main() -> None:
    """Judge all of them with little memory."""
    from tests.support.expression_judge import judge

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    judged = [judge(text) for texts in ATTACKS.values() for text in texts]
    print(len(judged))  # noqa: T201 (the parent reads it)


if __name__ == "__main__":
    main()
