"""Definitions that lead to others: references, keys, cycles, depth, digests; and where they are found."""

import pytest

from definitions.finders import Files, Names, Texts, read_file
from definitions.library import (
    DEEPEST,
    MOST_DEFINITIONS,
    Found,
    NotFound,
    has_detached,
    key_of,
    load_whole,
    reached,
)
from definitions.models import Definition
from definitions.parts import parts_of

LINT = """
name: lint
inputs:
  level: {type: string, enum: [low, high]}
  files: {type: array, default: []}
outputs:
  count: {type: integer, value: "{{ steps.count.outputs.n }}"}
  free: {value: "{{ steps.count.outputs.n }}"}
steps:
  - {id: count, type: set, values: {n: 3}}
"""


def whole(text, library=None, **options):
    texts = {"lint.yaml": LINT} if library is None else library
    return load_whole(
        Found("name: release\nsteps:\n" + text, "release.yaml"), Texts(texts), key="release.yaml", **options
    )


def step(reference, name="check", more=""):
    return f"  - {{id: {name}, type: workflow, definition: {reference}{more}}}\n"


def codes(found):
    return [finding.code for finding in found.diagnostics]


@pytest.mark.parametrize(
    ("reference", "referrer", "key"),
    [
        ("./lint.yaml", "release.yaml", "lint.yaml"),
        ("lint.yml", "checks/all.yaml", "checks/lint.yml"),
        ("../lint.json", "checks/all.yaml", "lint.json"),
        ("../lint.json", "all.yaml", "../lint.json"),
        ("a/./b/../c.yaml", "x.yaml", "a/c.yaml"),
        ("fix-typing-errors", "x.yaml", "fix-typing-errors"),
        ("fix-typing-errors", "other-name", "fix-typing-errors"),
    ],
)
def test_key_is_the_path_from_the_first_definition_or_the_name(reference, referrer, key):
    assert key_of(reference, referrer) == key


@pytest.mark.parametrize(
    "reference",
    [
        "/etc/x.yaml",
        "~/x.yaml",
        "a\\b.yaml",
        "C:/x.yaml",
        "./x",
        "a/b",
        "{{ inputs.x }}",
        "./{{ x }}.yaml",
        ".x",
        "a\nb",
    ],
)
def test_reference_is_refused_when_it_is_no_fixed_relative_path_or_name(reference):
    with pytest.raises(NotFound):
        key_of(reference, "release.yaml")


def test_definition_found_by_name_refers_to_no_files():
    with pytest.raises(NotFound, match="found by its name"):
        key_of("./lint.yaml", "release")


def test_steps_are_linked_to_keys_at_any_depth():
    inside = "name: all\nsteps:\n  - id: g\n    type: group\n    steps:\n    " + step("../lint.yaml").lstrip()
    undo = ", compensate: {id: u, type: workflow, definition: ./checks/all.yaml}"
    inside = inside.replace("definition: ../lint.yaml", "definition: ../lint.yaml, inputs: {level: low}")
    found = whole(step("./checks/all.yaml", more=undo), {"lint.yaml": LINT, "checks/all.yaml": inside})
    assert codes(found) == []
    assert found.definition.steps[0].definition == "checks/all.yaml"
    assert found.definition.steps[0].compensate.steps[0].definition == "checks/all.yaml"
    assert found.library["checks/all.yaml"].steps[0].steps[0].definition == "lint.yaml"
    assert found.loaded.definition.steps[0].definition == "./checks/all.yaml"


def test_findings_of_all_files_come_together_when_several_are_wrong():
    found = whole(
        step("./lint.yaml") + step("nobody", "b") + step("./none.yaml", "c"), {"lint.yaml": "name: x\nsteps: 1\n"}
    )
    assert found.definition is None
    assert [(one.file, one.code) for one in found.diagnostics] == [
        ("release.yaml", "unknown-definition"),
        ("release.yaml", "unknown-definition"),
        ("lint.yaml", "wrong-type"),
    ]
    assert {"release.yaml", "lint.yaml"} <= set(found.sources)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ("{level: low}", None),
        ("{level: low, files: null}", None),
        ("{level: low, files: '{{ [1, 2] }}'}", None),
        ("{}", "missing-input"),
        ("{level: null}", "missing-input"),
        ("{levle: low}", "unknown-input"),
        ("{level: medium}", "invalid-input"),
        ("{level: 3}", "invalid-input"),
        ("{level: '{{ 1 + 1 }}'}", "type-mismatch"),
        ("{level: low, files: '{{ run.id }}'}", "type-mismatch"),
    ],
)
def test_inputs_are_held_to_the_declarations_of_the_other_definition(inputs, code):
    found = codes(whole(step("lint.yaml", more=f", inputs: {inputs}")))
    assert (code in found) if code else (found == [])


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("steps.check.outputs.count + 1", None),
        ("steps.check.outputs.free + 1", None),
        ("steps.check.outputs.coutn", "unknown-output"),
        ("upper(steps.check.outputs.count)", "type-mismatch"),
    ],
)
def test_outputs_of_the_other_definition_are_known(expression, code):
    text = step("lint.yaml", more=", inputs: {level: low}")
    text += f"  - {{id: use, type: set, values: {{v: '{{{{ {expression} }}}}'}}}}\n"
    found = codes(whole(text))
    assert (code in found) if code else (found == [])


def test_detached_step_offers_its_execution_id_only():
    text = step("lint.yaml", more=", detach: true, inputs: {level: low}")
    text += "  - {id: use, type: set, values: {v: '{{ steps.check.outputs.count }}'}}\n"
    found = whole(text)
    assert codes(found) == ["unknown-output"]
    started = whole(step("lint.yaml", more=", detach: true, inputs: {level: low}"))
    assert has_detached({"": started.definition})


def test_each_place_of_a_cycle_is_a_finding_when_definitions_lead_back():
    a = "name: a\nsteps:\n" + step("./b.yaml")
    b = "name: b\nsteps:\n" + step("./a.yaml")
    found = whole(step("./a.yaml"), {"a.yaml": a, "b.yaml": b})
    assert sorted((one.file, one.code, one.span.line) for one in found.diagnostics) == [
        ("a.yaml", "definition-cycle", 3),
        ("b.yaml", "definition-cycle", 3),
    ]
    assert codes(whole(step("./release.yaml"), {})) == ["definition-cycle"]


def chain(length):
    texts = {f"d{n}.yaml": f"name: d{n}\nsteps:\n" + step(f"./d{n + 1}.yaml") for n in range(1, length)}
    return {**texts, f"d{length}.yaml": "name: last\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n"}


def test_depth_is_bounded_also_when_a_shallow_way_was_taken_before():
    assert codes(whole(step("./d1.yaml"), chain(DEEPEST))) == []
    assert codes(whole(step("./d1.yaml"), chain(DEEPEST + 1))) == ["definitions-too-deep"]
    texts = {**chain(DEEPEST), "wrap.yaml": "name: wrap\nsteps:\n" + step("./d1.yaml")}
    assert codes(whole(step("./d1.yaml") + step("./wrap.yaml", "w"), texts)) == ["definitions-too-deep"]


def test_number_of_definitions_is_bounded():
    texts = {f"d{n}.yaml": "name: d\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n" for n in range(150)}
    text = "".join(step(f"./d{n}.yaml", f"s{n}") for n in range(150))
    found = whole(text, texts)
    assert len(found.library) == MOST_DEFINITIONS
    assert set(codes(found)) == {"unknown-definition"}


def test_digest_is_of_all_definitions_and_of_no_draft_mark():
    text = step("lint.yaml", more=", inputs: {level: low}")
    first = whole(text).digest
    assert first == whole("# a note\n" + text).digest
    assert first == whole(text, {"lint.yaml": LINT + "x-owner: team\n"}).digest
    assert first == whole(text, {"lint.yaml": LINT + "status: draft\n"}).digest
    assert first != whole(text, {"lint.yaml": LINT.replace("n: 3", "n: 4")}).digest


def test_draft_is_a_warning_when_an_active_definition_leads_to_it():
    draft = {"lint.yaml": LINT + "status: draft\n"}
    text = step("lint.yaml", more=", inputs: {level: low}")
    assert codes(whole(text, draft)) == ["uses-draft"]
    both = load_whole(Found("name: r\nstatus: draft\nsteps:\n" + text, "r.yaml"), Texts(draft), key="r.yaml")
    assert codes(both) == []


def test_parts_are_what_the_run_interprets_with_env_and_cache_of_their_own():
    inner = "name: b\nenv: {A: inner, B: b}\nsteps:\n" + (
        "  - {id: s, type: shell, command: make, env: {A: own}}\n"
        "  - {id: t, type: shell, command: make, cache: false}\n"
        "  - {id: g, type: group, steps: [{id: u, type: shell, command: make}]}\n"
        "  - {id: v, type: set, values: {n: 1}, compensate: {id: w, type: shell, command: undo}}\n"
    )
    far = "name: far\nsteps:\n  - {id: s, type: set, values: {n: 1}}\n"
    text = step("./b.yaml") + step("./far.yaml", "d", ", detach: true")
    root = load_whole(
        Found("name: r\ncache: {default: on}\nsteps:\n" + text, "r.yaml"),
        Texts({"b.yaml": inner, "far.yaml": far}),
        key="r.yaml",
    )
    assert reached(root.definition, root.library) == {"b.yaml", "far.yaml"}
    parts = parts_of(root.definition, root.library)
    assert list(parts) == ["b.yaml"]
    first, second, group, last = parts["b.yaml"].steps
    assert (first.env, first.cache) == ({"A": "own", "B": "b"}, False)
    assert second.cache is False
    assert group.steps[0].env == {"A": "inner", "B": "b"}
    assert last.env == {}
    assert last.compensate.steps[0].env == {"A": "inner", "B": "b"}
    assert isinstance(parts["b.yaml"], Definition)


def test_files_are_read_beside_the_definition_and_names_in_the_folder_before_the_catalog(tmp_path):
    (tmp_path / "named").mkdir()
    (tmp_path / "named/lint.workflow.yml").write_text(LINT)
    (tmp_path / "named/raise-coverage.yaml").write_text(LINT)
    (tmp_path / "named/lint.test.yaml").write_text("x")
    names = Names(tmp_path / "named")
    finder = Files(tmp_path, names)
    assert finder("lint").file.endswith("lint.workflow.yml")
    assert finder("raise-coverage").file == str(tmp_path / "named/raise-coverage.yaml")
    assert "catalog" in finder("fix-typing-errors").file
    assert finder("named/lint.workflow.yml").text == LINT.encode()
    assert list(names.of_folder()) == ["lint", "raise-coverage"]
    with pytest.raises(NotFound, match="no definition is called `lnt`") as caught:
        finder("lnt")
    assert caught.value.help == "did you mean `lint`?"


@pytest.mark.parametrize("key", ["../out.yaml", "link.yaml", "folder.yaml", "none.yaml"])
def test_bounded_folder_gives_nothing_outside_of_it(tmp_path, key):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "folder.yaml").mkdir()
    (tmp_path / "out.yaml").write_text(LINT)
    (inside / "link.yaml").symlink_to(tmp_path / "out.yaml")
    with pytest.raises(NotFound):
        Files(inside, is_bounded=True)(key)


def test_texts_fall_back_to_names_and_long_files_are_cut(tmp_path):
    assert Texts({})("raise-coverage").file.endswith("raise-coverage.yaml")
    with pytest.raises(NotFound, match=r"there is no `x\.yaml`"):
        Texts({})("x.yaml")
    (tmp_path / "long.yaml").write_bytes(b"#" * (1 << 21))
    assert len(read_file(tmp_path / "long.yaml", "long.yaml").text) == (1 << 20) + 1


def test_profiles_beside_a_definition_are_part_of_its_library(tmp_path):
    profiles = "careful: {nodes: [{id: a, prompt: x}, {id: b, prompt: y}]}\n"
    stages = "id: s\nname: s\nstages: [plan]\nstageConfigs: {plan: {provider: scripted, profile: careful, prompt: p}}\n"
    found = load_whole(Found(stages, "s.yaml"), Texts({"profiles.yaml": profiles}), key="s.yaml")
    assert found.texts == {"profiles.yaml": profiles}
