"""Which scripts are refused because of their values, and which are not."""

import pytest

from definitions.shell_values import ShellValueError, check_script, compile_script

REFUSED = {
    # quoting that cannot be followed
    "echo `cat {{ X }}`": "backticks",
    'echo "`cat {{ X }}`"': "backticks",
    "echo \\{{ X }}": "backslash",
    'echo "\\{{ X }}"': "backslash",
    "echo ${{ X }}": "`$`",
    'echo $"{{ X }}"': "`$\"…\"`",
    "echo ${y:-{{ X }}}": "`${ }`",
    'echo "${y:-{{ X }}}"': "`${ }`",
    "echo $(( {{ X }} ))": "arithmetic",
    "echo ${y:-${{ X }}}": "`$`",
    "echo $(( $(echo {{ X }}) ))": "arithmetic",
    "((i = {{ X }}))": "arithmetic",
    "cat <<'EOF'\n{{ X }}\nEOF\n": "here-document",
    "cat <<EOF\n$(echo {{ X }})\nEOF\n": "expansion in a here-document",
    "cat <<EOF\n`echo {{ X }}`\nEOF\n": "backticks",
    "cat <<EOF\n\\{{ X }}\nEOF\n": "backslash",
    # places that the shell evaluates
    "{{ X }} --version": "name of a command",
    "y=1 {{ X }}": "name of a command",
    "$(echo {{ X }})": "name of a command",
    "exec {{ X }}": "name of a command",
    "sudo -u bob {{ X }}": "name of a command",
    "find . -exec {{ X }} \\;": "name of a command",
    "{sh,-c,{{ X }}}": "name of a command",
    "timeout {{ X }} make": "before the command",
    "env A={{ X }} make": "before the command",
    "for {{ X }} in a; do :; done": "name that the shell defines",
    "function {{ X }} { :; }": "name that the shell defines",
    "export {{ X }}": "name that the shell defines",
    "a[{{ X }}]=1": "`[ ]`",
    "a=([{{ X }}]=1)": "`[ ]`",
    "PATH={{ X }}:$PATH": "`PATH`",
    "RANDOM={{ X }}": "`RANDOM`",
    "declare -i n; n={{ X }}": "`-i`",
    "declare $options n; n={{ X }}": "`-i`",
    "command declare -n n; n={{ X }}": "`-n`",
    "declare -a n={{ X }}": "`-A`",
    "arr=(1); declare arr={{ X }}": "arrays",
    "f() { local -x arr+={{ X }}; arr[1]=2; }": "arrays",
    "read -ra arr; typeset arr={{ X }}": "arrays",
    "declare DIRSTACK={{ X }}": "`DIRSTACK`",
    "cmd >&{{ X }}": "descriptor",
    "cat <<{{ X }}\nEOF\n": "delimiter",
    "[ -v {{ X }} ]": "`-v`",
    "[[ -v {{ X }} ]]": "`-v`",
    "[[ {{ X }} -eq 1 ]]": "`-eq`",
    "[[ $(echo {{ X }}) -eq 1 ]]": "`-eq`",
    "test {{ X }} {{ X }}": "side by side",
    "printf {{ X }}": "format",
    "printf -v {{ X }} '%s' a": "format",
    "printf -- {{ X }}": "format",
    "set {{ X }}": "option of the shell",
    # commands that run their arguments
    "eval {{ X }}": "`eval`",
    'eval "$(echo {{ X }})"': "`eval`",
    "\\eval {{ X }}": "`eval`",
    "trap {{ X }} EXIT": "`trap`",
    "source {{ X }}": "`source`",
    "read {{ X }}": "`read`",
    "ssh host {{ X }}": "`ssh`",
    "make {{ X }}": "`make`",
    "bash -c {{ X }}": "`bash`",
    'bash -ec "echo {{ X }}"': "`bash`",
    "bash -c -e {{ X }}": "`bash`",
    "bash -c -- {{ X }}": "`bash`",
    "bash -c - {{ X }}": "`bash`",
    "bash {{ X }}": "`bash`",
    "bash <(echo {{ X }})": "`bash`",
    "busybox sh -c {{ X }}": "`sh`",
    "time bash -c {{ X }}": "`bash`",
    "sudo bash -c {{ X }}": "`bash`",
    "docker exec c sh -c 'echo {{ X }}'": "`sh`",
    "find . -exec sh -c {{ X }} \\;": "`sh`",
    "ls | xargs sh -c {{ X }}": "`sh`",
    "python3.12 -c 'print({{ X }})'": "`python3.12`",
    "python -m {{ X }}": "`python`",
    "perl -pe 1 -- {{ X }}": "`perl`",
    "perl -e 1 {{ X }}": "option that holds code",
    "sed 's/a/{{ X }}/' f": "`sed`",
    "sed s/a/b/ {{ X }}": "option that holds code",
    "node --eval={{ X }}": "`node`",
    "awk {{ X }} f": "`awk`",
    "git -c {{ X }} status": "`git`",
    "git bisect run {{ X }}": "`git`",
    '"$python" -c {{ X }}': "not known here",
    "python $options {{ X }}": "known to the shell only",
    # code read from elsewhere
    "bash <<EOF\necho {{ X }}\nEOF\n": "`bash`",
    "cat <<EOF | sudo bash -s\necho {{ X }}\nEOF\n": "`bash`",
    "for i in 1; do cat; done <<EOF | sh\n{{ X }}\nEOF\n": "`sh`",
    "bash < {{ X }}": "`bash`",
    "bash <<< {{ X }}": "`bash`",
    "echo {{ X }} | bash -o pipefail": "`bash`",
    "{ echo {{ X }}; } | sh": "`sh`",
    "echo {{ X }} | xargs sh -c 'eval $0'": "`sh`",
    "echo {{ X }} | ssh host": "`ssh`",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_value_is_refused_when_the_shell_would_evaluate_it(text: str) -> None:
    with pytest.raises(ShellValueError) as caught:
        compile_script(text.replace("{{ X }}", "{{ inputs.x }}"), "bash")
    error = caught.value
    assert error.code == "unsafe-shell-value"
    assert REFUSED[text] in error.message
    assert error.help
    assert text.replace("{{ X }}", "{{ inputs.x }}")[error.position : error.end] == "{{ inputs.x }}"
    assert str(error) == f"{error.message}; {error.help}"


UNREADABLE = [
    ("echo 'abc", "single quote"),
    ('echo "abc', "double quote"),
    ("echo $'abc", "`$'`"),
    ("echo `abc", "backtick"),
    ("echo $(abc", "`)`"),
    ("echo ${abc", "`${`"),
    ("echo ${ abc; }", "begins a command"),
    ("echo $((1 + 2", "arithmetic or a command"),
    ("echo $((a) | b)", "arithmetic or a command"),
    ("echo $[1 + 2]", "two meanings"),
    ("echo $\\\n(ls)", "two meanings"),
    ("echo \"${x:-'a'}\"", "different shells"),
    ("echo a(b)", "after a word"),
    ('echo "a"(b)', "inside a word"),
    ("echo @(a|b)", "extended pattern"),
    ("a=(b", "array is not closed"),
    ("if true", "`fi`"),
    ("while true; do :", "`done`"),
    ("done", "`done`"),
    (")", "closes nothing"),
    ("if true; )", "closes nothing"),
    ("coproc cat", "`coproc`"),
    ("{ ls; } x", "after the end of a compound command"),
    ("for 1x in a; do :; done", "loop's variable"),
    ("for x in a & b; do :; done", "list of a loop"),
    ("case", "`case` has no end"),
    ("case a b", "`in`"),
    ("case a in ;; esac", "pattern of `case`"),
    ("a[ x y ]=1", "between `[ ]`"),
    ("a=([ x y ]=1)", "between `[ ]`"),
    ("a=([{x y}]=1)", "between `[ ]`"),
    ("declare a[ x ]=1", "between `[ ]`"),
    ("[[ a == b", "`[[` is not closed"),
    ("[[ a # don't\n]]", "comment"),
    ("cat <<EOF\nabc\n", "no end"),
    ("cat <<EOF", "no end"),
    ("cat <<$x\n$x\n", "plain word"),
    ("cat <<EOF\n$(ls\n)\nEOF\n", "over a line end"),
    ("cat <<EOF 'a\nb'\nEOF\n", "line ends inside quotes"),
    ("echo $(cat <<EOF)\nEOF\n", "does not end inside"),
    ("echo >", "no target"),
    ("echo > #x", "no target"),
    ("echo <\\\nx", "different shells"),
    ("PERDURE_V1=x", "Perdure's own"),
    ("echo " + "$(" * 70, "too deep"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_script_with_a_value_is_refused_when_its_quoting_is_not_certain(text: str, reason: str) -> None:
    script = "echo {{ inputs.x }}\n" + text
    (error,) = check_script(script, "bash")
    assert error.code == "unsafe-shell-value"
    assert reason in error.message
    assert 0 <= (error.position or 0) < (error.end or 0) <= len(script)


ONLY_BASH = [
    "a=(1 2)",
    "cat <(ls)",
    "cat <<< a",
    "echo $'a'",
    "((i++))",
    "for ((i = 0; i < 3; i++)); do :; done",
]


@pytest.mark.parametrize("text", ONLY_BASH)
def test_script_is_refused_when_sh_may_read_it_otherwise(text: str) -> None:
    script = f"{text}\necho {{{{ inputs.x }}}}"
    assert check_script(script, "bash") == ()
    assert [error.code for error in check_script(script, "sh")] == ["unsafe-shell-value"]


@pytest.mark.parametrize("text", [text for text, _ in UNREADABLE])
def test_script_stays_as_it_is_when_it_holds_no_value(text: str) -> None:
    script = compile_script(text, "bash")
    assert (script.text, dict(script.bindings)) == (text, {})


ACCEPTED = [
    "git commit -m {{ X }} -- {{ X }} && git push || echo {{ X }} &",
    "python -m pytest -q --cov {{ X }}",
    "python3 -W error tool.py {{ X }}",
    "python - {{ X }} <<'EOF'\nimport sys\nEOF\n",
    "$python -m pytest {{ X }}",
    "bash -euo pipefail script.sh {{ X }}",
    "bash -c 'ls \"$1\"' _ {{ X }}",
    "perl -e 'print @ARGV' -- {{ X }}",
    "sed -n -e p -i -- {{ X }}",
    "awk '{ print }' {{ X }}",
    "sudo -u bob -- ls {{ X }}",
    "timeout -k 5 10 ls {{ X }}",
    "env -u A B=c nice -n 5 ls {{ X }}",
    "uv run pytest {{ X }}",
    "command -v {{ X }} > /dev/null 2>&1",
    "xargs -I{} cp {} {{ X }}",
    "find {{ X }} -name {{ X }} -exec grep {{ X }} {} +",
    "grep bash {{ X }}",
    "echo {{ X }} | tee -a {{ X }} | sed p",
    "sort {{ X }} | bash report.sh",
    "ls {fd}> {{ X }} 2> {{ X }} &> {{ X }}",
    "exec 3< {{ X }}",
    "[ $(wc -l < {{ X }}) -eq 3 ]",
    "[[ {{ X }} =~ ^a(b|c)$ ]] || [[ -f {{ X }} && ! ( a < b ) ]]",
    "select a in {{ X }}; do break; done",
    "case {{ X }} in\n  (a | b) echo {{ X }} ;& # it's\n  *) if :; then echo {{ X }}; fi\nesac > {{ X }}",
    "f() (\n  cd {{ X }}\n)\nfunction g() { ls {{ X }}; }",
    "x=$(cat {{ X }}) y=$((1 + $z)) `ls` {{ '' }}",
    "printf '%s' {{ X }}; printf -v y -- '%s' {{ X }}",
    "set -e -- {{ X }}",
    "export A B={{ X }}; readonly -p; declare -x C={{ X }}",
    "a=(1); declare b; b={{ X }}; export a={{ X }}; declare c=(1 {{ X }})",
    "a=(one # it's\n  {{ X }})",
    "a[$i]=1; a[i+1]=2; a=([0]=x [$i]=y {{ X }}); ls [0-9]* f[[:alpha:]]*.c [!a] {{ X }}",
    "kill -TERM {{ X }}; cd {{ X }}; exit {{ X }}",
    "read -r y <<< {{ X }}",
    "! time ls {{ X }}",
    "until ls {{ X }}; do sleep 1; done < {{ X }}",
    'y=1; echo "${y}${y:-a}${y%"${y}"}${y//\\}/$y}" ${y#\'}\'} {{ X }}',
    'curl -d @- <<EOF\n{"a": "{{ X }}", \'b\': \\$c $d ${e} $(f) `g`}\nEOF\n',
    "cat <<A <<-'B'\n{{ X }} \\\nA\nA\n\tno value, $(\n\tB\nls {{ X }}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_script_is_accepted_when_every_value_is_an_argument(text: str) -> None:
    text = text.replace("{{ X }}", "{{ inputs.x }}")
    assert [str(error) for error in check_script(text, "bash")] == []
    assert "inputs.x" not in compile_script(text, "bash").text


@pytest.mark.parametrize(
    "text", ["echo ${{ '{{' }}", "echo ${x:-{{ '}}' }}}", "echo `{{ '{{' }}`", "echo \\{{ '{{' }}"]
)
def test_braces_are_refused_when_they_would_change_what_the_shell_reads(text: str) -> None:
    assert [error.code for error in check_script(text, "bash")] == ["unsafe-shell-value"]


def test_braces_are_kept_when_a_here_document_is_quoted() -> None:
    assert compile_script("cat <<'EOF'\n{{ '{{' }} x }}\nEOF\n").text == "cat <<'EOF'\n{{ x }}\nEOF\n"


def test_all_refusals_are_found_when_a_script_has_several() -> None:
    errors = check_script("eval {{ a.b }}\n{{ c.d }}\necho `{{ e.f }}`\necho 'x", "bash")
    assert [error.position for error in errors] == [5, 15, 31, 48]


def test_error_of_an_expression_is_reported_when_a_placeholder_is_not_valid() -> None:
    (error,) = check_script("echo {{ inputs.x }} {{ 1 + }}", "bash")
    assert (error.code, error.position) == ("expression-syntax", 25)
