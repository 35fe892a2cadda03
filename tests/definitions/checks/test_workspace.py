import pytest

from tests.definitions.checks.test_values import HEAD, told


def workspace(keys: str) -> str:
    return f"workspace: {{{keys}}}\n{HEAD}"


URL = "https://example.org/x"

WRONG: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "two sources": (f"from: empty, git: {{url: '{URL}'}}", [("conflicting-keys", "git")]),
    "link without a folder": ("from: empty, link: [.venv]", [("key-without-effect", "link")]),
    "link of a repository": (f"git: {{url: '{URL}'}}, link: [a]", [("key-without-effect", "link")]),
    "empty address": ("git: {url: ' '}", [("invalid-value", "' '")]),
    "address that is an option": ("git: {url: --upload-pack=x}", [("invalid-value", "--upload-pack=x")]),
    "ref that is an option": (f"git: {{url: '{URL}', ref: -x}}", [("invalid-value", "-x")]),
    "empty ref": (f"git: {{url: '{URL}', ref: ''}}", [("invalid-value", "''")]),
    "password": ("git: {url: 'https://u:p@x/y'}", [("invalid-value", "'https://u:p@x/y'")]),
    "token": ("git: {url: 'https://token@x/y'}", [("invalid-value", "'https://token@x/y'")]),
    "ssh password": ("git: {url: 'ssh://u:p@x/y'}", [("invalid-value", "'ssh://u:p@x/y'")]),
    "a step's output": (
        "git: {url: '{{ steps.first.outputs.stdout }}'}", [("may-not-have-run", "f")],
    ),
    "pattern": ("link: ['*']", [("invalid-value", "'*'")]),
    "template": ("link: ['{{ inputs.x }}']", [("invalid-value", "'{{ inputs.x }}'")]),
    "outward": ("link: [../x]", [("path-escapes", "../x")]),
    "absolute": ("link: [/x]", [("path-escapes", "/x")]),
    "the root": ("link: [.]", [("path-escapes", ".")]),
    "git's own": ("link: [a/.git]", [("path-escapes", "a/.git")]),
    "twice": ("link: [a, a/]", [("duplicate-item", "a/")]),
    "inside another": ("link: [a, a/b]", [("duplicate-item", "a/b")]),
    "unknown source": ("from: git", [("invalid-value", "git")]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_finding_is_told_when_a_workspace_cannot_be_meant(case: str) -> None:
    keys, expected = WRONG[case]
    found = told(workspace(keys))
    assert [code for code, _ in found] == [code for code, _ in expected]
    assert all(under.startswith(place) for (_, under), (_, place) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    "keys",
    [
        f"git: {{url: '{URL}'}}",
        "git: {url: 'git@example.org:team/x.git', ref: v1}",
        "git: {url: 'ssh://git@example.org/x'}",
        "git: {url: '{{ env.REPOSITORY }}', ref: '{{ run.id }}'}",
        "link: [.venv, web/node_modules/]",
    ],
)
def test_nothing_is_told_when_a_workspace_is_sound(keys: str) -> None:
    assert told(workspace(keys)) == []


def test_nothing_is_told_twice_when_a_value_was_mended() -> None:
    assert [code for code, _ in told(workspace("git: {url: [1], ref: {}}, link: [[]]"))] == ["wrong-type"] * 3
