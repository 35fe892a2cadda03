"""From text to cases: everything that is wrong with a test file in one pass, and nothing raises on content.

text ──yaml_guard──▶ tree with places ──validation──▶ CaseFile ──checks (against the definition)──▶ findings
"""

from dataclasses import dataclass
from pathlib import Path

from definitions.cases.models import CaseFile
from definitions.diagnostics import Diagnostic, in_order
from definitions.nodes import Mapping, Node, head
from definitions.validation import kind_of, validate_as
from definitions.yaml_guard import MAXIMUM_BYTES, read

SUFFIXES = (".test.yaml", ".test.yml", ".test.json")
"""How the name of a test file ends."""


@dataclass(frozen=True, slots=True)
class LoadedCases:
    """What a text gives. `cases` is there when no diagnostic is an error; `root` knows where everything stands."""

    cases: CaseFile | None
    diagnostics: tuple[Diagnostic, ...]
    source: str
    root: Node | None
    file: str


def load_cases(text: str | bytes, file: str) -> LoadedCases:
    """Return the cases in `text`, and all that is wrong with it."""
    document = read(text, file)
    findings = list(document.diagnostics)
    cases: CaseFile | None = None
    if isinstance(document.root, Mapping):
        _drop_free_keys(document.root)
        cases, later = validate_as(CaseFile, document.root, file)
        findings += later
    elif document.root is not None:
        message = f"a test file is a mapping with `cases`, not {kind_of(document.root)}"
        findings.append(Diagnostic("wrong-type", "error", message, file, head(document.root)))
    return LoadedCases(cases if not findings else None, in_order(findings), document.source, document.root, file)


def load_case_file(path: Path) -> LoadedCases:
    """Return what `load_cases` makes of a file's content.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(MAXIMUM_BYTES + 1)
    return load_cases(content, str(path))


def definition_path(cases: CaseFile, path: Path) -> Path:
    """Return where the definition under test is: the file's own name without `.test` where it names none."""
    if cases.definition is not None:
        return path.parent / cases.definition
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix) + suffix.removeprefix(".test"))
    return path.with_suffix(".yaml")


def _drop_free_keys(node: Mapping) -> None:
    """Drop `x-…` at the top: free for the author, as in definitions."""
    for key in [key for key in node.entries if key.startswith("x-")]:
        del node.entries[key]
