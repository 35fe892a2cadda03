import pytest
from temporalio.exceptions import ApplicationError

from activities.locks import claimed_group
from definitions.loader import require
from definitions.locks import ClaimedGroup

BODY = "name: deploy\ninputs: {env: {type: string}}\nsteps: [{id: a, type: wait, duration: 1s}]\n"


def group_of(concurrency: str, env: str = "prod") -> ClaimedGroup | None:
    definition = require(f"{BODY}concurrency: {concurrency}\n", "deploy.yaml")
    return claimed_group(definition, {"inputs": {"env": env}, "env": {"REGION": None}, "run": {"id": "r"}, "steps": {}})


def test_nothing_is_claimed_when_a_definition_names_no_group():
    assert claimed_group(require(BODY, "deploy.yaml"), {}) is None


@pytest.mark.parametrize(
    ("concurrency", "claimed"),
    [
        ("{}", ClaimedGroup(group="deploy")),
        ("{policy: cancel}", ClaimedGroup(group="deploy", policy="cancel")),
        ('{group: "to-{{ inputs.env }}"}', ClaimedGroup(group="to-prod")),
        ('{group: "{{ inputs.env }}", policy: refuse}', ClaimedGroup(group="prod", policy="refuse")),
    ],
)
def test_group_is_named_by_the_definition_or_its_template(concurrency: str, claimed: ClaimedGroup):
    assert group_of(concurrency) == claimed


@pytest.mark.parametrize("env", ["", " \t", "a\x1b[2J", "two\nlines", "x" * 201])
def test_name_is_refused_when_it_is_empty_long_or_cannot_be_printed(env: str):
    with pytest.raises(ApplicationError) as caught:
        group_of('{group: "{{ inputs.env }}"}', env)
    assert (caught.value.type, caught.value.non_retryable) == ("concurrency-invalid", True)
    assert "\x1b" not in caught.value.message


def test_name_is_refused_when_it_cannot_be_evaluated():
    with pytest.raises(ApplicationError, match=r"`concurrency.group` cannot be evaluated: ") as caught:
        group_of('{group: "to-{{ env.REGION }}"}')
    assert caught.value.type == "concurrency-invalid"
