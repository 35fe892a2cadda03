"""Artifacts for tests, published without a run."""

from datetime import UTC, datetime

from activities.artifacts.versions import ArtifactVersion, Provenance, RetentionRule, publish_version
from activities.store.interface import Store
from activities.workspace.manifest import Entry, manifest_of, save_manifest

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def publish(store: Store, name: str, content: bytes = b"content", **facts: object) -> ArtifactVersion:
    """Publish a file; each call is a publication of its own."""
    return publish_version(store, draft(store, name, content, **facts))


def draft(store: Store, name: str, content: bytes = b"content", **facts: object) -> ArtifactVersion:
    """Return what a publication of a file would be."""
    made: dict[str, object] = {
        "name": name,
        "version": 0,
        "digest": store.write_blob(content),
        "size": len(content),
        "file_name": "report.txt",
        "media_type": "text/plain",
        "published_at": MOMENT,
        "published_by": Provenance(execution_id="run-1", step="make"),
        "publication": f"{name} {content!r} {facts}",
    }
    return ArtifactVersion.model_validate({**made, **facts})


def publish_folder(store: Store, name: str, files: dict[str, bytes]) -> ArtifactVersion:
    """Publish a folder."""
    entries = [Entry(path, "f", store.write_blob(content), len(content)) for path, content in files.items()]
    digest = save_manifest(store, manifest_of(entries))
    return publish(store, name, b"", kind="folder", digest=digest, files=len(files), file_name="dist")


def rule(versions: int | None = None, age: float | None = None) -> RetentionRule:
    """Return a retention rule."""
    return RetentionRule(versions=versions, age_seconds=age)


__all__ = ["MOMENT", "draft", "publish", "publish_folder", "rule"]
