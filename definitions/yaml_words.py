"""What the YAML parser complains about, in the language's own words, with a way out."""

from typing import NamedTuple

IN_A_BLOCK = ("it is in the mapping that begins here", "it is in the list that begins here")
"""Contexts that say only where the reader was, not that something there is still open."""

_MESSAGES = {
    "could not find expected ':'": "this line has no `key:`, and it is not part of a text",
    "did not find expected key": "a key of the same mapping is wanted here, or one further out",
    "mapping values are not allowed in this context": "this `:` would begin a mapping in the middle of a value",
    "did not find expected '-' indicator": "an item of the list (`- …`) is wanted here, or a key further out",
    "found character that cannot start any token": "no value can begin with this character",
    "did not find expected alphabetic or numeric character": "a name is wanted after `&` or `*`",
    "did not find expected comment or line break": "after `|` or `>` the line must end",
    "did not find expected ',' or '}'": "a `,` or the closing `}` is wanted here",
    "did not find expected ',' or ']'": "a `,` or the closing `]` is wanted here",
    "did not find expected node content": "a value is wanted here",
    "found unexpected end of stream": "the file ends while a quoted text is open",
    "did not find expected <document start>": "the definition has ended before this",
    "found a tab character that violates indentation": "a tab stands where the line is indented",
    "found a tab character where an indentation space is expected": "a tab stands where the line is indented",
    "found unexpected ':'": "a `:` stands where a value is wanted",
    "block sequence entries are not allowed in this context": "no list can begin here",
    "found unknown escape character": "there is no such escape in double quotes",
}
_CONTEXTS = {
    "while parsing a block mapping": IN_A_BLOCK[0],
    "while parsing a block collection": IN_A_BLOCK[1],
    "while parsing a flow mapping": "the `{` is here",
    "while parsing a flow sequence": "the `[` is here",
    "while scanning a quoted scalar": "the text begins here",
    "while scanning a simple key": "it begins here",
    "while scanning a plain scalar": "the text begins here",
    "while scanning a block scalar": "the text begins here",
}


class Advice(NamedTuple):
    """A finding's code, message and way out."""

    code: str
    message: str
    help: str | None


def advice(problem: str, line: str, column: int) -> Advice:
    """Return what to say of the parser's complaint about a place in `line`."""
    message = _MESSAGES.get(problem) or (problem or "this is not YAML").rstrip(".")
    if "{{" in line[:column] and not line.lstrip().startswith(("#", '"', "'")):
        help_ = 'put the whole text into quotes: `key: "… {{ … }} …"`, or under `key: |`'
        return Advice("unquoted-template", "a text with `{{ }}` has no quotes, and reads as something else", help_)
    return Advice("yaml-syntax", message, _help(problem, line, column))


def context(words: str) -> str:
    """Return where the parser was, for a note."""
    return _CONTEXTS.get(words, words)


def _help(problem: str, line: str, column: int) -> str | None:
    character = line[column : column + 1]
    if "mapping values are not allowed" in problem:
        return "a text that has `: ` in it needs quotes, or stands under `key: |`"
    if "tab character" in problem or ("cannot start any token" in problem and character == "\t"):
        return "indent with spaces, not with tabs"
    if "cannot start any token" in problem:
        shown = "a backtick" if character == "`" else f"`{character}`"
        return f"a text that begins with {shown} needs quotes"
    if "unknown escape character" in problem:
        return "write the backslash twice, or use single quotes"
    if "invalid Unicode character escape" in problem:
        return r"write the character itself, or all of its number: `\U0001F600`"
    if "',' or '}'" in problem and character == ":" and len(line) > 1000:
        return "a key has at most 1,024 characters, and its `:` stands on the same line"
    if "expected ':'" in problem:
        return "is a quote missing, or is the line indented too little for the text above?"
    if "expected key" in problem or "expected '-'" in problem:
        return "is the line indented like its neighbours? a text with quotes inside needs the other kind around it"
    if "end of stream" in problem:
        return "close the text with the quote that it began with"
    return None
