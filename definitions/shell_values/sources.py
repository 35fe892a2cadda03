"""Where a script reads its values from: the environment, or a file where the kernel takes no variable that long.

    bash, sh        environment: `${PERDURE_V1}` is the value's text
                    file: a first command reads it into a variable of that name, which is not exported
    python, node    environment: an expression decodes the variable, which holds JSON
                    file: the expression reads the file instead

The file of a value lies in the folder `$PERDURE_VALUES` and has the variable's name; both are the executor's.
"""

from collections.abc import Iterable
from typing import Literal

Shell = Literal["bash", "sh"]
Program = Literal["python", "node"]
"""Interpreters whose values have types."""
Interpreter = Literal["bash", "sh", "python", "node"]

FOLDER_VARIABLE = "PERDURE_VALUES"

FROM_ENVIRONMENT: dict[Program, str] = {
    "python": '__import__("json").loads(__import__("os").environ["%s"])',
    "node": "globalThis.JSON.parse(globalThis.process.env.%s)",
}
"""Nothing in these can be hidden by a name that the script defines; neither needs brackets around it."""
_FROM_FILE: dict[Program, str] = {
    "python": '__import__("json").loads(__import__("pathlib").Path(__import__("os").environ["PERDURE_VALUES"], "%s")'
    ".read_bytes())",
    "node": 'globalThis.JSON.parse(require("fs").readFileSync(globalThis.process.env.PERDURE_VALUES + "/%s"))',
}
_READING = 'NAME="$(cat "$PERDURE_VALUES/NAME"; printf .)"; NAME="${NAME%.}"; '
"""The dot keeps line ends at the value's end, which `$( )` would drop."""


def from_files(text: str, interpreter: Interpreter, names: Iterable[str]) -> str:
    """Return the compiled script `text` with these of its variables read from files; no line moves."""
    if interpreter == "python" or interpreter == "node":
        for name in names:
            # exact: an author's script that mentions such a name itself is refused
            text = text.replace(FROM_ENVIRONMENT[interpreter] % name, _FROM_FILE[interpreter] % name)
        return text
    return "".join(_READING.replace("NAME", name) for name in names) + text
