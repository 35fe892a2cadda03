"""Which commands a script holds, for rules that give advice."""

import pytest

from definitions.shell_values import command_words


def found(text: str) -> list[str]:
    return [" ".join(word.text or f"{word.prefix}…" for word in command.words) for command in command_words(text)]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("git push && echo done", ["git push", "echo done"]),
        ("A=1 git 'push' \"origin\" > log 2>&1", ["git push origin"]),
        ("sudo -u bob timeout 5 git push", ["git push"]),
        ("env A=b npm publish --access public", ["npm publish --access public"]),
        ("uv publish dist/x", ["uv publish dist/x"]),
        ("uv run --with a twine upload x", ["twine upload x"]),
        ("if ! git diff; then (gh pr create); fi", ["git diff", "gh pr create"]),
        ('echo "$(git push)"', ["echo …", "git push"]),
        ("f() { terraform apply; }", ["terraform apply"]),
        ("find . -name x -exec rm {} +", ["find . -name x -exec rm {} +", "rm {} +"]),
        ("bash -ec 'git push; ls'", ["bash -ec git push; ls", "git push", "ls"]),
        ("eval 'git push'", ["eval git push", "git push"]),
        ("bash script.sh -c", ["bash script.sh -c"]),
        ("bash --norc", ["bash --norc"]),
        ("aws s3 cp a s3://{{ inputs.bucket }}/x", ["aws s3 cp a s3://…"]),
        ("cat <<EOF\ngit push\nEOF\n", ["cat"]),
        ("# git push\nls", ["ls"]),
        ("sudo", ["sudo"]),
        ("A=1", []),
        ("", []),
    ],
)
def test_commands_are_found_when_a_script_is_read(text: str, commands: list[str]) -> None:
    assert found(text) == commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("ls\necho $((a) | b)\ngit push", ["ls", "git push"]),
        ("ls\necho {{ 1 + }}\ngit push", ["ls", "git push"]),
        ("git push\necho 'open", ["git push"]),
        ("done\ngit push", ["git push"]),
        ("done", []),
    ],
)
def test_reading_goes_on_with_the_next_line_when_a_part_cannot_be_followed(text: str, commands: list[str]) -> None:
    assert found(text) == commands


def test_place_of_each_word_is_known_when_a_part_before_could_not_be_followed() -> None:
    text = "done\nsudo git 'push'\nsh -c 'ls'"
    places = [[text[word.start : word.end] for word in command.words] for command in command_words(text)]
    assert places == [["git", "'push'"], ["sh", "-c", "'ls'"], ["'ls'"]]


def test_name_has_no_folder_when_the_command_has_one() -> None:
    (command,) = command_words("/usr/bin/git push $x")
    assert (command.name, command.arguments) == ("git", ("push", None))


def test_name_is_empty_when_only_the_run_knows_it() -> None:
    (command,) = command_words("$tool push")
    assert command.name == ""


def test_reading_ends_when_code_is_nested_deep() -> None:
    text = "eval " * 50 + "'" + "eval \\'" * 50
    assert command_words(text)


def test_there_are_no_commands_when_the_script_is_a_program() -> None:
    assert command_words("git.push()", "python") == ()
    assert command_words("git push", "node") == ()
