import subprocess
from pathlib import Path

import pytest

from tools.check_links import anchors, dead_links, links


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def test_links_are_found_when_they_have_titles_and_pictures() -> None:
    assert links('[a](b.md "title") ![c](d.svg) [e](<f.md>)') == ["b.md", "d.svg", "f.md"]


def test_links_in_code_are_not_links() -> None:
    assert links("`[a](b.md)`\n\n```\n[c](d.md)\n```\n[e](f.md)") == ["f.md"]


def test_anchors_are_numbered_when_headings_repeat() -> None:
    assert anchors("# A `b`, c!\n## Twice\n## Twice\n```\n# not one\n```\n") == {"a-b-c", "twice", "twice-1"}


def test_anchors_are_found_when_written_as_html() -> None:
    assert anchors('<a id="here"></a>') == {"here"}


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("missing.md", "no such file"),
        ("other.md#nowhere", "no such heading"),
        ("#nowhere", "no such heading"),
        ("../../outside.md", "outside the repository"),
    ],
)
def test_a_link_is_dead_when_it_leads_nowhere(repository: Path, link: str, why: str) -> None:
    (repository / "other.md").write_text("# Here\n")
    (repository / "page.md").write_text(f"# Page\n[x]({link})\n")
    assert dead_links(repository) == [f"page.md: {link} ({why})"]


@pytest.mark.parametrize("link", ["other.md", "other.md#here", "#page", "docs/", "mailto:a@b.invalid", "file.py#L3"])
def test_a_link_lives_when_it_leads_somewhere(repository: Path, link: str) -> None:
    (repository / "docs").mkdir()
    (repository / "file.py").touch()
    (repository / "other.md").write_text("# Here\n")
    (repository / "page.md").write_text(f"# Page\n[x]({link})\n")
    assert dead_links(repository) == []


def test_a_page_that_git_ignores_is_not_checked(repository: Path) -> None:
    (repository / ".gitignore").write_text("build/\n")
    (repository / "build").mkdir()
    (repository / "build" / "page.md").write_text("[x](missing.md)")
    assert dead_links(repository) == []
