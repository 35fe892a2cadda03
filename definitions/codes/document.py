"""How a text must look before it is a definition at all."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "text-too-large",
        "the text has more than 1 MiB",
        "A definition says what to do; long prompts, scripts and data belong into files of the workspace, "
        "which steps read.",
    ),
    Code(
        "not-utf8",
        "the file is not UTF-8",
        "Definitions are read as UTF-8, whatever the machine's locale. Save the file in that encoding.",
    ),
    Code(
        "forbidden-character",
        "a character that must not stand in a definition",
        "Control characters, a byte order mark, and characters that turn the direction of writing around "
        "make a text look different from what it means. Remove the character. Inside a double-quoted text it "
        'can be written as an escape, such as `"\\u200f"`.',
    ),
    Code(
        "empty-document",
        "there is nothing in the file",
        "A definition needs at least a `name` and one step. `perdure init` writes a first one.",
        Example("", "name: hello\nsteps:\n  - id: greet\n    type: shell\n    command: echo hello"),
    ),
    Code(
        "yaml-syntax",
        "the text is not YAML",
        "The parser stopped at the place shown. What usually helps: a text that holds `: ` or ` #`, or "
        "begins with one of `` @ ` % & * ! | > { [ ``, needs quotes; a text of several lines stands under "
        "`key: |`; lines are indented with spaces, never with tabs. Where it is sure that only one value is wrong, "
        "reading goes on behind it, so that other findings are shown too.",
        Example("command: echo key: value", 'command: "echo key: value"'),
    ),
    Code(
        "unquoted-template",
        "a template stands without quotes",
        "In YAML `{` begins a mapping, so a value that begins with `{{` needs quotes, and so does a text "
        "with `{{ }}` that holds `: `.",
        Example("path: {{ inputs.path }}", 'path: "{{ inputs.path }}"'),
    ),
    Code(
        "key-not-text",
        "a key is a list or a mapping",
        "Keys are texts. YAML would allow lists and mappings as keys; nothing in a definition has such keys.",
        Example("? [a, b]\n: 1", "a: 1\nb: 1"),
    ),
    Code(
        "duplicate-key",
        "a key stands twice in one mapping",
        "Most YAML readers take the last one silently, and half of what was written is lost. Keep one of the two.",
        Example("timeout: 5m\ntimeout: 10m", "timeout: 10m"),
    ),
    Code(
        "yaml-anchor",
        "an anchor, alias or merge key",
        "Definitions have no `&anchor`, `*alias` and `<<:`. They hide what a step says, and a small file "
        "with nested aliases can grow beyond all memory. Write the keys out, or put shared values into `env` "
        "or a `set` step. A text that begins with `*` or `&` needs quotes.",
        Example("inputs: [*.py]", 'inputs: ["*.py"]'),
    ),
    Code(
        "yaml-tag",
        "a YAML tag",
        "Tags such as `!!python/object`, `!Ref` or `!!str` are refused. Values are plain; quote a value to "
        "make it a text.",
        Example("version: !!str 1.10", 'version: "1.10"'),
    ),
    Code(
        "several-documents",
        "a second document begins in the file",
        "One file is one definition. Put each into a file of its own.",
    ),
    Code(
        "too-deep",
        "values are nested more than 40 deep",
        "No definition needs that; it is refused so that no reader of it can be exhausted.",
    ),
    Code(
        "too-many-nodes",
        "the file has more than 50,000 values",
        "Split the work into several definitions, or move data into files of the workspace.",
    ),
    Code(
        "ambiguous-scalar",
        "a value without quotes is something else than it looks like",
        "`1.10` is the number 1.1, `true` is a boolean, `010` is eight or ten depending on the reader, "
        "`.inf` is no value that JSON has. Where a text is wanted, quote it. (`yes`, `no`, `on`, `off`, "
        "dates and `12:30` are texts here, as YAML 1.2 says.)",
        Example("version: 1.10", 'version: "1.10"'),
    ),
)
