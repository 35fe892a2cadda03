"""Bytes that are not UTF-8, and characters that make a text look different from what it means."""

import gzip
import zlib
from collections.abc import Iterator

from tests.hostile.families.case import SOUND, STEPS, Case, refused, sound

OTHER_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "cp037")
BAD_BYTES = {
    "continuation byte alone": b"\x80",
    "first byte alone": b"\xc3",
    "overlong slash": b"\xc0\xaf",
    "overlong nul": b"\xc0\x80",
    "encoded surrogate": b"\xed\xa0\x80",
    "encoded surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "byte fe": b"\xfe",
    "latin-1 é": b"\xe9",
    "cut emoji": b"\xf0\x9f\x98",
    "gb18030": "中文".encode("gb18030"),
    "shift-jis": "日本語".encode("shift-jis"),
}
BINARIES = {
    "gzip": gzip.compress(b"a: 1\n" * 9),
    "zlib": zlib.compress(b"a" * 999),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(20),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(9),
    "zip": b"PK\x03\x04" + bytes(26),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "pickle": b"\x80\x04\x95\x10\x00",
    "nul bytes": bytes(1000),
    "ff bytes": b"\xff" * 1000,
    "every byte": bytes(range(256)),
}
FORBIDDEN = [
    *range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, 0x2028, 0x2029,
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, 0xFFFE, 0xFFFF,
]  # fmt: skip
ODD_BUT_SOUND = {
    "no-break space": "\u00a0", "zero width space": "\u200b", "joiner": "\u200d", "combining": "e\u0301" * 9,
    "tag characters": "\U000e0041\U000e007f", "private use": "\ue000", "unassigned": "\u0378", "emoji": "👩‍👩‍👧‍👦",
    "wide": "全角", "zalgo": "Z" + "\u0300\u0301\u0302" * 20, "soft hyphen": "\u00ad", "last plane": "\U0010fffd",
    "homoglyph": "раypal", "right-to-left": "שלום", "hangul filler": "\u3164", "braille blank": "\u2800",
    "variation selectors": "a\ufe0f\U000e0100", "musical": "\U0001d173", "interlinear": "\ufff9\ufffa\ufffb",
}  # fmt: skip


def cases() -> Iterator[tuple[str, Case]]:
    """Yield the cases of this family."""
    for name in OTHER_ENCODINGS[:6]:
        yield (
            f"encoded as {name}",
            refused(SOUND.encode(name), "forbidden-character" if "-" in name[4:] else "not-utf8"),
        )
    yield "encoded as utf-7", refused("name: é\n".encode("utf-7"), "missing-key")
    yield "encoded as ebcdic", refused(SOUND.encode("cp037"), "not-utf8")
    for name, content in BAD_BYTES.items():
        yield name, refused(b"name: a" + content + b"\n" + STEPS.encode(), "not-utf8")
        yield f"{name} at the end", refused(SOUND.encode() + b"# " + content, "not-utf8")
    for name, content in BINARIES.items():
        yield f"binary {name}", refused(content, "*")
    for number in FORBIDDEN:
        yield f"U+{number:04X} in a value", refused(f"name: a{chr(number)}b\n{STEPS}", "forbidden-character")
    for number in (0x00, 0x1B, 0x85, 0x202E, 0x2028, 0xFEFF):
        yield f"U+{number:04X} in a comment", refused(f"{SOUND}# {chr(number)}\n", "forbidden-character")
        yield f"U+{number:04X} as the key", refused(f"{SOUND}{chr(number)}: 1\n", "forbidden-character")
        yield f"U+{number:04X} as an escape", sound(f'{SOUND}description: "\\u{number:04x}"\n')
    for name, text in ODD_BUT_SOUND.items():
        yield f"{name} in a value", sound(f"{SOUND}description: a{text}b\n")
        yield f"{name} as a key", refused(f"{SOUND}a{text}b: 1\n", "unknown-key")
        yield f"{name} in an id", refused(SOUND.replace("id: a", f"id: a{text}b"), "invalid-value")
    yield "lone surrogate", refused("name: \ud800\n", "forbidden-character")
    yield "byte order mark", refused(b"\xef\xbb\xbf" + SOUND.encode(), "forbidden-character")
    yield "two byte order marks", refused(b"\xef\xbb\xbf" * 2 + SOUND.encode(), "forbidden-character")
    yield "windows line ends", sound(SOUND.replace("\n", "\r\n"))
    yield "old mac line ends", sound(SOUND.replace("\n", "\r"))
    yield "all line ends", sound("name: a\r\nsteps:\r  - {id: a, type: wait,\n    duration: 1s}\n\r")
    yield "no last line end", sound(SOUND.rstrip("\n"))
    yield "tab as indentation", refused("name: a\nsteps:\n\t- {id: a, type: wait, duration: 1s}\n", "yaml-syntax")
    yield "tab after the colon", sound(SOUND.replace("name: ", "name:\t"))
    yield "tab at the line's end", sound(SOUND.replace("hostile", "hostile\t"))
    yield "form feed", refused(SOUND + "\f", "forbidden-character")
