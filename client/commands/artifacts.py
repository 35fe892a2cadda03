"""`artifacts list | get | tag | delete`: what runs have published, read from the store alone."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.asking import confirmed
from client.exit_codes import ExitCode
from client.messages import artifact_words, asking_words, file_words
from client.options import json_option, profile_option, read_duration, read_execution_id
from client.output import Problem, one_line, say, write_json, write_table
from client.starting import user_name

if TYPE_CHECKING:
    from activities.artifacts.versions import ArtifactVersion
    from activities.store.interface import Store
    from definitions.artifact_names import ArtifactReference

LONGEST_LINK = timedelta(minutes=15)

_reference = click.argument("reference", metavar="NAME[@VERSION|@TAG]")
_run = click.option("--run", "execution_id", metavar="ID", callback=read_execution_id, help="What this run kept.")


@click.group(short_help="List, get, tag and delete published artifacts.")
def artifacts() -> None:
    """List, get, tag and delete published artifacts."""


@artifacts.command("list", short_help="List artifacts, or the versions of one.")
@click.argument("reference", metavar="[NAME[@VERSION|@TAG]]", required=False)
@_run
@json_option()
@profile_option
def list_artifacts(reference: str | None, execution_id: str | None, as_json: bool, profile: str | None) -> ExitCode:
    """List artifacts with their newest version, the versions of one, or all that is known of one version."""
    from client.artifact_tables import names_table, of_run, one_version, run_table, versions_table

    if execution_id is not None:
        kept = of_run(execution_id, profile)
        write_json(kept) if as_json else run_table(kept)
        return ExitCode.SUCCESS
    store = _store(profile)
    if reference is None:
        found, table = names_table(store)
    elif "@" in reference:
        found, table = one_version(store, _found(store, _parsed(reference)))
    else:
        found, table = versions_table(store, _found(store, _parsed(reference)).name)
    if as_json:
        write_json(found)
    elif not table.rows:
        say(artifact_words.NO_ARTIFACTS)
    else:
        write_table(table.heads, table.rows)
    return ExitCode.SUCCESS


@artifacts.command(short_help="Write an artifact to a file or folder.")
@_reference
@click.option("--to", "target", metavar="PATH", help="Where it shall be; `-` is stdout. Absent: its own name, here.")
@_run
@click.option("--step", metavar="STEP", help="With --run: which step's, where several kept that name.")
@click.option("--link", is_flag=True, help="Print a link for a browser in place of it; whoever has it may read it.")
@click.option(
    "--expires", metavar="DURATION", default="15m", callback=read_duration, help="How long a link is good; at most 15m."
)
@json_option("Print as JSON what was written and where.")
@profile_option
def get(
    reference: str,
    target: str | None,
    execution_id: str | None,
    step: str | None,
    link: bool,
    expires: timedelta,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Write an artifact to a file or folder, checked against its digest. What is there is never overwritten."""
    store = _store(profile)
    if execution_id is None:
        version = _found(store, _parsed(reference))
    else:
        from client.artifact_tables import kept_as_version

        version = kept_as_version(execution_id, reference, step, profile)
    if link:
        return _link(store, version, expires, as_json=as_json)
    if target == "-":
        _to_stdout(store, version)
        return ExitCode.SUCCESS
    path = _place(target, version)
    _write(store, version, path)
    if as_json:
        write_json({"path": str(path), **version.model_dump(mode="json", exclude={"publication"})})
    else:
        say(artifact_words.artifact_written(one_line(version.shown), path))
    return ExitCode.SUCCESS


@artifacts.command(short_help="Set or remove a tag.")
@_reference
@click.argument("tag")
@click.option("--remove", is_flag=True, help="Have the tag stand nowhere.")
@click.option("--by", default=user_name, show_default="the user's name", help="Who does it; it is recorded.")
@json_option()
@profile_option
def tag(reference: str, tag: str, remove: bool, by: str, as_json: bool, profile: str | None) -> ExitCode:
    """Have TAG stand at a version: the newest, where none is named. A tag that stands elsewhere moves."""
    from activities.artifacts.tags import remove_tag, set_tag
    from definitions.artifact_names import tag_fault

    fault = tag_fault(tag)
    if fault is not None:
        raise Problem(fault, code=ExitCode.USAGE, slug="bad-artifact")
    store, asked = _store(profile), _parsed(reference)
    now = datetime.now(UTC)
    if remove:
        stood = remove_tag(store, asked.name, tag, now=now, by=by)
        if stood is None:
            raise Problem(artifact_words.unknown_tag(asked.name, tag), slug="unknown-tag")
        _say_tag(asked.name, tag, None, stood.version, as_json=as_json)
        return ExitCode.SUCCESS
    version = _found(store, asked)
    stood = set_tag(store, version.name, tag, version.version, now=now, by=by)
    _say_tag(version.name, tag, version.version, None if stood is None else stood.version, as_json=as_json)
    return ExitCode.SUCCESS


@artifacts.command(short_help="Delete a version, or all of them.")
@click.argument("reference", metavar="NAME@VERSION")
@click.option("--all", "whole", is_flag=True, help="All versions of NAME.")
@click.option("--force", is_flag=True, help="Also what a tag stands at; the tag goes too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@profile_option
def delete(reference: str, whole: bool, force: bool, yes: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Delete a version. Its number is never given again, so that no reference ever means another one."""
    from activities.artifacts.tags import remove_tag, tags_of
    from activities.artifacts.versions import delete_version, version_numbers

    store, asked = _store(profile), _parsed(reference)
    if whole == ("@" in reference):
        message = f"`{reference}` does not say which version"
        remedy = f"write `{asked.name}@3`, or `{asked.name} --all`"
        raise Problem(message, code=ExitCode.USAGE, slug="usage", remedy=remedy)
    numbers = version_numbers(store, asked.name) if whole else [_number(store, asked)]
    standing = {name: stands for name, stands in tags_of(store, asked.name) if stands.version in numbers}
    if standing and not force:
        remedy = f"`perdure artifacts tag {asked.name} TAG --remove` first, or `--force`"
        raise Problem(artifact_words.tagged(reference, sorted(standing)), slug="tagged", remedy=remedy)
    if numbers and not yes:
        question = artifact_words.confirm_delete_artifact(reference, len(numbers), store.location)
        if not confirmed(question):
            say(asking_words.NOTHING_DONE)
            return ExitCode.SUCCESS
    for name in standing:
        remove_tag(store, asked.name, name, now=datetime.now(UTC), by=user_name())
    gone = [number for number in numbers if delete_version(store, asked.name, number)]
    write_json({"name": asked.name, "deleted": gone}) if as_json else say(artifact_words.artifacts_deleted(len(gone)))
    return ExitCode.SUCCESS


def _store(profile: str | None) -> Store:
    from client.connection import offline_store

    return offline_store(profile)


def _parsed(reference: str) -> ArtifactReference:
    from definitions.artifact_names import parse_reference

    try:
        return parse_reference(reference)
    except ValueError as error:
        raise Problem(str(error), code=ExitCode.USAGE, slug="bad-artifact") from error


def _found(store: Store, reference: ArtifactReference) -> ArtifactVersion:
    from activities.artifacts.step_artifacts import not_there, resolve

    version = resolve(store, reference)
    if version is None:
        raise Problem(not_there(store, reference), slug="unknown-artifact")
    return version


def _number(store: Store, reference: ArtifactReference) -> int:
    """Return the version that shall go; by its number also one whose record is damaged."""
    return reference.version if reference.version is not None else _found(store, reference).version


def _place(target: str | None, version: ArtifactVersion) -> Path:
    if target is None:
        return Path(version.file_name)
    path = Path(target)
    return path / version.file_name if target.endswith("/") else path


def _write(store: Store, version: ArtifactVersion, path: Path) -> None:
    from activities.artifacts.getting import InTheWay
    from activities.artifacts.getting import get as write

    try:
        write(store, version, path)
    except InTheWay as error:
        remedy = "remove it, or write elsewhere with `--to PATH`"
        raise Problem(artifact_words.artifact_taken(path), slug="in-the-way", remedy=remedy) from error
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error


def _to_stdout(store: Store, version: ArtifactVersion) -> None:
    """Write a file's content to stdout, once all of it is known to be sound."""
    import tempfile

    if version.kind == "folder":
        remedy = f"`perdure artifacts get {version.shown} --to FOLDER`"
        raise Problem(artifact_words.no_link_to_folder(version.shown), code=ExitCode.USAGE, slug="usage", remedy=remedy)
    with tempfile.TemporaryDirectory(prefix="perdure-artifact-") as folder:
        path = Path(folder) / "content"
        _write(store, version, path)
        with path.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _link(store: Store, version: ArtifactVersion, expires: timedelta, *, as_json: bool) -> ExitCode:
    remedy = f"`perdure artifacts get {version.shown}` writes it to a file"
    if version.kind == "folder":
        raise Problem(artifact_words.no_link_to_folder(version.shown), slug="no-link", remedy=remedy)
    seconds = int(min(expires, LONGEST_LINK).total_seconds())
    link = store.link_to(version.digest, seconds, version.file_name, version.media_type)
    if link is None:
        raise Problem(artifact_words.no_link(version.shown, store.location), slug="no-link", remedy=remedy)
    write_json({"link": link, "expires_in": seconds}) if as_json else click.echo(link)
    return ExitCode.SUCCESS


def _say_tag(name: str, tag: str, version: int | None, before: int | None, *, as_json: bool) -> None:
    if as_json:
        write_json({"name": name, "tag": tag, "version": version, "before": before})
    elif version is None:
        say(artifact_words.tag_removed(name, tag, before or 0))
    else:
        say(artifact_words.tag_moved(name, tag, version, before))
