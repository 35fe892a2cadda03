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
    assert set(STEP_BY_TYPE) == {"shell", "agent", "assert", "approval", "set", "wait", "group", "workflow", "activity"}


def test_branches_have_no_predecessors_when_parallel():
    steps = require(
        "name: x\nsteps: [{id: a, type: wait, duration: 1s}, {id: b, type: wait, duration: 1s}]\n", "f"
    ).steps
    assert predecessors(steps, 1, is_parallel=False) == ["a"]
    assert predecessors(steps, 1, is_parallel=True) == []
