"""`stop_when` of the stages dialect as a condition of the main language, over the last stage's output.

    $.done                   default(OUTPUT.done, false)
    $.verdict == 'good'      default(OUTPUT.verdict == 'good', false)
    stages.check.output.done == true, output.done, `${…}`     our own expressions, the same way

What is missing is "not done".
"""

import re
from collections.abc import Iterator

from definitions.dialects.rewriting import Edit, Vocabulary, changed, edits_in
from definitions.nodes import Scalar

_WORD = re.compile(
    r"(?P<string>'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<opening>\$\{)|(?P<closing>\})"
    r"|(?P<root>\$)(?=\s*(?:[.\[]|$|[=!<>)\s]))"
    r"|(?<![\w.])(?P<output>output)\b(?=\s*[.\[])"
    r"|(?P<and>&&)|(?P<or>\|\|)|(?P<braces>\{\{|\}\})"
)


def condition(node: Scalar, output: str, vocabulary: Vocabulary) -> Scalar:
    """Return the condition that `stop_when` means, where `output` is the last stage's in the main language."""
    text = str(node.value)
    translated = changed(node, _translated(text, output))
    renamed = changed(translated, edits_in(str(translated.value), vocabulary, is_expression=True))
    length = len(str(renamed.value))
    return changed(renamed, [Edit(0, 0, "default("), Edit(length, length, ", false)")])


def _translated(text: str, output: str) -> Iterator[Edit]:
    is_open = False
    for found in _WORD.finditer(text):
        match found.lastgroup:
            case "root" | "output":
                yield Edit(found.start(), found.end(), output)
            case "and":
                yield Edit(found.start(), found.end(), " and ")
            case "or":
                yield Edit(found.start(), found.end(), " or ")
            case "opening":
                is_open = True
                yield Edit(found.start(), found.end(), "(")
            case "closing" if is_open:
                is_open = False
                yield Edit(found.start(), found.end(), ")")
            case _:
                pass
