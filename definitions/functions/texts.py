"""Functions on strings."""

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation
from definitions.functions.registry import BOOLEAN, LIST, TEXT, Parameter, TypeSet, function
from definitions.operators import Mismatch, is_in
from definitions.patterns import TEXT_LIMIT, PatternError, compile_pattern
from definitions.values import RESULT_LIMIT, to_text, type_name, with_article

_HOLDER: TypeSet = frozenset({"string", "list", "object"})


@function("lower", Parameter("text", TEXT), result=TEXT, is_method=True, example='lower("ABC")', gives='"abc"')
def lower(text: str) -> JsonValue:
    """The text in lower case."""
    return text.lower()


@function("upper", Parameter("text", TEXT), result=TEXT, is_method=True, example='upper("abc")', gives='"ABC"')
def upper(text: str) -> JsonValue:
    """The text in upper case."""
    return text.upper()


@function("trim", Parameter("text", TEXT), result=TEXT, is_method=True, example='trim("  a b\\n")', gives='"a b"')
def trim(text: str) -> JsonValue:
    """The text without white space at both ends."""
    return text.strip()


@function(
    "startswith",
    Parameter("text", TEXT),
    Parameter("beginning", TEXT),
    result=BOOLEAN,
    is_method=True,
    example='startswith("release/1.2", "release/")',
    gives="true",
)
def startswith(text: str, beginning: str) -> JsonValue:
    """Whether the text begins so."""
    return text.startswith(beginning)


@function(
    "endswith",
    Parameter("text", TEXT),
    Parameter("end", TEXT),
    result=BOOLEAN,
    is_method=True,
    example='endswith("notes.md", ".md")',
    gives="true",
)
def endswith(text: str, end: str) -> JsonValue:
    """Whether the text ends so."""
    return text.endswith(end)


@function(
    "matches",
    Parameter("text", TEXT),
    Parameter("pattern", TEXT),
    result=BOOLEAN,
    kind="evaluation",
    is_method=True,
    example='matches("v1.20", "v\\d+[.]\\d+")',
    gives="true",
)
def matches(evaluation: Evaluation, text: str, pattern: str) -> JsonValue:
    r"""Whether the whole text (at most 1,000 characters) fits a regular expression.

    There are literals, `.`, `[…]`, `\d \w \s` and their opposites, `( )`, `|`, `* + ? {n,m}`, `^ $`. Matching takes
    time linear in the text, so there are no back-references and no look-around. To search inside, write `.*` at both
    ends.
    """
    if len(text) > TEXT_LIMIT:
        raise ExpressionError("bad-argument", f"`matches` takes texts of at most {TEXT_LIMIT} characters")
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        raise ExpressionError("bad-pattern", f"the pattern `{pattern}` cannot be used: {error}") from None
    evaluation.charge(len(text) * len(compiled.states))
    return compiled.matches(text)


@function(
    "replace",
    Parameter("text", TEXT),
    Parameter("old", TEXT),
    Parameter("new", TEXT),
    result=TEXT,
    is_method=True,
    example='replace("a-b-c", "-", "/")',
    gives='"a/b/c"',
)
def replace(text: str, old: str, new: str) -> JsonValue:
    """The text with each `old` (not empty) replaced by `new`."""
    if not old:
        raise ExpressionError("bad-argument", "`replace` cannot replace an empty text")
    if len(text) + text.count(old) * (len(new) - len(old)) > RESULT_LIMIT:
        raise ExpressionError("result-too-big", f"the text would be over {RESULT_LIMIT // 1024} KiB")
    return text.replace(old, new)


@function(
    "split",
    Parameter("text", TEXT),
    Parameter("separator", TEXT, is_optional=True),
    result=LIST,
    items=TEXT,
    is_method=True,
    example='split("a,b,c", ",")',
    gives='["a", "b", "c"]',
)
def split(text: str, separator: str | None = None) -> JsonValue:
    """The parts of the text between separators; without a separator, its words."""
    if separator == "":
        raise ExpressionError("bad-argument", "`split` needs a separator that is not empty")
    return list(text.split(separator))


@function(
    "lines",
    Parameter("text", TEXT),
    result=LIST,
    items=TEXT,
    is_method=True,
    example='lines("a\\nb\\n")',
    gives='["a", "b"]',
)
def lines(text: str) -> JsonValue:
    """The lines of the text, without their ends."""
    return list(text.splitlines())


@function(
    "join",
    Parameter("items", LIST),
    Parameter("separator", TEXT, is_optional=True),
    result=TEXT,
    depth="whole",
    is_method=True,
    example='join(["a", 1, true], ", ")',
    gives='"a, 1, true"',
)
def join(items: list[JsonValue], separator: str = "") -> JsonValue:
    """The items as one text, as they would stand in a template, with the separator between them."""
    texts = [to_text(item) for item in items]
    if sum(map(len, texts)) + len(separator) * len(texts) > RESULT_LIMIT:
        raise ExpressionError("result-too-big", f"the text would be over {RESULT_LIMIT // 1024} KiB")
    return separator.join(texts)


@function("slug", Parameter("text", TEXT), result=TEXT, is_method=True, example='slug("Fix: Äpfel & 3 pears!")',
          gives='"fix-pfel-3-pears"')  # fmt: skip
def slug(text: str) -> JsonValue:
    """The text as a name for branches, files and ids: lower case ASCII letters and digits, `-` for all else."""
    parts = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return "-".join(parts)


@function(
    "contains",
    Parameter("whole", _HOLDER),
    Parameter("part"),
    result=BOOLEAN,
    depth="whole",
    kind="evaluation",
    is_method=True,
    example='contains("feature/x", "feature")',
    gives="true",
)
def contains(evaluation: Evaluation, whole: JsonValue, part: JsonValue) -> JsonValue:
    """Whether the text has that part, the list that item, the object that key: `part in whole`."""
    try:
        return is_in(evaluation, part, whole)
    except Mismatch as mismatch:
        message = f"{with_article(type_name(whole))} cannot contain {with_article(type_name(part))}"
        advice = f"; {mismatch.advice}" if mismatch.advice else ""
        raise ExpressionError("type-mismatch", message + advice) from None
