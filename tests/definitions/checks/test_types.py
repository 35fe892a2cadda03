"""Expressions that can never work on what a definition declares: the code, the caret, the words; and no false alarm."""

import pytest

from definitions.diagnostics import Diagnostic
from definitions.loader import load

TOP = """\
name: typed
inputs:
  n: {type: number, required: true}
  name: {type: string, default: a}
  flag: {type: boolean, default: true}
  files: {type: array, default: []}
  map: {type: object, default: {}}
  module: {type: file, default: a.py}
  wait: {type: duration, default: 5s}
  maybe: {type: number, required: false}
  level: {enum: [low, high], default: low}
steps:
  - id: test
    type: shell
    command: make
    exit_codes: [0, 1]
    outputs: {report: report.xml, lower: "{{ lower(result.stdout) }}", code: "{{ steps.test.outputs.exit_code + 1 }}"}
    artifacts: {log: log.txt}
  - id: free
    type: shell
    command: echo n=1 >> "$PERDURE_OUTPUT"
    outputs: {file: a.txt}
  - id: plan
    type: agent
    provider: scripted
    prompt: Plan
    output_schema:
      type: object
      properties:
        title: {type: string}
        risk: {enum: [low, medium, high]}
        owner: {type: [object, "null"], properties: {team: {type: string}}}
        open: {type: object, properties: {a: {type: string}}, additionalProperties: true}
        strict: {type: object, properties: {a: {type: string}}, additionalProperties: false}
        tasks: {type: array, items: {type: object, properties: {id: {type: string}, done: {type: boolean}}}}
        sizes: {type: object, additionalProperties: {type: integer}}
        either: {type: [string, integer]}
        tags: {type: array, items: {type: string}}
  - id: answer
    type: agent
    provider: scripted
    prompt: Answer
  - id: values
    type: set
    values:
      many: "{{ len(inputs.files) }}"
      text: "n is {{ inputs.n }}"
      both: {yes: "{{ inputs.flag }}", rows: ["{{ inputs.n }}", 2]}
      title: "{{ steps.plan.outputs.title }}"
      unknown: "{{ steps.answer.outputs.content }}"
      nothing: null
  - id: later
    type: set
    values: {title: "{{ steps.values.outputs.title }}", deep: "{{ steps.values.outputs.both.yes }}"}
  - {id: hold, type: assert, condition: "true"}
  - {id: gate, type: approval}
  - {id: nap, type: wait, duration: 1s}
  - id: both
    type: group
    steps:
      - {id: one, type: set, values: {v: 1}}
      - {id: two, type: assert, condition: "true"}
"""


def of_value(expression: str) -> tuple[Diagnostic, ...]:
    """Return the findings where an expression is a value."""
    return load(
        f"{TOP}  - id: last\n    type: set\n    values:\n      v: |-\n        {{{{ {expression} }}}}\n", "f"
    ).diagnostics


def of_condition(expression: str) -> tuple[Diagnostic, ...]:
    """Return the findings where an expression is a condition."""
    return load(f"{TOP}  - id: last\n    type: assert\n    condition: |-\n      {expression}\n", "f").diagnostics


def marked(expression: str, finding: Diagnostic, line: str) -> str:
    assert finding.span is not None
    return line[finding.span.column - 1 : finding.span.end_column - 1]


REFUSED: list[tuple[str, str, str, str]] = [
    # operands
    ("steps.test.outputs.stdout > 3", "type-mismatch", "steps.test.outputs.stdout > 3", "a string, and `3`, a number"),
    ("test.outputs.exit_code + 'a'", "type-mismatch", "test.outputs.exit_code + 'a'", "a number, and `'a'`, a string"),
    ("env.CI == true", "type-mismatch", "env.CI == true", "`env.CI`, a string or null"),
    ("true != env.CI", "type-mismatch", "true != env.CI", "`env.CI`, a string or null"),
    ("inputs.maybe == 'x'", "type-mismatch", "inputs.maybe == 'x'", "a number or null"),
    ("inputs.n == inputs.name", "type-mismatch", "inputs.n == inputs.name", "convert one"),
    ("inputs.files < answer.outputs.x", "type-mismatch", "inputs.files < answer.outputs.x", "`inputs.files`, a list"),
    ("answer.outputs.x - inputs.name", "type-mismatch", "answer.outputs.x - inputs.name", "a string"),
    ("inputs.flag + inputs.flag", "type-mismatch", "inputs.flag + inputs.flag", "a boolean"),
    ("-inputs.name", "type-mismatch", "inputs.name", "what stands after `-` must be a number"),
    ("not inputs.n", "type-mismatch", "inputs.n", "what stands after `not` must be a boolean"),
    ("inputs.flag and env.CI", "type-mismatch", "env.CI", "what `and` joins must be a boolean"),
    ("1 if inputs.n else 2", "type-mismatch", "inputs.n", "what stands after `if` must be a boolean"),
    ("inputs.module == 'a.py'", "type-mismatch", "inputs.module == 'a.py'", "a file's name is its `.path`"),
    ("steps.test.outputs.report == 'a'", "type-mismatch", "steps.test.outputs.report == 'a'", "a file"),
    ("3 in steps.plan.outputs.tags", "type-mismatch", "3 in steps.plan.outputs.tags", "`in` cannot take"),
    ("inputs.name in inputs.n", "type-mismatch", "inputs.name in inputs.n", "`in` cannot take"),
    ("inputs.n not in inputs.name", "type-mismatch", "inputs.n not in inputs.name", "`not in` cannot take"),
    ("1 < inputs.n < inputs.name", "type-mismatch", "inputs.n < inputs.name", "a string"),
    ("steps.values.outputs.title + 1", "type-mismatch", "steps.values.outputs.title + 1", "a string"),
    ("steps.later.outputs.title + 1", "type-mismatch", "steps.later.outputs.title + 1", "a string"),
    ("later.outputs.deep > 1", "type-mismatch", "later.outputs.deep > 1", "a boolean"),
    ("values.outputs.text + 1", "type-mismatch", "values.outputs.text + 1", "a string"),
    ("values.outputs.both.rows[0] + 'a'", "type-mismatch", "values.outputs.both.rows[0] + 'a'", "a number"),
    ("values.outputs.nothing < 1", "type-mismatch", "values.outputs.nothing < 1", "null"),
    ("both.outputs.one.v == 'a'", "type-mismatch", "both.outputs.one.v == 'a'", "a number"),
    ("test.outputs.lower + 1", "type-mismatch", "test.outputs.lower + 1", "a string"),
    ("test.outputs.code + 'a'", "type-mismatch", "test.outputs.code + 'a'", "a number"),
    ("free.outputs.file + 'a'", "type-mismatch", "free.outputs.file + 'a'", "a file"),
    ("gate.outputs.accepted == 'true'", "type-mismatch", "gate.outputs.accepted == 'true'", "a boolean"),
    ("nap.outputs.until > 1", "type-mismatch", "nap.outputs.until > 1", "a string"),
    ("test.cached == 'yes'", "type-mismatch", "test.cached == 'yes'", "a boolean"),
    ("run.id + 1", "type-mismatch", "run.id + 1", "a string"),
    # one of several
    ("default(inputs.maybe, 'none') > 3", "type-mismatch", "default(inputs.maybe, 'none') > 3", "`'none'`, a string"),
    ("default(env.N, 3) > 3", "type-mismatch", "default(env.N, 3) > 3", "`env.N`, a string"),
    ("(inputs.n if inputs.flag else 'x') + 1", "type-mismatch", "(inputs.n if inputs.flag else 'x') + 1", "`'x'`"),
    ("inputs.flag and (inputs.n if inputs.flag else true)", "type-mismatch", "inputs.n", "a number"),
    # arguments
    ("lower(inputs.n)", "type-mismatch", "inputs.n", "`text` of `lower(text)` must be a string"),
    ("inputs.n.upper()", "type-mismatch", "inputs.n", "`text` of `upper(text)` must be a string"),
    ("len(inputs.n)", "type-mismatch", "inputs.n", "must be a string or a list or an object"),
    ("matches(inputs.name, inputs.n)", "type-mismatch", "inputs.n", "`pattern` of"),
    ("sum(split(inputs.name))", "type-mismatch", "split(inputs.name)", "must be a list of numbers"),
    ("any(steps.plan.outputs.tags)", "type-mismatch", "steps.plan.outputs.tags", "must be a list of booleans"),
    ("sort(steps.plan.outputs.tasks)", "type-mismatch", "steps.plan.outputs.tasks", "an item of"),
    ("round(default(inputs.maybe, 'x'))", "type-mismatch", "'x'", "must be a number"),
    ("read_text(inputs.n)", "type-mismatch", "inputs.n", "must be a string or a file"),
    # look-ups
    ("steps.plan.outputs.owner.name", "no-such-field", "name", "`steps.plan.outputs.owner` has no field `name`"),
    ("steps.plan.outputs.owner.taem", "no-such-field", "taem", "did you mean `team`?"),
    ("steps.plan.outputs.tasks[0].titel", "no-such-field", "titel", "it has `id` and `done`"),
    ("first(steps.plan.outputs.tasks).name", "no-such-field", "name", "`first(steps.plan.outputs.tasks)` has no field"),
    ("steps.plan.outputs.tasks.id", "no-such-field", "id", "an item of it has an index"),
    ("steps.plan.outputs.title.text", "no-such-field", "text", "a string and has no field `text`"),
    ("steps.plan.outputs.title.upper", "no-such-field", "upper", "a function is called"),
    ("steps.plan.outputs.tags.length", "no-such-field", "length", "`steps.plan.outputs.tags.len()`"),
    ("default(steps.plan.outputs.strict.b, 1)", "no-such-field", "b", "it has `a`"),
    ("steps.test.outputs.stdout.count", "no-such-field", "count", "`steps.test.outputs.stdout.len()`"),
    ("steps.test.outputs.stdout.version", "no-such-field", "version", "from_json"),
    ("steps.test.outputs.stdout[0]", "type-mismatch", "0", "lines("),
    ("inputs.map[0]", "type-mismatch", "0", "its keys are strings"),
    ("steps.plan.outputs.strict[0]", "type-mismatch", "0", "it has `a`"),
    ("inputs.files['a']", "no-such-field", "'a'", "a list and has no field `a`"),
    ("inputs.files[inputs.name]", "type-mismatch", "inputs.name", "a list, which a string cannot index"),
    ("inputs.map[inputs.n]", "type-mismatch", "inputs.n", "an object, which a number cannot index"),
    ("answer.outputs.x[inputs.flag]", "type-mismatch", "inputs.flag", "a list or an object, which a boolean"),
    ("inputs.n[inputs.n]", "type-mismatch", "inputs.n", "has no entries"),
    ("inputs.n[1]", "type-mismatch", "1", "which a number cannot index"),
    ("inputs.module.name", "no-such-field", "name", "it has `path`, `size` and `digest`"),
    ("steps.test.artifacts.log.size + 'a'", "type-mismatch", "steps.test.artifacts.log.size + 'a'", "a number"),
    ("steps.test.error.messge", "no-such-field", "messge", "did you mean `message`?"),
    ("parse_coverage('c.xml').lines", "no-such-field", "lines", "it has `line_coverage`"),
    ("parse_coverage('c.xml').file('a').covered", "no-such-field", "covered", "has no field `covered`"),
    ("parse_coverage('c').files['a.py'].line", "no-such-field", "line", "it has `line_coverage`"),
    ("parse_junit('j.xml').failures[0].text", "no-such-field", "text", "it has `name` and `message`"),
    ("parse_junit('j.xml').failed == '0'", "type-mismatch", "parse_junit('j.xml').failed == '0'", "a number"),
    ("{'a': 1}.b", "no-such-field", "b", "it has `a`"),
    ("{'a': inputs.name}.a + 1", "type-mismatch", "{'a': inputs.name}.a + 1", "a string"),
    ("[1, 2][0] + 'a'", "type-mismatch", "[1, 2][0] + 'a'", "a number"),
    ("{inputs.n: 1}", "type-mismatch", "inputs.n", "a key of an object must be a string"),
    ("min(inputs.n, 3) + 'a'", "type-mismatch", "min(inputs.n, 3) + 'a'", "a number"),
    ("max(['a', inputs.name]) + 1", "type-mismatch", "max(['a', inputs.name]) + 1", "a string"),
    ("(['a'] + steps.plan.outputs.tags)[0] + 1", "type-mismatch", None, "a string"),
    ("keys(inputs.map)[0] + 1", "type-mismatch", "keys(inputs.map)[0] + 1", "a string"),
    ("steps.plan.outputs.sizes.any + 'a'", "type-mismatch", "steps.plan.outputs.sizes.any + 'a'", "a number"),
    ("steps.plan.outputs.sizes[inputs.name] + 'a'", "type-mismatch", None, "a number"),
    ("{'a': 1}.values()[0] + 'a'", "type-mismatch", "{'a': 1}.values()[0] + 'a'", "a number"),
    ("unique(steps.plan.outputs.tags)[0] + 1", "type-mismatch", "unique(steps.plan.outputs.tags)[0] + 1", "a string"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "code", "caret", "said"), REFUSED)
def test_expression_is_refused_when_it_can_never_work(expression: str, code: str, caret: str | None, said: str):
    found = of_value(expression)
    assert [finding.code for finding in found] == [code]
    assert marked(expression, found[0], f"        {{{{ {expression} }}}}") == (caret or expression)
    assert said in f"{found[0].message}; {found[0].help}"


FINE = [
    # nothing is declared
    "answer.outputs.x + 1",
    "answer.outputs.x.y.z[0].a > 'b'",
    "free.outputs.n + 1",
    "free.outputs.stdout + 1",
    "values.outputs.unknown + 1",
    "values.outputs.unknown.a",
    "inputs.map.a.b + 1",
    "inputs.files[0] + 1",
    "first(inputs.files) == 'a'",
    "sum(inputs.files)",
    "from_json(steps.test.outputs.stdout).a + 1",
    "read_json('a.json').a.b + 1",
    "gate.outputs.form.reason == 'x'",
    "steps[inputs.name].outputs.x + 1",
    "[steps][0].test.outputs.stdout + 1",
    # one of several declared types fits
    "steps.plan.outputs.either + 1",
    "steps.plan.outputs.either + 'a'",
    "upper(steps.plan.outputs.either)",
    "steps.plan.outputs.either == 1",
    # null may be there, or not
    "inputs.maybe + 1",
    "inputs.maybe == null",
    "null == inputs.n",
    "env.CI == 'true'",
    "env.CI == null",
    "upper(env.CI)",
    "steps.test.error.type == 'exit'",
    "steps.test.error == null",
    "steps.plan.outputs.owner.team == 'a'",
    "steps.plan.outputs.owner == null",
    "both.outputs.one.v + 1",
    "inputs.maybe in [1, 2]",
    "null in steps.plan.outputs.tags",
    "steps.plan.outputs.owner in [null]",
    # default
    "default(inputs.n, 'never') > 3",
    "default(inputs.maybe, 3) > 3",
    "default(null, 3) > 3",
    "float(default(env.N, '3')) > 3",
    "default(steps.plan.outputs.owner.name, 'nobody')",
    "exists(steps.plan.outputs.owner.name)",
    "default(steps.plan.outputs.open.b, 1) + 1",
    "default(answer.outputs.x, 3) > 3",
    "steps.plan.outputs.open.b + 1",
    # what is declared fits
    "steps.plan.outputs.tasks[0].done and inputs.flag",
    "inputs.files + steps.plan.outputs.tags",
    "'a' in inputs.map",
    "'a' in steps.plan.outputs.title",
    "inputs.name in steps.plan.outputs.tags",
    "inputs.n in inputs.files",
    "inputs.module.path + 'a'",
    "hash(inputs.module)",
    "read_text(inputs.module.path)",
    "read_text(steps.test.outputs.report)",
    "parse_coverage('c.xml').branch_coverage == null",
    "parse_coverage('c.xml').files['a'].branch_coverage",
    "parse_junit('j.xml').failures[0].message",
    "parse_coverage(steps.test.artifacts.log).file(inputs.module).line_coverage >= inputs.n",
    "{'files': {'a': {'x': 1}}}.file('a').x",
    "inputs.map.file('a').x",
    "join(steps.plan.outputs.tasks)",
    "sort(steps.plan.outputs.tags)",
    "round(inputs.n, 1) + 1",
    "int(steps.test.outputs.stdout) + 1",
    "min(inputs.files) + 1",
    "max(inputs.n, answer.outputs.x) + 1",
    "values.outputs.both.rows[1] + 1",
    "{'a': 1, inputs.name: 2}.b",
    "{inputs.name: 'x'}[inputs.name] + 'a'",
    "{'a': 1, 'b': 2}[inputs.name] + 1",
    "'' if inputs.flag else ' '",
    "split(inputs.name)[0] + 'a'",
    "range(inputs.n)[0] + 1",
    "steps.plan.outputs.sizes.a + 1",
    "hold.outputs.passed and test.cached",
    "steps.values.outputs.nothing == null",
    "test.status == 'failed'",
    "inputs.level == 'low'",
    "inputs.level in ['low', 'high']",
    "steps.plan.outputs.risk != null",
    "default(steps.plan.outputs.risk, 'none') == 'none'",
]


@pytest.mark.parametrize("expression", FINE)
def test_nothing_is_said_when_an_expression_may_work(expression: str):
    assert of_value(expression) == ()


@pytest.mark.parametrize(
    ("expression", "caret", "said"),
    [
        ("inputs.n", "inputs.n", "a number"),
        ("{{ inputs.n }}", "inputs.n", "a number"),
        ("len(inputs.files) if inputs.flag else true", "len(inputs.files)", "a number"),
        ("default(inputs.maybe, true)", "inputs.maybe", "a number"),
        ("steps.plan.outputs.tasks", "steps.plan.outputs.tasks", "a list"),
        ("steps.plan.outputs.owner", "steps.plan.outputs.owner", "an object or null"),
        ("steps.values.outputs.title", "steps.values.outputs.title", "a string"),
        ("steps.test.outputs.report", "steps.test.outputs.report", "a file"),
        ("parse_junit('a').failed", "parse_junit('a').failed", "a number"),
    ],
)
def test_condition_is_refused_when_its_type_is_known(expression: str, caret: str, said: str):
    found = of_condition(expression)
    assert [finding.code for finding in found] == ["condition-not-boolean"]
    assert marked(expression, found[0], f"      {expression}") == caret
    assert said in found[0].message


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.flag",
        "answer.outputs.x",
        "default(steps.later.outputs.deep, false)",
        "steps.plan.outputs.tasks[0].done",
        "inputs.flag if inputs.n > 3 else answer.outputs.x",
        "hold.outputs.passed",
        "values.outputs.both.yes",
    ],
)
def test_condition_is_taken_when_it_may_be_a_boolean(expression: str):
    assert of_condition(expression) == ()


@pytest.mark.parametrize(
    ("expression", "caret", "said"),
    [
        ("test.status == 'complete'", "'complete'", "did you mean `completed`?"),
        ("'faild' != test.status", "'faild'", "did you mean `failed`?"),
        ("steps.plan.outputs.risk == 'none'", "'none'", "it can be `low`, `medium` and `high`"),
        ("steps.plan.outputs.risk in ['high', 'higher']", "'higher'", "did you mean `high`?"),
        ("inputs.level == 'medium'", "'medium'", "it can be `low` and `high`"),
        ("gate.outputs.verdict == 'approved'", "'approved'", "did you mean `approve`?"),
        ("('a' if inputs.flag else 'b') == 'c'", "'c'", "it can be `a` and `b`"),
    ],
)
def test_comparison_is_warned_of_when_it_can_never_be_true(expression: str, caret: str, said: str):
    found = of_condition(expression)
    assert [(finding.code, finding.severity) for finding in found] == [("impossible-value", "warning")]
    assert marked(expression, found[0], f"      {expression}") == caret
    assert said in (found[0].help or "")


def test_declaration_is_shown_when_a_field_is_missing():
    finding = of_value("steps.plan.outputs.strict.b")[0]
    assert [note.message for note in finding.notes] == ["it is declared here"]
    line = TOP.split("\n")[finding.notes[0].span.line - 1]  # type: ignore[union-attr]
    assert line.strip().startswith("strict:")


def test_mistake_is_said_once_when_parts_follow_from_it():
    assert [one.code for one in of_value("(inputs.name + 1) * 2 + 1 == 3")] == ["type-mismatch"]
    assert [one.code for one in of_value("steps.plan.outputs.strict.b.c.d + 1")] == ["no-such-field"]


def test_all_mistakes_are_found_when_one_text_has_several():
    found = of_value("[inputs.name + 1, -inputs.name, inputs.n.x]")
    assert [one.code for one in found] == ["type-mismatch", "type-mismatch", "no-such-field"]


BROKEN = """\
name: broken
inputs: {n: {type: nubmer}, m: {type: number, default: x}}
steps:
  - {id: a, type: shel, command: x, outputs: {f: f}}
  - {id: b, type: agent, prompt: x, output_schema: [1]}
  - {id: c, type: set, values: {v: "{{ inputs.n + }}", w: "{{ steps.a.outputs.f }}"}}
  - {id: d, type: shell, command: 1, outputs: {f: [1]}}
  - id: e
    type: set
    values:
      a: "{{ inputs.n + 'a' }} {{ inputs.m + 1 }}"
      b: "{{ steps.a.outputs.f + 1 }}"
      c: "{{ steps.b.outputs.f.g + 1 }}"
      d: "{{ steps.c.outputs.v + 1 }} {{ steps.c.outputs.w + 1 }}"
      e: "{{ steps.d.outputs.stdout + 1 }} {{ steps.d.outputs.f + 1 }}"
"""


def test_nothing_follows_when_a_declaration_is_wrong_itself():
    codes = {finding.code for finding in load(BROKEN, "f").diagnostics}
    assert codes <= {"invalid-value", "unknown-step-type", "wrong-type", "expression-syntax", "ambiguous-scalar"}


def test_types_are_followed_when_many_steps_read_each_other_backwards():
    count = 300
    steps = [
        f"  - {{id: s{n}, type: set, needs: [s{n + 1}], values: {{v: '{{{{ steps.s{n + 1}.outputs.v }}}}'}}}}\n"
        for n in range(count)
    ]
    end = f"  - {{id: s{count}, type: set, needs: [], values: {{v: x}}}}\n"
    assert load(f"name: long\nsteps:\n{''.join(steps)}{end}", "f").diagnostics == ()


def test_file_input_is_a_path_when_there_is_no_workspace():
    text = (
        "name: none\nworkspace: {from: none}\ninputs: {f: {type: file, default: a}}\n"
        "steps: [{id: a, type: set, values: {v: \"{{ inputs.f + 'a' }}\"}}]\n"
    )
    assert load(text, "f").diagnostics == ()
