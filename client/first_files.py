"""What `perdure init` writes: a definition and its tests to start from, schemas, and settings that lead to them.

    hello.yaml, hello.test.yaml      once; what is there is the author's
    .perdure/*.json                  the schemas; written anew by a newer Perdure, unless somebody else's
    .vscode/*.json                   only added to, comments and all else as they were

Other editors need no settings: the first line of each file names its schema to every yaml-language-server.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from client.settings_files import with_added
from definitions.schema import CASES_TITLE, TITLE, cases_schema, json_schema

SCHEMA_FILE = ".perdure/schema.json"
CASES_SCHEMA_FILE = ".perdure/test-schema.json"

HELLO = """\
# yaml-language-server: $schema=.perdure/schema.json
#
# Check it:  perdure validate hello.yaml
# Test it:   perdure test hello.yaml
# Run it:    perdure run ./hello.yaml -i who=you
# Run it again: the first step comes from the cache.

name: hello
description: Say hello, check what was said, and keep it
inputs:
  who: {type: string, default: world, description: Who is greeted}

steps:
  # A shell step gets each value as an environment variable, whatever it contains: no quoting, no injection.
  - id: greet
    type: shell
    command: echo "hello {{ inputs.who }}" | tee greeting.txt
    artifacts: {greeting: greeting.txt}
    cache: {inputs: []} # nothing in the folder matters, so another run with the same `who` is a hit

  # An assertion costs nothing and stops the run where it does not hold.
  - id: was_polite
    type: assert
    condition: steps.greet.outputs.stdout != ""
    message: nothing was said

outputs:
  greeting: {type: artifact, value: "{{ steps.greet.artifacts.greeting }}"}
"""

HELLO_TESTS = """\
# yaml-language-server: $schema=.perdure/test-schema.json
#
# Tests of hello.yaml. No server, no shell: the steps answer what the stubs say.

cases:
  - name: the greeting is kept
    inputs: {who: Ada}
    stubs:
      greet:
        outputs: {stdout: hello Ada}
        files: {greeting.txt: "hello Ada\\n"}
    expect:
      path: [greet, was_polite]
      outputs: {greeting: greeting.txt}

  - name: silence stops the run
    stubs:
      greet: {outputs: {stdout: ""}, files: {greeting.txt: ""}}
    expect:
      status: failed
      error: {step: was_polite, type: assertion, message: nothing was said}
"""

SETTINGS: dict[str, JsonValue] = {
    "yaml.schemas": {
        SCHEMA_FILE: ["hello.yaml", "*.perdure.yaml"],
        CASES_SCHEMA_FILE: ["hello.test.yaml", "*.perdure.test.yaml"],
    }
}
EXTENSIONS: dict[str, JsonValue] = {"recommendations": ["redhat.vscode-yaml"]}


@dataclass(frozen=True, slots=True)
class FirstFile:
    """A file to write; `renewed` says what becomes of the text of one that is there already (by default nothing).

    `renewed` raises `client.settings_files.NotSettingsError` where it cannot read that text.
    """

    path: Path
    content: str
    renewed: Callable[[str], str] = str


def first_files(folder: Path) -> list[FirstFile]:
    """Return the files, in the order in which people should look at them.

    A `hello.yaml` of somebody's own gets no tests of ours.
    """
    hello = folder / "hello.yaml"
    is_ours = not hello.exists() or hello.read_bytes() == HELLO.encode()
    return [
        FirstFile(hello, HELLO),
        *([FirstFile(folder / "hello.test.yaml", HELLO_TESTS)] if is_ours else []),
        _schema(folder / SCHEMA_FILE, TITLE, json_schema()),
        _schema(folder / CASES_SCHEMA_FILE, CASES_TITLE, cases_schema()),
        _settings(folder / ".vscode/settings.json", SETTINGS),
        _settings(folder / ".vscode/extensions.json", EXTENSIONS),
    ]


def _schema(path: Path, title: str, schema: dict[str, JsonValue]) -> FirstFile:
    content = _json(schema)

    def renewed(text: str) -> str:
        return content if not text.strip() or _title(text) == title else text

    return FirstFile(path, content, renewed)


def _title(text: str) -> JsonValue:
    try:
        there: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return there.get("title") if isinstance(there, dict) else None


def _settings(path: Path, settings: dict[str, JsonValue]) -> FirstFile:
    return FirstFile(
        path, _json(settings), lambda text: with_added(text, settings) if text.strip() else _json(settings)
    )


def _json(value: JsonValue) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
