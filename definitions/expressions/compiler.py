"""From a syntax tree to closures, by an allow-list of nodes; what is not listed does not exist in the language.

A closure takes an `Evaluation` and returns a JSON value. Everything that can be known without values is found here:
references, calls, names of functions, numbers of arguments, and types that can never fit.
"""

import ast
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation
from definitions.expressions import operations
from definitions.expressions.calls import build_call, find_function
from definitions.expressions.code import Code, Run, constant
from definitions.expressions.paths import Key, Path, Span, look_up, look_up_name
from definitions.expressions.source import Source, syntax_error
from definitions.expressions.tree import Entry, Indexed, Listed, Mapped, Named, Tree
from definitions.functions.registry import ANY, LIST, OBJECT, TEXT, TypeSet
from definitions.values import bounded_number, type_name

DEPTH_LIMIT = 50  # a level takes about five frames, and Python has a thousand

_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_REFUSED = {
    "Lambda": "`lambda` is not part of the language",
    "ListComp": "comprehensions are not part of the language; compute lists in a shell step",
    "SetComp": "comprehensions are not part of the language; compute lists in a shell step",
    "DictComp": "comprehensions are not part of the language; compute objects in a shell step",
    "GeneratorExp": "comprehensions are not part of the language; compute lists in a shell step",
    "NamedExpr": "`:=` is not part of the language; compute values in a `set` step",
    "Starred": "`*` before an argument is not part of the language",
    "Tuple": "values with commas between them stand in brackets: `[a, b]`",
    "Set": "sets are not part of the language; write a list: `[a, b]`",
    "Slice": "slices are not part of the language; use `first`, `last` or an index",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression refers to: a path in the scope, as far as it is known without values."""

    parts: tuple[Key, ...]
    spans: tuple[Span, ...]
    """Where each part stands in the expression's text."""
    has_default: bool
    """Whether it stands inside `default(…)` or `exists(…)`, which take a missing value."""

    @property
    def position(self) -> int:
        """Where it begins."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, and where its name stands."""

    name: str
    position: int
    end: int


class Compiler:
    """Compiles one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.references: list[Reference] = []
        self.calls: list[Call] = []
        self.depth = 0
        self.defaults = 0
        self._wrapped = f"({source.plain})"
        self._bytes = None if source.plain.isascii() else self._wrapped.encode()

    def compile(self) -> Code:
        """Return the whole text, compiled.

        Raises:
            ExpressionError: it is not valid.
        """
        return self.node(self._tree())

    def _tree(self) -> ast.expr:
        length = len(self.source.text)
        try:
            return ast.parse(self._wrapped, mode="eval").body
        except SyntaxError as error:
            start = min(max((error.offset or 2) - 2, 0), length)
        except (MemoryError, RecursionError, ValueError):
            raise _too_deep(0, length) from None
        rest = self.source.text[start:].split(maxsplit=1)
        if not rest:
            end = len(self.source.text.rstrip())
            raise syntax_error("the expression ends too soon", end - 1, end)
        shown = rest[0][:20]
        raise syntax_error(f"the expression makes no sense at `{shown}`", start, start + len(shown))

    # --- places -------------------------------------------------------------------------------------

    def offset(self, column: int) -> int:
        """Return the offset into the author's text of a column that `ast` counts in bytes of the wrapped text."""
        return (column if self._bytes is None else len(self._bytes[:column].decode())) - 1

    def span(self, node: ast.expr) -> Span:
        """Return where a node stands in the author's text."""
        start, end = self.offset(node.col_offset), self.offset(node.end_col_offset or 0)
        return max(start, 0), min(end, len(self.source.text))

    def quote(self, span: Span) -> str:
        """Return a piece of the author's text as messages show it."""
        text = " ".join(self.source.text[span[0] : span[1]].split())
        return f"`{text if len(text) <= 60 else text[:57] + '…'}`"

    # --- nodes --------------------------------------------------------------------------------------

    def node(self, node: ast.expr) -> Code:
        """Return any node, compiled."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise _too_deep(*self.span(node))
        try:
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: ast.expr) -> Code:
        match node:
            case ast.Constant():
                return self.literal(node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.path(node)
            case ast.Call():
                return self.call(node)
            case ast.List():
                return self.list(node)
            case ast.Dict():
                return self.object(node)
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> Code:
        match node:
            case ast.Compare():
                return operations.comparison(self, node)
            case ast.BoolOp():
                return operations.junction(self, node)
            case ast.BinOp():
                return operations.arithmetic(self, node)
            case ast.UnaryOp():
                return operations.unary(self, node)
            case ast.IfExp():
                return operations.choice(self, node)
            case _:
                raise self.refused(node)

    def refused(self, node: ast.expr) -> ExpressionError:
        """Return the error of a node that the language does not have."""
        name = type(node).__name__
        if name == "Tuple" and not self.source.plain[self.offset(node.col_offset) :].strip(" ()"):
            return syntax_error("there is no expression between the brackets", *self.span(node))
        message = _REFUSED.get(name, f"{self.quote(self.span(node))} is not part of the language")
        return ExpressionError("expression-not-allowed", message, *self.span(node))

    def literal(self, node: ast.Constant) -> Code:
        """Return a number, string, boolean or null."""
        span = self.span(node)
        value: object = self.source.string_between(*span) if isinstance(node.value, str) else node.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                value = bounded_number(value)
            except ExpressionError as error:
                raise ExpressionError(error.code, error.message, *span) from None
        if not isinstance(value, str | int | float | None):
            raise ExpressionError("expression-not-allowed", f"{self.quote(span)} is not a JSON value", *span)
        return constant(value, span)

    def list(self, node: ast.List) -> Code:
        """Return a list in brackets."""
        codes = [self.node(item) for item in node.elts]
        runs = tuple(code.run for code in codes)
        tree = Listed(tuple(code.tree for code in codes), self.span(node))
        return Code(lambda evaluation: [run(evaluation) for run in runs], LIST, tree)

    def object(self, node: ast.Dict) -> Code:
        """Return an object in braces."""
        pairs: list[tuple[Run, Run]] = []
        entries: list[tuple[Tree, Tree]] = []
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                raise ExpressionError("expression-not-allowed", "`**` is not part of the language", *self.span(item))
            name, value = self.node(key), self.node(item)
            pairs.append((self.typed_code(name, TEXT, "a key of an object"), value.run))
            entries.append((name.tree, value.tree))

        def run(evaluation: Evaluation) -> JsonValue:
            return {str(key(evaluation)): item(evaluation) for key, item in pairs}

        return Code(run, OBJECT, Mapped(tuple(entries), self.span(node)))

    def typed_code(self, code: Code, types: TypeSet, what: str) -> Run:
        """Return code that gives one of `types`, or fails saying that `what` must."""
        wanted = " or ".join(sorted(types))
        shown = self.quote(code.span)
        inner = code.run

        def mismatch(found: str) -> ExpressionError:
            return ExpressionError(
                "type-mismatch", f"{what} must be a {wanted}, and {shown} is {operations.article(found)}", *code.span
            )

        if code.types and not code.types & types:
            raise mismatch(" or ".join(sorted(code.types)))

        def run(evaluation: Evaluation) -> JsonValue:
            value = evaluation.resolve(inner(evaluation))
            found = type_name(value)
            if found not in types:
                raise mismatch(found)
            return value

        return run

    # --- paths --------------------------------------------------------------------------------------

    def path(self, node: ast.Name | ast.Attribute | ast.Subscript) -> Code:
        """Return a look-up: names, fields and indexes, one after the other."""
        span = self.span(node)
        keys: list[Key] = []
        spans: list[Span] = []
        base: ast.expr = node
        while True:
            found = self.static_key(base)
            if found is None or not isinstance(base, ast.Attribute | ast.Subscript):
                break
            keys.insert(0, found[0])
            spans.insert(0, found[1])
            base = base.value
        path = Path(self.source.text, self.span(base)[0], tuple(keys), tuple(spans))
        if isinstance(base, ast.Name):
            return self.named_path(base, path, span)
        inner = self.index(base) if isinstance(base, ast.Subscript) else self.node(base)
        if not keys:
            return inner
        run = inner.run
        return Code(lambda evaluation: path.follow(evaluation, run(evaluation)), ANY, _entries(inner.tree, path, span))

    def static_key(self, node: ast.expr) -> tuple[Key, Span] | None:
        """Return the key that a field or index names, and its place, where it is known without values."""
        end = self.offset(node.end_col_offset or 0)
        if isinstance(node, ast.Attribute):
            start = end - len(node.attr)
            return self.source.text[start:end], (start, end)
        if not isinstance(node, ast.Subscript):
            return None
        span = self.span(node.slice)
        match node.slice:
            case ast.Constant(value=str()):
                return self.source.string_between(*span), span
            case ast.Constant(value=int(index)) if not isinstance(index, bool):
                return index, span
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(index))) if not isinstance(index, bool):
                return -index, span
            case _:
                return None

    def named_path(self, base: ast.Name, path: Path, span: Span) -> Code:
        """Return a look-up that begins at a name of the scope."""
        name_span = self.span(base)
        name = self.source.text[slice(*name_span)]
        if name in _LITERALS:
            if path.keys:
                raise ExpressionError("type-mismatch", f"`{name}` has no fields", *path.spans[0])
            return constant(_LITERALS[name], span)
        self.references.append(Reference((name, *path.keys), (name_span, *path.spans), self.defaults > 0))
        tree = _entries(Named(name, name_span), path, span) if path.keys else Named(name, name_span)
        return Code(_look_up(name, name_span[0], path), ANY, tree)

    def index(self, node: ast.Subscript) -> Code:
        """Return a look-up by a key that is itself computed."""
        holder, key = self.node(node.value), self.node(node.slice)
        holder_run, key_run, shown, key_span = holder.run, key.run, self.quote(holder.span), key.span

        def run(evaluation: Evaluation) -> JsonValue:
            value, wanted = evaluation.resolve(holder_run(evaluation)), evaluation.resolve(key_run(evaluation))
            try:
                return look_up(value, wanted)
            except ExpressionError as error:
                raise ExpressionError(error.code, f"{shown} {error.message}", *key_span) from None

        return Code(run, ANY, Indexed(holder.tree, key.tree, self.span(node)))

    # --- calls --------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Code:
        """Return a call: `f(x)`, or `x.f()` for functions that are methods."""
        span = self.span(node)
        if node.keywords:
            raise ExpressionError(
                "expression-not-allowed", "arguments have no names", *self.span(node.keywords[0].value)
            )
        arguments = list(node.args)
        match node.func:
            case ast.Name():
                name_span = self.span(node.func)
            case ast.Attribute():
                end = self.offset(node.func.end_col_offset or 0)
                name_span = (end - len(node.func.attr), end)
                arguments.insert(0, node.func.value)
            case _:
                raise ExpressionError("expression-not-allowed", "only functions of the language can be called", *span)
        name = self.source.text[slice(*name_span)]
        function = find_function(name, name_span, is_method=isinstance(node.func, ast.Attribute))
        self.calls.append(Call(name, *name_span))
        self.defaults += function.kind == "lazy"
        try:
            codes = [self.node(argument) for argument in arguments]
        finally:
            self.defaults -= function.kind == "lazy"
        return build_call(self, function, codes, span)


def _entries(tree: Tree, path: Path, span: Span) -> Tree:
    """Return the look-up of a path in `tree` that ends where `span` ends."""
    ends = [len(path.text[:start].rstrip(" \t\r\n.[")) for start, _ in path.spans[1:]]
    for key, key_span, end in zip(path.keys, path.spans, [*ends, span[1]], strict=True):
        tree = Entry(tree, key, key_span, (span[0], end))
    return tree


def _look_up(name: str, start: int, path: Path) -> Run:
    keys = path.keys

    def slowly(evaluation: Evaluation) -> JsonValue:
        return path.follow(evaluation, look_up_name(evaluation.scope, name, start), from_root=name)

    if not path.is_plain:
        return slowly

    def quickly(evaluation: Evaluation) -> JsonValue:
        try:
            value = evaluation.scope[name]
            for key in keys:
                value = cast("dict[Key, JsonValue]", value)[key]  # anything else raises, and is looked at slowly
        except (KeyError, TypeError, IndexError):
            return slowly(evaluation)
        return value

    return quickly


def _too_deep(start: int, end: int) -> ExpressionError:
    return ExpressionError("expression-too-deep", "the expression is nested too deep", start, end)
