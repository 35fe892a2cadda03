"""Writes one scalar in any of YAML's ways, and remembers where a marked part of it comes to stand.

`⟦` and `⟧` in a value mark the part: they are not written, and `unmarked` finds their places in a whole text.
"""

import random
from dataclasses import dataclass

OPEN, CLOSE = "⟦", "⟧"
STYLES = ("plain", "single", "double", "literal", "folded")


@dataclass(frozen=True)
class Marked:
    """A text, and what stands between the marks: line, first column, column after the last."""

    text: str
    line: int
    column: int
    end_column: int

    @property
    def shown(self) -> str:
        return self.text.split("\n")[self.line - 1][self.column - 1 : self.end_column - 1]


def unmarked(text: str) -> Marked:
    """Return a text without its marks; what goes over a line's end is taken up to there."""
    start = text.index(OPEN)
    end = text.index(CLOSE) - 1
    plain = text.replace(OPEN, "").replace(CLOSE, "")
    line = plain.count("\n", 0, start)
    begin = plain.rfind("\n", 0, start) + 1
    end = plain.index("\n", start) if "\n" in plain[start:end] else end
    return Marked(plain, line + 1, start - begin + 1, end - begin + 1)


def write(value: str, style: str, indent: int, chance: random.Random, *, is_flow: bool = False) -> str:
    """Return a value as it may stand after `key: `; `indent` is that of the key."""
    bare = value.replace(OPEN, "").replace(CLOSE, "")
    if style in ("literal", "folded") and (is_flow or bare != bare.strip() or " \n" in bare):
        style = "double"
    if style == "plain" and not _may_be_plain(bare, is_flow=is_flow):
        style = "single"
    if style == "single" and "\n" in bare:
        style = "double"
    margin = "\n" + " " * (indent + chance.choice([1, 2, 4]))
    match style:
        case "plain":
            return _folded(value, margin, chance)
        case "single":
            return "'" + _folded(value.replace("'", "''"), margin, chance) + "'"
        case "double":
            return '"' + _escaped(value, margin, chance) + '"'
        case "literal":
            return _header("|", chance) + _block(value.split("\n"), margin)
        case _:
            return _header(">", chance) + _block(_folded_lines(value, chance), margin)


def _may_be_plain(bare: str, *, is_flow: bool) -> bool:
    if bare != bare.strip() or "\n" in bare or ": " in bare or " #" in bare or bare.endswith(":"):
        return False
    return bare[0].isalpha() and not (is_flow and any(sign in bare for sign in ",[]{}"))


def _folded(value: str, margin: str, chance: random.Random) -> str:
    """Return a value with some of its single spaces written as line ends."""
    written = ""
    for index, character in enumerate(value):
        is_single = character == " " and " " not in (value[index - 1 : index], value[index + 1 : index + 2])
        is_inside = 0 < index < len(value) - 1 and "#" not in value[index + 1 : index + 2]
        written += margin if is_single and is_inside and chance.random() < 0.2 else character
    return written


def _escaped(value: str, margin: str, chance: random.Random) -> str:
    written = ""
    for index, character in enumerate(value):
        if character in (OPEN, CLOSE):
            written += character
        elif character == "\n":
            written += "\\n"
        elif character in '"\\':
            written += chance.choice(["\\" + character, f"\\x{ord(character):02x}"])
        elif character == " " and chance.random() < 0.1 and 0 < index < len(value) - 1:
            written += " \\" + margin if value[index + 1] != " " else " "
        elif character != " " and chance.random() < 0.15:
            written += chance.choice(_ways(character))
        else:
            written += character
    return written


def _ways(character: str) -> list[str]:
    number = ord(character)
    ways = [f"\\U{number:08x}"]
    if number < 0x10000:
        ways.append(f"\\u{number:04X}")
    if number < 0x100:
        ways.append(f"\\x{number:02x}")
    return ways


def _header(sign: str, chance: random.Random) -> str:
    return sign + chance.choice(["-", "", "+", "-  # a comment"])


def _block(lines: list[str], margin: str) -> str:
    return "".join(margin + line if line else "\n" for line in lines) + "\n"


def _folded_lines(value: str, chance: random.Random) -> list[str]:
    """Return lines that a folded block makes the value of."""
    lines: list[str] = []
    for index, line in enumerate(value.split("\n")):
        if index:
            lines.append("")
        lines += _folded(line, "\n", chance).split("\n")
    return lines
