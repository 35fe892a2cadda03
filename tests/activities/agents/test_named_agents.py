"""A step with what was frozen under its names."""

from activities.agents.named_agents import outfitted, part_of_key, provider_of
from definitions.steps import AgentStep
from definitions.steps.agent import FoundNames, NamedAgent

NAMES = FoundNames(
    agents={"critic": NamedAgent(role="You judge {{ this }}.", provider="scripted", model="m", skills=["taste"])},
    skills={"taste": "Like little."},
)


def step(**keys: object) -> AgentStep:
    return AgentStep.model_validate({"id": "a", "type": "agent", "prompt": "p", **keys})


def test_step_stays_as_it_is_when_it_names_nobody():
    plain = step(role="r")
    assert outfitted(plain, NAMES) is plain
    assert part_of_key(plain, NAMES) == {}
    assert provider_of(plain, NAMES) is None


def test_role_model_and_skills_come_with_the_name_when_it_was_found():
    found = outfitted(step(agent="critic", role="Be short.", skills=["taste", "speed"]), NAMES)
    assert (found.role or "").split("\n\n") == [
        "You judge {{ this }}.",
        "Be short.",
        "Your skill `taste`:",
        "Like little.",
        "Use your skill `speed` where it fits.",
    ]
    assert found.model == "m"
    assert provider_of(found, NAMES) == "scripted"


def test_steps_own_words_come_first_when_it_has_some():
    own = step(agent="critic", model="mine", provider="claude-code")
    assert (outfitted(own, NAMES).model, provider_of(own, NAMES)) == ("mine", "claude-code")


def test_name_is_the_role_when_nobody_was_found():
    found = outfitted(step(agent="herald"), NAMES)
    assert (found.role, provider_of(found, NAMES)) == ("You are `herald`.", None)


def test_key_changes_when_the_text_of_a_skill_does():
    named = step(agent="critic")
    other = NAMES.model_copy(update={"skills": {"taste": "Like much."}})
    assert part_of_key(named, NAMES) == part_of_key(named, NAMES)
    assert part_of_key(named, NAMES) != part_of_key(named, other)
