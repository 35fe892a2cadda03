"""YAML that is no YAML, YAML that hides what it says, and JSON as programs write it."""

import json
from collections.abc import Iterator

from tests.hostile.families.case import HEAD, SOUND, STEPS, Case, refused, sound

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
ANCHORS = {
    "anchor": "metadata: &x 1\n", "anchor on a list": "metadata: &x [1]\n", "anchor on a mapping": "metadata: &x {a: 1}\n",
    "anchor on a key": "&x metadata: {}\n", "alias": "metadata: *x\n", "known alias": "env: {A: &x b, B: *x}\n",
    "alias as a key": "env: &x a\n*x : 1\n", "anchor twice": "env: {A: &x b, B: &x c}\n", "alias to itself": "metadata: &x [*x]\n",
    "alias through a mapping": "metadata: &x {a: *x}\n", "billion laughs": LAUGHS,
    "quadratic laughs": "metadata:\n  a: &a " + "x" * 50_000 + "\n  b: [" + "*a," * 20_000 + "]\n",
    "laughs by merge keys": "".join(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 60)),
    "merge key": "metadata:\n  <<: {a: 1}\n", "merge key with a list": "metadata:\n  <<: [{a: 1}, {b: 2}]\n",
    "merge key in flow": "metadata: {<<: {a: 1}}\n", "merge key twice": "metadata:\n  <<: {a: 1}\n  <<: {b: 1}\n",
    "long anchor": "metadata: &" + "x" * 100_000 + " 1\n", "anchor with brackets": "metadata: &a[ 1\n",
    "many anchors": "".join(f"m{i}: &a{i} 1\n" for i in range(5000)), "anchor of nothing": "metadata: &x\n",
}  # fmt: skip
TAGS = {
    "python object": "!!python/object/apply:os.system [ls]", "python name": "!!python/name:os.system x",
    "python module": "!!python/module:os x", "python tuple": "!!python/tuple [1]", "ruby": "!ruby/object:Gem {}",
    "java": "!!javax.script.ScriptEngineManager [x]", "set": "!!set {a}", "ordered": "!!omap [a: 1]", "binary": "!!binary aGk=",
    "time": "!!timestamp 2026-01-01", "text": "!!str 1", "number": '!!int "1"', "real": "!!float 1", "null": "!!null x",
    "cloud": "!Ref b", "cloud join": "!Join [a, b]", "local": "!x y", "verbatim": "!<tag:yaml.org,2002:str> x",
    "plain": "! x", "unknown handle": "!e!x y", "env": "!ENV ${HOME}", "include": "!include /etc/passwd", "empty": "!",
    "long": "!" + "x" * 100_000 + " 1", "percent": "!%00 x", "bad percent": "!%zz x", "vault": "!vault |\n  x",
}  # fmt: skip
BROKEN = {
    "colon in a text": "description: a: b\n", "open quote": "description: 'a\n", "open double quote": 'description: "a\n',
    "open list": "metadata: [1, 2\n", "open mapping": "metadata: {a: 1\n", "closing bracket": "metadata: ]\n",
    "crossed brackets": "metadata: [{a: 1]}\n", "at sign": "description: @a\n", "backtick": "description: `a`\n",
    "percent": "description: %a\n", "unknown escape": 'description: "\\q"\n', "cut escape": 'description: "\\u12"\n',
    "escape of a surrogate": 'description: "\\ud83d"\n', "escape beyond the last": 'description: "\\UFFFFFFFF"\n',
    "list after mapping": "- a\n", "deeper key": "  env: {}\n", "half a document": "description: |2\n x\n",
    "indicator of ten": "description: |10\n  x\n", "indicator of none": "description: |0\n  x\n",
    "text after a quote": "description: 'a' b\n", "text after a list": "metadata: [] b\n", "two values": "description: a\n b: c\n",
    "comma alone": "metadata: [,]\n", "comma first": "metadata: {, a: 1}\n", "two commas": "metadata: [1,, 2]\n",
"directive inside": "%YAML 1.2\n", "document end inside": "...\na: 1\n",
    "document start inside a quote": 'description: "a\n---\nb"\n', "tab before a key": "\tdescription: a\n",
    "dash without a space": "-a\n", "question mark alone": "?\n", "colon alone": ":\n", "pipe alone": "|\n",
    "template without quotes": "description: {{ inputs.x }}\n", "template in a flow list": "metadata: [{{ x }}]\n",
    "template after a text": "description: {{ x }} b\n", "jinja": "{% if a %}\n", "shell variable": "description: %{a}\n",
    "conflict marker": "<<<<<<< HEAD\nname: b\n=======\n", "html": "<!DOCTYPE html><html>: <\n", "toml": "[a]\nb = 1\n",
    "comma at the key": "a, b\n", "escape of a line": 'description: "a\\\n', "cut utf escape": 'description: "\\x"\n',
}  # fmt: skip
DOCUMENTS = {
    "two documents": f"{SOUND}---\n{SOUND}", "second after an end": f"{SOUND}...\n---\na: 1\n",
    "many documents": "---\na: 1\n" * 10_000, "empty documents": "---\n" * 10_000,
}  # fmt: skip
EMPTY = {
    "nothing": "", "blank": " \n \n", "comments": "# a\n# b\n", "start marker": "---\n", "end marker": "...\n", "null": "null\n",
    "tilde": "~\n", "line ends": "\n" * 10_000, "spaces": " " * 10_000, "tabs": "\t\t\n", "directive": "%YAML 1.2\n",
}  # fmt: skip
JSON = {
    "compact": json.dumps({"name": "j", "steps": [{"id": "a", "type": "wait", "duration": "1s"}]}, separators=(",", ":")),
    "tabs": json.dumps({"name": "j", "steps": [{"id": "a", "type": "wait", "duration": "1s"}]}, indent="\t"),
    "escapes": '{"name": "\\u006a\\/\\b\\f\\n\\r\\t\\"\\\\", "steps": [{"id":"a","type":"wait","duration":"1s"}]}',
    "pairs": '{"name": "j \\ud83d\\ude00", "steps": [{"id":"a","type":"wait","duration":"1s"}]}',
    "nul escape": '{"name": "j\\u0000", "steps": [{"id":"a","type":"wait","duration":"1s"}]}',
}  # fmt: skip
NOT_JSON = {
    "lone surrogate": ('{"name": "\\ud83d"}', "yaml-syntax"), "turned pair": ('{"name": "\\ude00\\ud83d"}', "yaml-syntax"),
    "not a number": ('{"name": "j", "metadata": {"a": NaN}}', "ambiguous-scalar"),
    "infinity": ('{"name": "j", "metadata": {"a": -Infinity}}', "ambiguous-scalar"),
    "huge number": ('{"name": "j", "metadata": {"a": 1e999}}', "ambiguous-scalar"),
    "many digits": ('{"name": "j", "metadata": {"a": ' + "9" * 5000 + "}}", "ambiguous-scalar"),
    "long fraction": ('{"name": "j", "metadata": {"a": 0.' + "1" * 5000 + "}}", "ambiguous-scalar"),
    "duplicate key": ('{"name": "j", "name": "k"}', "duplicate-key"), "cut": ('{"name": "j', "yaml-syntax"),
    "two values": ('{"name": "j"} {"name": "k"}', "yaml-syntax"), "list": ("[1, 2]", "wrong-type"),
    "text": ('"a"', "wrong-type"), "number": ("1", "wrong-type"), "true": ("true", "wrong-type"),
    "long key": ('{"' + "k" * 2000 + '": 1}', "yaml-syntax"), "colon on the next line": ('{"name"\n: 1}', "yaml-syntax"),
    "prototype": ('{"name": "j", "__proto__": {"a": 1}, "constructor": {}}', "unknown-key"),
    "lines": ('{"name": "j"}\n{"name": "k"}\n', "yaml-syntax"), "bom": ('\ufeff{"name": "j"}', "forbidden-character"),
    "comment": ('{"name": "j" // x\n}', "yaml-syntax"), "pair in single quotes": ("{name: '\\ud83d\\ude00'}", "missing-key"),
    "deep": ('{"a":' * 5000 + "1" + "}" * 5000, "too-deep"), "deep lists": ('{"a":' + "[" * 100_000, "too-deep"),
}  # fmt: skip


def cases() -> Iterator[tuple[str, Case]]:
    """Yield the cases of this family."""
    for name, text in ANCHORS.items():
        yield name, refused(SOUND + text, "yaml-anchor" if "bracket" not in name else "yaml-syntax")
    for name, text in TAGS.items():
        code = "yaml-syntax" if name in ("unknown handle", "bad percent") else "yaml-tag"
        yield f"tag {name}", refused(f"{SOUND}metadata: {text}\n", code)
    yield "tag of the definition", refused(f"!x\n{SOUND}", "yaml-tag")
    yield "tag directive", refused(f"%TAG ! tag:a.b,2000:\n---\n{SOUND}metadata: !x 1\n", "yaml-tag")
    yield "yaml directive", sound(f"%YAML 1.2\n---\n{SOUND}")
    yield "yaml directive of the future", refused(f"%YAML 9.9\n---\n{SOUND}", "yaml-syntax")
    yield "yaml directive twice", refused(f"%YAML 1.2\n%YAML 1.2\n---\n{SOUND}", "yaml-syntax")
    for name, text in BROKEN.items():
        yield f"broken: {name}", Case(SOUND + text, frozenset({"*"}))
    for name, text in DOCUMENTS.items():
        yield name, refused(text, "several-documents")
    for name, text in EMPTY.items():
        yield f"empty: {name}", Case(text, frozenset({"*"}))
    for name, text in JSON.items():
        yield f"JSON {name}", sound(text)
    for name, (text, code) in NOT_JSON.items():
        yield f"JSON {name}", refused(text, code)
    yield "explicit start and end", sound(f"---\n{SOUND}...\n")
    yield "template in a block", sound(f"{HEAD}inputs: {{x: {{}}}}\n{STEPS}description: |\n  {{{{ a\n")
