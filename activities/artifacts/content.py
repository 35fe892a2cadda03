"""What an artifact is: a file's content or a tree; taken out of a workspace, made of a value, laid into a tree.

Nothing is copied here. A workspace is a manifest, so is a folder in it, and a step that fetches begins with a tree in
which the artifact lies already: laying out files is the checkouts' matter, with all that they guard against.
"""

import mimetypes
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from activities.artifacts.versions import ArtifactVersion
from activities.store.interface import Store
from activities.workspace.links import leads_out
from activities.workspace.manifest import (
    Entry,
    Manifest,
    is_git_path,
    load_manifest,
    manifest_of,
    parents,
    save_manifest,
)
from definitions.errors import ErrorClass, StepFailure
from definitions.inputs import is_inside_workspace
from definitions.stored_values import (
    FILE_KEY,
    FOLDER_KEY,
    file_reference,
    folder_reference,
    is_file_reference,
    is_folder_reference,
    is_value_reference,
)
from definitions.values import canonical_json

FOLDER_TYPE = "inode/directory"
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Content:
    """What is published; all of it is in the store."""

    kind: Literal["file", "folder"]
    digest: str
    size: int
    file_name: str
    files: int = 1
    executable: bool = False

    @property
    def media_type(self) -> str:
        """What kind of content its name promises."""
        if self.kind == "folder":
            return FOLDER_TYPE
        return mimetypes.guess_type(self.file_name)[0] or _UNKNOWN_TYPE


def content_at(store: Store, manifest: Manifest, path: str, what: str) -> Content:
    """Return the file or folder at a path of a tree. Blocks. Raises `StepFailure` (class `output`) without one."""
    normal = _inside(path, what, ErrorClass.OUTPUT)
    entry = manifest.by_path.get(normal)
    if entry is not None and entry.type == "f":
        return _file(entry, posixpath.basename(normal))
    if entry is not None and entry.type == "l":
        target = posixpath.normpath(posixpath.join(posixpath.dirname(normal), entry.target))
        linked = manifest.by_path.get(target)
        if linked is not None and linked.type == "f":
            return _file(linked, posixpath.basename(normal))
    below = list(_below(manifest, normal))
    if not below and not (entry is not None and entry.type == "d"):
        why = "is a link to no file of the workspace" if entry is not None else "was not made by the step"
        raise StepFailure(ErrorClass.OUTPUT, f"{what}: `{path}` {why}", {"path": path})
    return _folder(store, below, posixpath.basename(normal) if normal != "." else "workspace", what)


def content_of_value(store: Store, value: JsonValue, name: str) -> Content:
    """Return a value as content: a file or folder value is itself, a text a text file, all else JSON. Blocks."""
    base = posixpath.basename(name)
    if is_file_reference(value):
        file_name = posixpath.basename(str(value[FILE_KEY])) or base
        return Content("file", str(value["digest"]), _number(value, "size"), file_name)
    if is_folder_reference(value):
        file_name = posixpath.basename(str(value[FOLDER_KEY])) or base
        size, files = _number(value, "size"), _number(value, "files")
        return Content("folder", str(value["digest"]), size, file_name, files)
    if is_value_reference(value):
        return Content("file", str(value["$value"]), _number(value, "size"), f"{base}.json")
    text = value if isinstance(value, str) else canonical_json(value)
    content = text.encode("utf-8", "surrogatepass")
    file_name = f"{base}.txt" if isinstance(value, str) else f"{base}.json"
    return Content("file", store.write_blob(content), len(content), file_name if "." not in base else base)


def reference_to(version: ArtifactVersion) -> dict[str, JsonValue]:
    """Return the value that stands for an artifact in expressions."""
    if version.kind == "folder":
        return folder_reference(version.file_name, version.digest, version.size, version.files)
    return file_reference(version.file_name, version.digest, version.size)


def laid_into(store: Store, manifest: Manifest, version: ArtifactVersion, path: str) -> Manifest:
    """Return a tree with an artifact at `path`, in place of what is there. Blocks. Raises `StepFailure`."""
    what = f"artifact `{version.shown}`"
    normal = _inside(path, what, ErrorClass.ARTIFACT)
    if is_git_path(normal) or (normal == "." and version.kind == "file"):
        raise StepFailure(ErrorClass.ARTIFACT, f"{what}: nothing can be laid at `{path}`", {"path": path})
    kept = [] if normal == "." else [entry for entry in manifest.entries if not _is_at(entry.path, normal)]
    blocking = {entry.path for entry in kept if entry.type != "d"}.intersection(parents(normal))
    if blocking:
        message = f"{what} cannot be laid at `{path}`: `{min(blocking)}` is no folder"
        raise StepFailure(ErrorClass.ARTIFACT, message, {"path": path})
    if version.kind == "file":
        laid = [Entry(normal, "f", version.digest, version.size, version.executable)]
    else:
        prefix = "" if normal == "." else f"{normal}/"
        tree = load_manifest(store, version.digest)
        laid = [entry._replace(path=prefix + entry.path, ignored=False) for entry in tree.entries]
        if not laid:
            laid = [Entry(normal, "d")]
    return manifest_of([*kept, *laid])


def digests_of(store: Store, version: ArtifactVersion) -> Iterator[str]:
    """Yield the digests of all blobs that a version needs. Blocks. Raises `BlobMissing`."""
    yield version.digest
    if version.kind == "folder":
        for entry in load_manifest(store, version.digest).entries:
            if entry.type == "f":
                yield entry.digest


def _folder(store: Store, entries: list[Entry], name: str, what: str) -> Content:
    links = {entry.path: entry.target for entry in entries if entry.type == "l"}
    escaping = next((path for path in links if leads_out(path, links)), None)
    if escaping is not None:
        message = f"{what}: the link `{escaping}` leads out of the folder, so the folder cannot stand alone"
        raise StepFailure(ErrorClass.OUTPUT, message, {"path": escaping})
    tree = manifest_of(entries)
    files = [entry for entry in entries if entry.type == "f"]
    return Content("folder", save_manifest(store, tree), sum(one.size for one in files), name, len(files))


def _below(manifest: Manifest, folder: str) -> Iterator[Entry]:
    """Yield the entries of a folder with their paths in it; git's own are left out."""
    prefix = "" if folder == "." else f"{folder}/"
    for entry in manifest.entries:
        if entry.path.startswith(prefix) and not is_git_path(entry.path):
            yield entry._replace(path=entry.path[len(prefix) :], ignored=False)


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _inside(path: str, what: str, kind: ErrorClass) -> str:
    if not is_inside_workspace(path):
        raise StepFailure(kind, f"{what}: `{path[:200]}` lies outside the workspace", {"path": path[:200]})
    return posixpath.normpath(path)


def _file(entry: Entry, name: str) -> Content:
    return Content("file", entry.digest, entry.size, name, executable=entry.executable)


def _number(value: dict[str, JsonValue], key: str) -> int:
    found = value.get(key)
    return found if isinstance(found, int) else 0
