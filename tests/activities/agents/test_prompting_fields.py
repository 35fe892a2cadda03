from activities.agents.prompting import Given, task


def test_fields_that_later_steps_read_are_asked_for():
    text = task("Judge it.", Given(), fields=["severity", "title"])
    assert text.endswith("one JSON object that has the fields `severity`, `title`, and nothing after it.")


def test_fields_are_not_asked_for_when_a_schema_says_it_all():
    assert "fields" not in task("Judge it.", Given(), schema={"type": "object"}, fields=["severity"])
