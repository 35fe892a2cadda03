"""What `perdure init` writes: a definition to start from, and the schema where editors find it."""

import json
from pathlib import Path

from definitions.schema import json_schema

SCHEMA_FILE = ".perdure/schema.json"

HELLO = """\
# yaml-language-server: $schema=.perdure/schema.json
#
# Check it:  perdure validate hello.yaml
# Run it:    perdure run hello.yaml -i who=you
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


def first_files(folder: Path) -> dict[Path, str]:
    """Return path and content of each file."""
    settings = {"yaml.schemas": {SCHEMA_FILE: ["*.perdure.yaml", "hello.yaml"]}}
    return {
        folder / "hello.yaml": HELLO,
        folder / SCHEMA_FILE: json.dumps(json_schema(), indent=2) + "\n",
        folder / ".vscode" / "settings.json": json.dumps(settings, indent=2) + "\n",
    }
