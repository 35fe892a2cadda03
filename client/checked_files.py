"""What `perdure validate` looks at: a definition, or a test file with its definition, and what is found.

A glob over a folder names both kinds, and each is held to its own rules.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client import request_files
from client.messages import amount_words, definition_words
from definitions.agent_names import missing
from definitions.diagnostics import Diagnostic, has_errors, in_order
from definitions.steps import GroupStep, Step
from definitions.steps.agent import FoundNames


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was looked at. `size` says what it holds: `3 steps`."""

    file: str
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    size: str = ""

    @property
    def counts(self) -> Counter[str]:
        """Return how many findings there are, by severity."""
        return Counter(finding.severity for finding in self.diagnostics)

    def is_refused(self, *, strict: bool) -> bool:
        """Whether the file is not taken as it is."""
        return bool(self.diagnostics) if strict else has_errors(self.diagnostics)


def check_file(name: str, *, with_lint: bool) -> CheckedFile:
    """Return what is found about DEFINITION or a test file. Raises `Problem` where it is not there."""
    if request_files.names_a_file(name) and _is_test_file(name):
        return _test_file(name)
    whole, file = request_files.load_definition(name, with_lint=with_lint)
    loaded, size, findings = whole.loaded, "", whole.diagnostics
    if loaded.definition:
        size = definition_words.definition_size(_count(loaded.definition.steps), loaded.implicit_inputs)
        folder = Path(file).parent if request_files.names_a_file(name) else Path()
        found = request_files.names_around(loaded.definition, folder) if loaded.named else FoundNames()
        findings = (*findings, *in_order(missing(loaded.named, found, file)))
    return CheckedFile(file, findings, whole.sources, size)


def _is_test_file(name: str) -> bool:
    if ".test." not in name:
        return False
    from definitions.cases.loading import SUFFIXES  # the models of cases take time that definitions do without

    return name.endswith(SUFFIXES)


def _test_file(name: str) -> CheckedFile:
    from client.testing.collecting import collect

    try:
        collected = collect(Path(name))
    except OSError as error:
        raise request_files.unreadable(Path(name), error) from error
    cases = amount_words.amount(len(collected.cases.cases), "case") if collected.cases else ""
    return CheckedFile(name, collected.diagnostics, collected.sources, cases)


def _count(steps: Sequence[Step]) -> int:
    return sum(1 + (_count(step.steps) if isinstance(step, GroupStep) else 0) for step in steps)
