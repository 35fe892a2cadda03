"""All rules together: what they say about the catalog, and what they cost."""

import time

import pytest

from definitions import catalog
from definitions.codes import CODES
from definitions.lint import MOST_FINDINGS, RULES
from definitions.loader import load


@pytest.mark.parametrize("name", catalog.names())
def test_catalog_is_clean_when_linted(name: str):
    assert load(*catalog.read(name), with_lint=True).diagnostics == ()


def test_every_rule_has_a_page_when_the_codes_are_listed():
    slugs = {rule.__module__.rsplit(".", maxsplit=1)[-1].replace("_", "-") for rule in RULES}
    assert slugs | {"unneeded-allow"} == {slug for slug, code in CODES.items() if code.severity == "lint"}


def test_findings_are_bounded_when_very_many_are_there():
    inputs = "".join(f"  i{n}: {{type: string}}\n" for n in range(500))
    text = f"name: release\ndescription: d\ninputs:\n{inputs}steps: [{{id: x, type: shell, command: ls}}]\n"
    assert len(load(text, "a.yaml", with_lint=True).diagnostics) == MOST_FINDINGS


def test_lint_is_quick_when_a_definition_has_a_thousand_steps():
    lines: list[str] = []
    for n in range(200):
        lines += [
            f"  - {{id: a{n}, type: agent, prompt: p, timeout: 1m, budget: {{usd: 1}}}}",
            f"  - {{id: t{n}, type: shell, command: 'pytest && echo {n}', cache: true}}",
            f"  - {{id: g{n}, type: approval, timeout: 1d}}",
            f"  - {{id: p{n}, type: shell, command: 'git push origin v{n} && npm publish --tag v{n}'}}",
            f"  - {{id: q{n}, type: group, mode: parallel, steps: [{{id: w{n}, type: wait, duration: 1s}}]}}",
        ]
    text = "name: release\ndescription: d\nsteps:\n" + "\n".join(lines) + "\n"
    load(text, "a.yaml", with_lint=True)  # expressions and scripts are remembered, so that both sides find them
    plain: list[float] = []
    advised: list[float] = []
    for _ in range(3):  # in turn, and the best of each counts: others use the machine too
        started = time.process_time()
        without = load(text, "a.yaml")
        middle = time.process_time()
        loaded = load(text, "a.yaml", with_lint=True)
        plain.append(middle - started)
        advised.append(time.process_time() - middle)
        assert without.diagnostics == ()
        assert {finding.code for finding in loaded.diagnostics} == {"gate-below-tier"}
    assert min(advised) < 2.5 * min(plain)
