import pytest

from tests.support.lint_findings import HEAD, linted, places

CODE = "cached-effect"


def found(keys: str, command: str = "git push", head: str = HEAD):
    text = f"steps:\n  - id: push\n    type: shell\n    command: {command}\n{keys}"
    return [finding for finding in linted(text, head=head) if finding.code == CODE]


@pytest.mark.parametrize(
    "keys", ["    cache: true\n", "    cache: {inputs: []}\n", "    use_cache: true\n", "    cache_key: a\n"]
)
def test_effect_is_found_with_the_key_when_the_step_is_cached(keys: str):
    (finding,) = found(keys)
    assert places(finding) == [4, 5]
    assert "`git push` publishes commits" in finding.message


@pytest.mark.parametrize("keys", ["", "    cache: false\n", "    use_cache: false\n"])
def test_effect_is_fine_when_the_step_is_not_cached(keys: str):
    assert found(keys) == []


def test_effect_is_found_when_the_definition_caches_by_default():
    head = f"{HEAD}cache: {{default: on}}\n"
    (finding,) = found("", head=head)
    assert finding.notes[0].span
    assert finding.notes[0].span.line == 4
    assert found("    cache: false\n", head=head) == []
    assert found("    use_cache: false\n", head=head) == []


def test_step_is_found_once_when_it_has_several_effects():
    assert len(found("    cache: true\n", "git push && npm publish")) == 1


def test_step_is_fine_when_it_has_no_effect():
    assert found("    cache: true\n", "make") == []
