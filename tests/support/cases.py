"""Cases for tests: a definition and a case from YAML, and the case played at the level plan."""

from pathlib import Path

from client.testing.plan import play_now
from client.testing.verdicts import Outcome, Subject, judge
from definitions.cases.loading import LoadedCases, load_cases
from definitions.cases.models import Case
from definitions.loader import require


def subject(text: str, folder: Path = Path()) -> Subject:
    """Return a definition as the subject of cases."""
    whole = text if "\nname:" in f"\n{text}" else "name: played\n" + text
    return Subject(require(whole, "played.yaml"), whole, "played.yaml", folder)


def loaded(text: str) -> LoadedCases:
    """Return a test file's cases, as loaded."""
    return load_cases(text, "played.test.yaml")


def case(text: str) -> Case:
    """Return the one case whose keys (beside `name`) are `text`."""
    found = loaded("cases:\n  - name: a case\n" + "\n".join(f"    {line}" for line in text.split("\n")))
    assert found.cases is not None, found.diagnostics
    return found.cases.cases[0]


def played(definition: str, keys: str = "", folder: Path = Path()) -> Outcome:
    """Play a case."""
    return play_now(case(keys), subject(definition, folder))


def messages(definition: str, keys: str) -> list[str]:
    """Return what a case's expectations find."""
    one = case(keys)
    return [finding.message for finding in judge(one, play_now(one, subject(definition)))]
