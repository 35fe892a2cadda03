"""Which commands do something to the world."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.lint.effects import effects_in
from definitions.lint.known import KNOWN

PIECES = [
    "git", "push", "sudo", "-u", "$(", ")", "'", '"', "`", "\\", "\n", ";", "|", "&&", "{", "}", "{{ inputs.x }}", "if",
    "then", "fi", "case", "in", "esac", "((", "bash -c", "aws s3 cp", "s3://a", "curl", "-d", "<<EOF\n", "EOF\n",
    "python -m twine upload", "npx", "#", "env", "timeout", "$x", "kubectl apply", "for", "do", "done",
]  # fmt: skip


def found(script: str) -> list[tuple[str, int]]:
    return [(effect.command, effect.tier) for effect in effects_in(script, "bash")]


@pytest.mark.parametrize(
    ("script", "command", "tier"),
    [
        ("git push", "git push", 2),
        ("git -C sub -c a=b push origin main", "git push", 2),
        ("git push --force-with-lease", "git push", 3),
        ("git push -uf origin x", "git push", 3),
        ("git push --follow-tags", "git push", 2),
        ("sudo -u ci gh pr create --fill", "gh pr create", 2),
        ("gh -R a/b pr merge 3", "gh pr merge", 3),
        ("gh api -X POST /repos/a/b/issues", "gh api", 2),
        ("gh api repos/a/b/issues -f title=x", "gh api", 2),
        ("python3.12 -m twine upload dist/*", "twine upload", 3),
        ("uv run twine upload dist/*", "twine upload", 3),
        ("npx --yes wrangler deploy", "wrangler deploy", 3),
        ("pnpm dlx vercel deploy", "vercel deploy", 3),
        ("pipx run twine upload x", "twine upload", 3),
        ("uvx twine upload x", "twine upload", 3),
        ("uv publish dist/x.whl", "uv publish", 3),
        ("vercel --prod", "vercel", 3),
        ("npm --prefix web publish", "npm publish", 3),
        ("docker build --push -t x .", "docker build", 2),
        ("docker push registry.example/x", "docker push", 2),
        ("/usr/local/bin/kubectl --namespace shop apply -f k8s/", "kubectl apply", 3),
        ("terraform -chdir=infra apply -auto-approve", "terraform apply", 3),
        ("curl -XPOST https://example.com", "curl", 2),
        ("curl -sS --request=DELETE https://example.com", "curl", 2),
        ("curl --data-binary @x https://example.com", "curl", 2),
        ("curl -T file https://example.com", "curl", 2),
        ("wget --method=PUT https://example.com", "wget", 2),
        ("aws s3 cp a s3://bucket/b", "aws s3 cp", 2),
        ("aws s3 sync dist {{ inputs.bucket }}", "aws s3 sync", 2),
        ("aws --profile x s3 rm s3://bucket/b", "aws s3 rm", 3),
        ("scp a host:b", "scp", 2),
        ('scp -i key a "$target"', "scp", 2),
        ("rsync -av a/ host:b", "rsync", 2),
        ("ssh host 'systemctl restart x'", "ssh", 3),
        ("psql -f migrate.sql", "psql", 3),
        ("psql -c 'delete from x'", "psql", 3),
        ("bash -c 'git push'", "git push", 2),
        ("if make; then (git push); fi", "git push", 2),
        ('echo "$(git push)"', "git push", 2),
        ("publish() { npm publish; }; publish", "npm publish", 3),
        ("find . -name '*.whl' -exec twine upload {} +", "twine upload", 3),
    ],
)
def test_effect_is_found_when_a_command_has_one(script: str, command: str, tier: int):
    assert found(script) == [(command, tier)]


@pytest.mark.parametrize(
    "script",
    [
        "make && pytest",
        "echo git push",
        "git commit --message 'git push'",
        "git add push",
        "git push --dry-run",
        "git push -n origin",
        "git push --help",
        "git status # git push",
        "npm publish --dry-run",
        "npm run publish",
        "kubectl apply --dry-run=client -f x",
        "kubectl get pods",
        "terraform plan",
        "ansible-playbook --check site.yml",
        "curl -fsSL https://example.com",
        "curl -X POST http://localhost:8080/x",
        "curl -d x 127.0.0.1:80",
        "aws s3 cp s3://bucket/a .",
        'aws s3 cp "$a" "$b"',
        "aws s3 cp a",
        "aws --endpoint-url http://localhost:4566 s3 cp a s3://b/c",
        "scp host:a b",
        'scp host:a "$folder"',
        "rsync -av a/ b/",
        'rsync -av a/ "$b"',
        "psql -c 'select 1'",
        "psql -l",
        "psql -h localhost -c 'drop table x'",
        "docker push localhost:5000/x",
        "docker build .",
        "gh pr view",
        "gh api /repos/a/b",
        "vercel",
        "python -m build",
        "python -m",
        "npx",
        "pnpm",
        "pnpm install",
        "$tool push",
        "cat <<EOF\ngit push\nEOF",
        "",
    ],
)
def test_no_effect_is_found_when_a_command_is_harmless_or_unknown(script: str):
    assert found(script) == []


def test_effects_have_their_places_when_there_are_several():
    script = "make\nsudo git -C x push origin\nkubectl -n a apply -f b"
    assert [script[one.start : one.end] for one in effects_in(script, "bash")] == [
        "git -C x push",
        "kubectl -n a apply",
    ]


def test_effects_are_found_when_a_part_of_the_script_cannot_be_followed():
    assert found("git push\necho 'open") == [("git push", 2)]


def test_effects_are_found_when_the_shell_is_sh():
    assert [one.command for one in effects_in("git push", "sh")] == ["git push"]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: " ".join(known.words))
def test_row_is_reachable_when_the_table_is_read(known):
    needs = {
        "git push": {3: "--force", 2: ""},
        "gh api": {2: "-X POST"},
        "docker build": {2: "--push"},
        "docker buildx build": {2: "--push"},
        "vercel": {3: "--prod"},
        "netlify deploy": {3: "--prod"},
        "curl": {2: "-d x"},
        "wget": {2: "--post-data=x"},
    }
    command = " ".join(known.words)
    target = f" a {known.to}b" if known.to else ""
    assert found(f"{command} {needs.get(command, {}).get(known.tier, '')}{target}".strip()) == [(command, known.tier)]


def test_words_say_what_happens_when_the_table_is_read():
    assert {known.what.split()[0][-1] for known in KNOWN} == {"s"}
    assert {known.tier for known in KNOWN} == {2, 3}


def test_reading_is_bounded_when_a_script_is_very_long():
    found_at = [effect.start for effect in effects_in("git push\n" * 20_000, "bash")]
    assert 60_000 < max(found_at) < 64_000


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_places_lie_in_the_script_when_it_is_odd(script: str):
    for effect in effects_in(script, "bash"):
        assert 0 <= effect.start < effect.end <= len(script)
