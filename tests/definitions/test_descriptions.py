import pytest
from pydantic import BaseModel

from definitions.descriptions import descriptions
from definitions.shape import MODELS
from definitions.steps import ShellStep


@pytest.mark.parametrize("name", MODELS)
def test_every_field_has_a_text_when_the_model_is_read(name: str):
    model = MODELS[name]
    described = descriptions(model)
    assert [
        key for key in model.model_fields if key != "type" and not described.get(key, "").endswith((".", "`"))
    ] == []


def test_inherited_fields_are_described_when_a_step_type_is_read():
    described = descriptions(ShellStep)
    assert described["when"] == "The step is skipped where this is false."
    assert "queue" not in described


def test_other_statements_are_no_text_when_a_model_has_them():
    class Odd(BaseModel):
        first: int = 1
        second: int = 2
        """The second."""

    assert descriptions(Odd) == {"second": "The second."}
