import pytest

from activities.workspace.links import leads_out


@pytest.mark.parametrize(
    ("path", "links", "expected"),
    [
        ("a", {"a": "b"}, False),
        ("d/a", {"d/a": "../b"}, False),
        ("a", {"a": "../b"}, True),
        ("d/a", {"d/a": "../../b"}, True),
        ("a", {"a": "/etc/passwd"}, True),
        ("a", {"a": "x\0y"}, True),
        ("a", {"a": "b/../../c"}, True),
        ("a", {"a": "./b/./c//d"}, False),
        ("e", {"d": ".", "e": "d/.."}, True),
        ("e", {"d": "deep/er", "e": "d/../x"}, False),
        ("e", {"d": "/etc", "e": "d/passwd"}, True),
        ("a", {"a": "a"}, False),
        ("a", {"a": "b", "b": "a"}, False),
        ("a", {"a": "b/x", "b": "c/d/e"}, False),
        ("a", {"a": ""}, False),
    ],
)
def test_link_is_judged_over_the_whole_tree(path: str, links: dict[str, str], expected: bool) -> None:
    assert leads_out(path, links) is expected
