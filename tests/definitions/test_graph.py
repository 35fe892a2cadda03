from definitions.graph import mermaid, predecessors
from definitions.loader import require
from definitions.shape import STEP_BY_TYPE


def test_graph_shows_order_groups_and_needs_when_drawn():
    text = """
name: drawn
inputs: {go: {type: boolean}}
steps:
  - {id: a, type: shell, command: make}
  - id: end_it
    type: group
    mode: parallel
    steps:
      - {id: b, type: assert, condition: "1 < 2"}
      - {id: c, type: approval, when: 'inputs.go and "x" == "<b>"'}
  - {id: d, type: wait, duration: 1s, needs: [a]}
  - {id: e, type: wait, duration: 1s, needs: []}
"""
    assert mermaid(require(text, "f")) == (
        "flowchart TD\n"
        '    step_a["a<br/>shell"]\n'
        '    subgraph step_end_it["end_it (parallel)"]\n'
        '        step_b{{"b<br/>assert"}}\n'
        '        step_c[/"c<br/>approval<br/>when inputs.go and #quot;x#quot; == #quot;#lt;b#gt;#quot;"/]\n'
        "    end\n"
        '    step_d["d<br/>wait"]\n'
        '    step_e["e<br/>wait"]\n'
        "    step_a --> step_end_it\n"
        "    step_a --> step_d\n"
    )


def test_every_type_is_drawn_when_it_exists():
    drawn = {"shell", "agent", "assert", "approval", "set", "wait", "group", "workflow", "activity", "artifact"}
    assert set(STEP_BY_TYPE) == drawn


def test_branches_have_no_predecessors_when_parallel():
    steps = require(
        "name: x\nsteps: [{id: a, type: wait, duration: 1s}, {id: b, type: wait, duration: 1s}]\n", "f"
    ).steps
    assert predecessors(steps, 1, is_parallel=False) == ["a"]
    assert predecessors(steps, 1, is_parallel=True) == []


def test_graph_shows_jumps_loops_and_items_when_drawn():
    text = """
name: drawn
steps:
  - id: g
    type: group
    loop: {max_iterations: 3, until: 'steps.a.outputs.n > 1', on_exhausted: h}
    steps:
      - {id: a, type: set, values: {n: 1}}
      - {id: b, type: workflow, definition: hello, for_each: {items: [1, 2], as: who}}
  - {id: c, type: wait, signal: go, on_success: e, on_failure: h, for_each: {items: "{{ inputs.all }}"}}
  - {id: d, type: shell, command: x, on_success: end, compensate: {type: shell, command: y}}
  - {id: h, type: shell, command: x}
  - {id: e, type: shell, command: x, on_failure: d}
inputs: {all: {type: array}}
"""
    assert mermaid(require(text, "f")) == (
        "flowchart TD\n"
        '    subgraph step_g["g (sequential)<br/>loop, at most 3 until steps.a.outputs.n #gt; 1"]\n'
        '        step_a["a<br/>set"]\n'
        '        step_b[["b<br/>workflow<br/>for each who of 2 items"]]\n'
        "    end\n"
        '    step_c["c<br/>wait<br/>for each item of inputs.all"]\n'
        '    step_d["d<br/>shell"]\n'
        '    step_undo_d["undo_d<br/>shell"]\n'
        '    step_h["h<br/>shell"]\n'
        '    step_e["e<br/>shell"]\n'
        "    step_g -.->|exhausted| step_h\n"
        "    step_a --> step_b\n"
        "    step_g --> step_c\n"
        "    step_c -->|on success| step_e\n"
        "    step_c -.->|on failure| step_h\n"
        "    step_d -.-|undo| step_undo_d\n"
        "    step_e -.->|on failure| step_d\n"
    )
