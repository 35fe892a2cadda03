from tests.support.scripted_runs import run


def seen(text: str, path: str, **script: object) -> object:
    played = run(text, **script)
    outputs = played.book.records[path].outputs
    return None if outputs is None else outputs["v"]


def read(step_id: str) -> str:
    return f"type: set, values: {{v: \"{{{{ default(steps.{step_id}.outputs.out, 'none') }}}}\"}}"


def test_inside_of_a_group_is_seen_from_outside():
    text = f"""
steps:
  - {{id: g, type: group, steps: [{{id: a, type: shell, command: x}}]}}
  - {{id: r, {read("a")}}}
"""
    assert seen(text, "r") == "g/a!1"


def test_last_pass_is_seen_after_a_loop():
    text = f"""
steps:
  - {{id: g, type: group, loop: {{max_iterations: 2}}, steps: [{{id: a, type: shell, command: x}}]}}
  - {{id: r, {read("a")}}}
"""
    assert seen(text, "r") == "g#2/a!1"


def test_inside_of_items_is_not_seen_from_outside():
    text = f"""
steps:
  - {{id: g, type: group, for_each: {{items: [p]}}, steps: [{{id: a, type: shell, command: x}}]}}
  - {{id: r, {read("a")}}}
"""
    assert seen(text, "r") == "none"


def test_latest_visit_is_seen():
    text = f"""
steps:
  - {{id: a, type: shell, command: x}}
  - {{id: r, {read("a")}}}
  - {{id: b, type: shell, command: x, on_failure: a}}
"""
    assert seen(text, "r@3", outcomes={"b": ["exit"]}) == "a@3!1"


def test_new_visit_of_a_group_sees_nothing_of_the_one_before():
    text = f"""
steps:
  - id: g
    type: group
    steps: [{{id: r, {read("a")}}}, {{id: a, type: shell, command: x}}]
  - {{id: b, type: shell, command: x, on_failure: g}}
"""
    assert seen(text, "g@2/r", outcomes={"b": ["exit"]}) == "none"


def test_item_sees_its_own_pass_before_when_it_loops():
    text = f"""
steps:
  - id: g
    type: group
    for_each: {{items: [p, q], concurrency: 2}}
    loop: {{max_iterations: 2}}
    steps: [{{id: r, {read("a")}}}, {{id: a, type: shell, command: x}}]
"""
    assert seen(text, "g[1]#2/r") == "g[1]#1/a!1"


def test_pass_sees_the_latest_visit_of_a_group_in_the_one_before():
    text = f"""
steps:
  - id: g
    type: group
    loop: {{max_iterations: 2}}
    steps:
      - id: inner
        type: group
        steps: [{{id: r, {read("a")}}}, {{id: a, type: shell, command: x}}]
      - {{id: b, type: assert, condition: "default(steps.b.status, '') == 'failed'", on_failure: inner}}
"""
    assert seen(text, "g#1/inner@2/r") == "none"
    assert seen(text, "g#2/inner/r") == "g#1/inner@2/a!1"
    assert seen(text, "g#2/inner@2/r") == "g#1/inner@2/a!1"
