import pytest

from tests.support.lint_findings import HEAD, linted, said

CODE = "secret-for-agent"
REST = "timeout: 1m, budget: {usd: 1}}\n  - {id: tests, type: shell, command: pytest}\n"


def agent(keys: str, head: str = HEAD) -> list[str]:
    return [token for _, token in said(f"steps:\n  - {{id: fix, type: agent, {keys}, {REST}", CODE, head=head)]


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN", "NPM_TOKEN", "DB_PASSWORD", "password", "API_KEY", "OPENAI_APIKEY", "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "SSH_PRIVATE_KEY", "GOOGLE_CREDENTIALS", "SSH_AUTH_SOCK", "SECRET_2", "TOKEN",
    ],
)  # fmt: skip
def test_variable_is_a_secret_when_its_name_says_so(name: str):
    assert agent(f"prompt: p, env: {{{name}: x}}") == [name]


@pytest.mark.parametrize(
    "name", ["MAX_TOKENS", "TOKEN_LIMIT", "PATH", "KEYBOARD", "SECRETARY", "GIT_AUTHOR_NAME", "PASSWORD_FILE_NAME"]
)
def test_variable_is_no_secret_when_its_name_only_looks_like_one(name: str):
    assert agent(f"prompt: p, env: {{{name}: x}}") == []


def test_variable_is_no_secret_when_it_is_taken_away():
    assert agent('prompt: p, env: {GITHUB_TOKEN: "", NPM_TOKEN: " "}') == []


def test_secret_is_found_once_when_name_and_value_give_it_away():
    assert agent('prompt: p, env: {GITHUB_TOKEN: "{{ env.GITHUB_TOKEN }}"}') == ["GITHUB_TOKEN"]


@pytest.mark.parametrize(
    "keys",
    [
        'prompt: p, env: {LOGIN: "ci:{{ env.CI_TOKEN }}"}',
        'prompt: "log in with {{ env.CI_TOKEN }}"',
        'prompt: p, role: "{{ env.CI_TOKEN }}"',
        'prompt: p, inputs: ["{{ env.CI_TOKEN }}"]',
        'prompt: p, when: env.CI_TOKEN == "x"',
    ],
)
def test_secret_is_found_when_any_text_of_the_agent_refers_to_it(keys: str):
    assert agent(keys) == ["env.CI_TOKEN"]


def test_secret_is_found_when_it_is_an_input():
    head = f"{HEAD}inputs: {{ci_token: {{description: d}}}}\n"
    assert agent('prompt: "{{ inputs.ci_token }}"', head=head) == ["inputs.ci_token"]


def test_secret_of_the_definition_is_found_when_there_is_an_agent():
    head = f'{HEAD}env: {{NPM_TOKEN: x, LOGIN: "{{{{ env.CI_TOKEN }}}}"}}\n'
    assert agent("prompt: p", head=head) == ["NPM_TOKEN", "env.CI_TOKEN"]
    assert linted("steps: [{id: a, type: shell, command: npm publish}]", head=head) == ()


def test_secret_of_a_shell_step_is_nobodys_when_the_agent_does_not_see_it():
    other = '{id: b, type: shell, command: ls, env: {NPM_TOKEN: "{{ env.NPM_TOKEN }}"}}'
    text = f"steps:\n  - {other}\n  - {{id: fix, type: agent, prompt: p, {REST}"
    assert said(text, CODE) == []


def test_agent_is_named_when_it_stands_in_a_group():
    step = "{id: fix, type: agent, prompt: p, env: {TOKEN: x}, timeout: 1m, budget: {usd: 1}}"
    check = "{id: tests, type: shell, command: pytest}"
    (finding,) = linted(f"steps:\n  - id: g\n    type: group\n    steps:\n      - {step}\n      - {check}\n")
    assert finding.message == "`TOKEN` looks like a secret, and the agent of `fix` can read it"
