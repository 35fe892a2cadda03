import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.workspace import git_sources
from activities.workspace.git_sources import GitPolicy, GitRefused, checked_transport, fetch_tree
from activities.workspace.restoring import restore
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import make, read

HERE = GitPolicy(allows_paths=True)


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init", "-q", "-b", "main")
    make(folder, {"a.txt": "one\n", "run*": "#!/bin/sh\n", "deep/b": "b", "link": "-> a.txt", ".gitignore": "kept\n"})
    make(folder, {"kept": "tracked all the same"})
    git(folder, "add", ".")
    git(folder, "add", "-f", "kept")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "v1")
    make(folder, {"a.txt": "two\n"})
    git(folder, "commit", "-qam", "second")
    return folder


def files(store: Store, url: str | Path, ref: str = "HEAD") -> dict[str, str]:
    found = fetch_tree(store, str(url), ref, HERE).manifest
    return {entry.path: store.read_blob(entry.digest).decode() for entry in found.visible() if entry.type == "f"}


def test_tree_is_that_of_the_commit_when_a_ref_is_given(store: Store, repository: Path, tmp_path: Path) -> None:
    fetched = fetch_tree(store, str(repository), "v1", HERE)
    assert fetched.commit == git(repository, "rev-parse", "v1")
    restore(store, fetched.manifest, tmp_path / "out")
    laid = {path: text for path, text in read(tmp_path / "out").items() if not path.startswith(".git/")}
    assert laid == {
        "a.txt": "one\n",
        "run*": "#!/bin/sh\n",
        "deep/b": "b",
        "link": "-> a.txt",
        ".gitignore": "kept\n",
        "kept": "tracked all the same",
    }
    assert git(tmp_path / "out", "status", "--porcelain") == ""
    assert git(tmp_path / "out", "config", "remote.origin.url") == str(repository)


@pytest.mark.parametrize("ref", ["HEAD", "main", "refs/heads/main", "the commit"])
def test_newest_files_come_when_a_branch_or_commit_is_named(store: Store, repository: Path, ref: str) -> None:
    ref = git(repository, "rev-parse", "HEAD") if ref == "the commit" else ref
    assert files(store, f"file://{repository}", ref)["a.txt"] == "two\n"


def test_commit_is_found_when_the_server_gives_only_branches(store: Store, repository: Path) -> None:
    first = git(repository, "rev-parse", "v1")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "false")
    assert files(store, repository, first)["a.txt"] == "one\n"


def test_tree_is_the_same_when_the_commit_is_fetched_again(store: Store, repository: Path) -> None:
    trees = [fetch_tree(store, str(repository), "HEAD", HERE).manifest.digest for _ in range(2)]
    assert trees[0] == trees[1]


def test_nothing_is_left_on_the_disk_when_it_is_done(store: Store, repository: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fetch_tree(store, str(repository), "HEAD", HERE, scratch)
    with pytest.raises(StepFailure):
        fetch_tree(store, str(repository), "no-such", HERE, scratch)
    assert list(scratch.iterdir()) == []


def test_no_program_is_run_when_repository_and_configuration_name_some(
    store: Store, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = tmp_path / "proof"
    evil = tmp_path / "evil"
    make(tmp_path, {"evil*": f"#!/bin/sh\ntouch {proof}\ncat\n"})
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (template / hook).symlink_to(evil)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f"[core]\n fsmonitor = {evil}\n hooksPath = {template}\n[init]\n templateDir = {template.parent}\n"
        f'[filter "f"]\n smudge = {evil}\n clean = {evil}\n'
    )
    make(repository, {".gitattributes": "* filter=f\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "filters")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(settings.read_text())
    assert files(store, repository)["a.txt"] == "two\n"
    assert not proof.exists()


def test_submodules_stay_behind_when_a_repository_has_them(store: Store, repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    git(inner, "commit", "-q", "--allow-empty", "-m", "x")
    git(repository, "submodule", "--quiet", "add", str(inner), "module")
    git(repository, "commit", "-qm", "module")
    found = fetch_tree(store, str(repository), "HEAD", HERE).manifest
    assert [entry.path for entry in found.visible() if entry.path.startswith("module")] == ["module"]
    assert found.by_path["module"].type == "d"


def test_failure_has_gits_words_when_the_ref_is_not_there(store: Store, repository: Path) -> None:
    with pytest.raises(StepFailure, match="couldn't find remote ref no-such; give a branch") as failure:
        fetch_tree(store, str(repository), "no-such", HERE)
    assert failure.value.error_class == ErrorClass.WORKSPACE


REFUSED = {
    "ext::sh -c evil": "is no address that is fetched",
    "fd::3": "is no address that is fetched",
    "ftp://x/y": "is no address that is fetched",
    "relative/path": "is no address that is fetched",
    "--upload-pack=evil": "is no address of a repository",
    "": "is no address of a repository",
    "https://x/\ny": "is no address of a repository",
    "https://u:secret@x/y": "carries a password",
    "https://token@x/y": "carries a password",
    "/tmp/x": "takes no repository of its own machine",
    "file:///tmp/x": "takes no repository of its own machine",
    "http://x/y": "does not fetch",
    "git://x/y": "does not fetch",
    "-oProxyCommand=evil:x": "is no address of a repository",
    "https://git.example.org.evil/team/x": "does not fetch",
    "https://git.example.org/other/x": "does not fetch",
    "https://git.example.org/team/../other/x": "does not fetch",
    "https://git.example.org/team/%2e%2e/other/x": "does not fetch",
}


@pytest.mark.parametrize("url", REFUSED)
def test_address_is_refused_when_the_setting_does_not_allow_it(url: str) -> None:
    with pytest.raises(GitRefused, match=REFUSED[url]) as refusal:
        checked_transport(url, GitPolicy(("ssh", "https://git.example.org/team/")))
    assert "secret" not in refusal.value.message
    assert "token" not in refusal.value.message


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("git@example.org:team/x.git", "ssh"),
        ("ssh://git@example.org/x", "ssh"),
        ("https://git.example.org/team/x", "https"),
        ("https://git.example.org/team", "https"),
    ],
)
def test_transport_is_told_when_the_address_is_allowed(url: str, transport: str) -> None:
    assert checked_transport(url, GitPolicy(("ssh", "https://git.example.org/team"))) == transport


@pytest.mark.parametrize("ref", ["--upload-pack=evil", "a..b", "a b", "a:b", "", "x\n", "a@{1}", "*"])
def test_ref_is_refused_when_it_is_none(store: Store, repository: Path, ref: str) -> None:
    with pytest.raises(GitRefused, match="is no branch, tag or commit"):
        fetch_tree(store, str(repository), ref, HERE)


class _Troubled(SimpleHTTPRequestHandler):
    """Serves a bare repository's files, after it has said 503 a few times."""

    troubles: int
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if type(self).troubles > 0:
            type(self).troubles -= 1
            self.send_error(503)
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(repository: Path, tmp_path: Path) -> Iterator[tuple[str, type[_Troubled]]]:
    bare = tmp_path / "served" / "r.git"
    git(repository, "clone", "-q", "--bare", str(repository), str(bare))
    git(bare, "update-server-info")
    handler = type("Handler", (_Troubled,), {"troubles": 0, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(bare.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/r.git", handler
    server.shutdown()
    server.server_close()


def test_fetch_is_tried_again_when_the_server_was_busy(
    store: Store, served: tuple[str, type[_Troubled]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_sources, "FIRST_WAIT_SECONDS", 0.01)
    url, handler = served
    handler.troubles = 2
    with pytest.raises(StepFailure, match="dumb http transport does not support shallow"):
        fetch_tree(store, url, "main", GitPolicy(("http",)))
    assert handler.troubles == 0
    assert len(handler.asked) > 2


def test_failure_is_told_when_the_server_stays_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_sources, "FIRST_WAIT_SECONDS", 0.01)
    with pytest.raises(StepFailure, match="cannot be fetched: fatal: unable to access"):
        fetch_tree(store, "http://127.0.0.1:1/r.git", "main", GitPolicy(("http",)))


def test_credentials_are_asked_for_in_words_when_the_server_wants_some(
    store: Store, served: tuple[str, type[_Troubled]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = served

    def refuse(self: _Troubled) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=x")
        self.end_headers()

    monkeypatch.setattr(handler, "do_GET", refuse)
    with pytest.raises(StepFailure, match="needs credentials"):
        fetch_tree(store, url, "main", GitPolicy(("http",)))


def test_failure_is_told_when_there_is_no_git(store: Store, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StepFailure, match="no program `git`"):
        fetch_tree(store, str(repository), "main", HERE)


def test_checkout_is_refused_when_a_commit_holds_a_path_of_gits_own(store: Store, repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    inner = subprocess.run(
        ["git", "-C", str(repository), "mktree"], input=f"100644 blob {blob}\tconfig\n", text=True, capture_output=True
    ).stdout.strip()
    tree = os.fsencode("40000 .GIT\0") + bytes.fromhex(inner)
    hashed = subprocess.run(
        ["git", "-C", str(repository), "hash-object", "-t", "tree", "--literally", "-w", "--stdin"],
        input=tree,
        capture_output=True,
        check=True,
    ).stdout.decode()
    commit = git(repository, "commit-tree", "-m", "evil", hashed.strip())
    git(repository, "update-ref", "refs/heads/evil", commit)
    with pytest.raises(StepFailure, match=r"cannot be laid out: .*\.GIT"):
        fetch_tree(store, str(repository), "evil", HERE)
