"""Bundles: a definition and all that it leads to, in one file of JSON.

    {"perdure_bundle": 1, "definition": "defs/release.yaml", "digest": …,
     "files": {path: text}, "names": {name: text}, "project": {path: text}, "content": …}

`files` keep their layout under the folder that holds them all; `names` are definitions that others refer to by name;
`project` is what agents' and skills' names mean. The same definition gives the same bundle, byte for byte, and a bundle
the same digest as what it was made from. A bundle comes from anywhere: `read_bundle` believes nothing of it, and
`unpack` writes all of it or nothing, inside the folder that it is given.
"""

import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from client.whole_files import write_whole
from definitions.diagnostics import Diagnostic
from definitions.library import FILE_SUFFIXES, Found, NotFound, Whole, load_whole, may_be_a_name, names_a_file
from definitions.values import canonical_json
from definitions.yaml_guard import MAXIMUM_BYTES

VERSION = 1
MOST_BYTES = 20_000_000
MOST_FILES = 300
_PROJECT_PATH = re.compile(
    r"\.perdure/agents\.yaml|\.claude/agents/[\w. -]{1,100}\.md|\.claude/skills/[\w. -]{1,100}/SKILL\.md"
)
_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"/\\|?*]{1,200}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class BadBundle(Exception):
    """A bundle that cannot be believed. `diagnostics` are the findings, where its definitions have errors."""

    def __init__(self, reason: str, whole: Whole | None = None) -> None:
        self.reason = reason
        self.diagnostics: tuple[Diagnostic, ...] = () if whole is None else whole.diagnostics
        self.sources: Mapping[str, str] = {} if whole is None else whole.sources
        super().__init__(reason)


class InTheWay(Exception):
    """Files are there already, with other content."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        super().__init__(", ".join(paths))


class Bundle(BaseModel):
    """What a bundle says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    perdure_bundle: int
    definition: str
    """The path of the first definition among `files`."""
    digest: str
    """Of all its definitions, normalised."""
    files: dict[str, str] = Field(max_length=MOST_FILES)
    names: dict[str, str] = Field(default={}, max_length=MOST_FILES)
    project: dict[str, str] = Field(default={}, max_length=MOST_FILES)
    content: str
    """The sha256 of all the rest."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of a bundle."""

    definition: Path
    whole: Whole
    written: list[Path] = field(default_factory=list[Path])
    """Files that were not there before, or were others."""


def pack(whole: Whole, path: Path, project: Mapping[str, str]) -> str:
    """Return the bundle of a definition without errors, whose file is `path`."""
    files = {path.name: whole.loaded.source}
    files |= {key: text for key, text in whole.texts.items() if names_a_file(key)}
    names = {key: text for key, text in whole.texts.items() if not names_a_file(key)}
    prefix = _prefix(files, path)
    placed = {posixpath.normpath(posixpath.join(prefix, key)): text for key, text in files.items()}
    body: dict[str, JsonValue] = {
        "perdure_bundle": VERSION,
        "definition": posixpath.normpath(posixpath.join(prefix, path.name)),
        "digest": whole.digest,
        "files": {**placed},
        "names": {**names},
        "project": {**project},
    }
    content = sha256(canonical_json(body).encode()).hexdigest()
    return json.dumps({**body, "content": content}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_bundle(text: bytes) -> tuple[Bundle, Whole]:
    """Return a bundle and its definitions, checked. Raises `BadBundle`."""
    if len(text) > MOST_BYTES:
        raise BadBundle(f"it is longer than {MOST_BYTES} bytes")
    try:
        body = json.loads(text, object_pairs_hook=_unique)
        bundle = Bundle.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadBundle(f"`{'.'.join(map(str, first['loc']))}`: {first['msg'].lower()}") from error
    except (ValueError, RecursionError) as error:
        raise BadBundle("it is not the JSON of a bundle") from error
    if bundle.perdure_bundle != VERSION:
        raise BadBundle(f"it is of version {bundle.perdure_bundle}, and this Perdure reads version {VERSION}")
    rest = {key: value for key, value in cast("dict[str, object]", body).items() if key != "content"}
    if sha256(_canonical(rest)).hexdigest() != bundle.content:
        raise BadBundle("its content is not what its digest says")
    _check_places(bundle)
    return bundle, _checked(bundle)


def unpack(bundle: Bundle, whole: Whole, into: Path, names_folder: Path, *, is_forced: bool = False) -> Unpacked:
    """Write what a bundle holds; what is there already with the same content stays.

    Raises:
        BadBundle: a place leads out of the folder.
        InTheWay: something else is there, and nothing was written.
        OSError: it cannot be written; what was new is removed again.
    """
    targets = dict(_targets(bundle, into, names_folder))
    for path, (root, _) in targets.items():
        _check_inside(path, root)
    wanted = {path: text for path, (_, text) in targets.items() if _content(path) != text.encode()}
    others = [str(path) for path in wanted if os.path.lexists(path)]
    if others and not is_forced:
        raise InTheWay(others)
    made: list[Path] = []
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            made += [] if path.exists() else [path]
            write_whole(path, text)
    except OSError:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return Unpacked(into / bundle.definition, whole, list(wanted))


def _prefix(files: Mapping[str, str], path: Path) -> str:
    """Return the first definition's folder, relative to the one that holds all files."""
    ups = max(key.split("/").count("..") for key in files)
    folders = path.resolve().parent.parts
    return posixpath.join(*folders[len(folders) - ups :]) if ups else ""


def _targets(bundle: Bundle, into: Path, names_folder: Path) -> Iterator[tuple[Path, tuple[Path, str]]]:
    """Yield where each text goes, and the folder that it must not leave."""
    for name, text in {**bundle.files, **bundle.project}.items():
        yield into / name, (into, text)
    from definitions.finders import Names

    known = Names()
    for name, text in bundle.names.items():
        try:
            content = known(name).text
        except NotFound:
            content = None
        if content != text:  # the catalog has those that it has
            yield names_folder / f"{name}.workflow.yml", (names_folder, text)


def _check_places(bundle: Bundle) -> None:
    """Raise `BadBundle` where a path could lead anywhere but below a folder, or two are one for some file system."""
    _check_kinds(bundle)
    seen: dict[str, str] = {}
    for path in (*bundle.files, *bundle.project):
        parts = path.split("/")
        is_sound = all(_is_sound(part) for part in parts) and len(parts) <= 20
        if not is_sound or len(path) > 500:
            raise BadBundle(f"the path `{path[:100]}` cannot be used")
        if seen.setdefault(path.casefold(), path) != path:
            raise BadBundle(f"`{path}` and `{seen[path.casefold()]}` differ in case only")
    for folded in seen:
        if any(other.startswith(f"{folded}/") for other in seen):
            raise BadBundle(f"`{seen[folded]}` is a file and a folder")


def _check_kinds(bundle: Bundle) -> None:
    """Raise `BadBundle` where something is no definition's file, name, or agent's text."""
    for path in bundle.files:
        if not path.endswith(FILE_SUFFIXES) or any(part.startswith(".") for part in path.split("/")):
            raise BadBundle(f"`{path}` is not the path of a definition")
    for path in bundle.project:
        if not _PROJECT_PATH.fullmatch(path):
            raise BadBundle(f"`{path}` is neither an agent's file nor a skill's")
    for name in bundle.names:
        if not may_be_a_name(name) or not _is_sound(name) or names_a_file(name):
            raise BadBundle(f"`{name[:100]}` cannot be the name of a definition")
    if bundle.definition not in bundle.files:
        raise BadBundle(f"it has no file `{bundle.definition[:100]}`, which it calls its definition")


def _is_sound(part: str) -> bool:
    is_plain = _PART.fullmatch(part) is not None and part.isprintable() and part not in (".", "..")
    return is_plain and not part.endswith((".", " ")) and not part.startswith(" ") and not _DEVICES.fullmatch(part)


def _checked(bundle: Bundle) -> Whole:
    """Return the definitions of a bundle. Raises `BadBundle` where they have errors, or are not those that it names."""
    folder = posixpath.dirname(bundle.definition)

    def find(key: str) -> Found:
        texts, place = (bundle.names, key) if not names_a_file(key) else (bundle.files, _placed(folder, key))
        if place not in texts:
            raise NotFound(f"the bundle does not hold `{key}`")
        return Found(texts[place], place)

    text = bundle.files[bundle.definition]
    if len(text.encode("utf-8", "surrogatepass")) > MAXIMUM_BYTES:
        raise BadBundle("its definition is too long")
    whole = load_whole(Found(text, bundle.definition), find, key=posixpath.basename(bundle.definition))
    if whole.definition is None:
        raise BadBundle("its definitions have errors", whole)
    if whole.digest != bundle.digest:
        raise BadBundle("its definitions are not those that its digest names")
    return whole


def _placed(folder: str, key: str) -> str:
    return posixpath.normpath(posixpath.join(folder, key))


def _check_inside(path: Path, root: Path) -> None:
    """Raise `BadBundle` where links on the way, or the file itself as a link, lead out of `root`."""
    if path.is_symlink():
        raise BadBundle(f"`{path}` is a link here, and links are not written through")
    place = path.parent
    while not place.exists() and not place.is_symlink() and place != place.parent:
        place = place.parent
    around = root
    while not around.exists() and around != around.parent:
        around = around.parent
    if not place.resolve().is_relative_to(around.resolve()):
        raise BadBundle(f"`{path}` leads out of `{root}`")


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except OSError:
        return None


def _canonical(value: object) -> bytes:
    return canonical_json(cast("JsonValue", value)).encode("utf-8", "surrogatepass")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
