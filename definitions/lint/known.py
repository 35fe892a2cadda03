"""The commands that change something outside of a run: a table, which `docs/lint.md` shows.

Tier 2: who did it can take it back (a branch, a request, a file). Tier 3: it cannot be taken back, or others feel it
at once (a release, a cluster, a database, another machine). Add a row for a command that people really use in
definitions; a wrong row costs every reader a comment, a missing one costs little.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Known:
    """A row: the program and the words that must follow it, options left out."""

    words: tuple[str, ...]
    tier: Literal[2, 3]
    what: str
    only_with: str = ""
    """A pattern that its arguments must hold."""
    unless: str = ""
    """A pattern with which it is harmless."""
    to: str = ""
    """What the last operand must hold, if the direction decides."""
    is_never_within: bool = False
    """Whether one end of it is always elsewhere, so that from here means to there."""
    may_be_local: bool = False
    """Whether it is harmless against this machine."""


def _rows(
    tier: Literal[2, 3],
    what: str,
    commands: str,
    *,
    only_with: str = "",
    unless: str = "",
    to: str = "",
    is_never_within: bool = False,
    may_be_local: bool = False,
) -> Iterator[Known]:
    for command in commands.split(","):
        yield Known(tuple(command.split()), tier, what, only_with, unless, to, is_never_within, may_be_local)


def _any_option(*options: str) -> str:
    return rf"(?:^| )(?:{'|'.join(options)})(?= |=|$)"


_METHOD = r"(?:POST|PUT|PATCH|DELETE)\b"
_SENDS = rf"(?:^| )(?:-X ?|--(?:request|method)[ =]){_METHOD}"
_READS = r"(?:-c|--command[ =]) ?(?i:select|show|explain|\\[dl])|" + _any_option("-l", "--list")
_CONTENT = _any_option("-d", "-F", "-T", r"--data\S*", r"--form\S*", "--json", "--upload-file")
_FIELDS = _any_option("-f", "-F", "--field", "--raw-field", "--input")

KNOWN: tuple[Known, ...] = (
    # the more exact row comes first: the first that fits counts
    *_rows(
        3,
        "overwrites what others have",
        "git push",
        only_with=_any_option(r"-\w*f", r"--force(?:-with-lease)?", "--mirror", "--delete", "-d"),
    ),
    *_rows(2, "publishes commits", "git push", unless=_any_option("-n")),
    *_rows(2, "publishes commits", "hg push, svn commit, git send-email"),
    *_rows(
        2,
        "changes a request or an issue",
        """gh pr create, gh pr edit, gh pr comment, gh pr review, gh pr close, gh issue create, gh issue edit,
        gh issue comment, gh issue close, glab mr create, glab mr update, glab mr note, glab issue create""",
    ),
    *_rows(3, "merges into a branch of others", "gh pr merge, glab mr merge"),
    *_rows(
        3,
        "publishes a release",
        "gh release create, gh release upload, gh release edit, gh release delete, glab release create",
    ),
    *_rows(2, "changes a repository", "gh api", only_with=f"{_SENDS}|{_FIELDS}"),
    *_rows(2, "starts a workflow elsewhere", "gh workflow run, gh run rerun"),
    *_rows(3, "changes a repository", "gh repo delete, gh repo edit, gh secret set"),
    *_rows(
        3,
        "publishes a package",
        """npm publish, npm unpublish, pnpm publish, yarn publish, yarn npm publish, bun publish, lerna publish,
        twine upload, uv publish, poetry publish, flit publish, hatch publish, pdm publish, cargo publish, cargo yank,
        gem push, mvn deploy, gradle publish, gradlew publish, dotnet nuget push, goreleaser release, vsce publish,
        mix hex.publish""",
    ),
    *_rows(
        2,
        "publishes an image or a chart",
        """docker push, docker image push, docker compose push, podman push, buildah push, skopeo copy, crane push,
        oras push, helm push""",
        may_be_local=True,
    ),
    *_rows(2, "publishes an image or a chart", "docker buildx build, docker build", only_with=_any_option("--push")),
    *_rows(
        3,
        "changes a cluster",
        """kubectl apply, kubectl create, kubectl delete, kubectl replace, kubectl patch, kubectl scale, kubectl set,
        kubectl rollout restart, kubectl rollout undo, kubectl drain, kubectl exec, kubectl edit, oc apply, oc delete,
        oc rollout, helm install, helm upgrade, helm uninstall, helm rollback, helmfile apply, helmfile sync,
        argocd app sync, flux reconcile""",
    ),
    *_rows(
        3,
        "changes infrastructure",
        """terraform apply, terraform destroy, terraform import, tofu apply, tofu destroy, terragrunt apply,
        terragrunt destroy, pulumi up, pulumi destroy, cdk deploy, cdk destroy, cdktf deploy, sam deploy,
        serverless deploy, sls deploy, nomad job run""",
    ),
    *_rows(
        3,
        "changes infrastructure",
        """aws cloudformation deploy, aws cloudformation create-stack, aws cloudformation update-stack,
        aws cloudformation delete-stack, aws lambda update-function-code, aws ecs update-service, aws ecs run-task,
        aws ec2 run-instances, aws ec2 terminate-instances, aws ssm send-command, aws ssm put-parameter,
        aws secretsmanager put-secret-value""",
        may_be_local=True,
    ),
    *_rows(
        3,
        "changes other machines",
        "ansible-playbook, ansible",
        unless=_any_option("-C", "--check", "--syntax-check", r"--list-\w+"),
    ),
    *_rows(
        3,
        "deploys",
        """fly deploy, flyctl deploy, vercel deploy, wrangler deploy, wrangler publish, firebase deploy,
        heroku releases:rollback, cap production deploy, gcloud app deploy, gcloud run deploy, gcloud functions deploy,
        az webapp up, az webapp deploy, eb deploy, railway up, kamal deploy""",
    ),
    *_rows(3, "deploys", "vercel, netlify deploy", only_with=_any_option("--prod")),
    *_rows(
        2,
        "changes a bucket",
        "aws s3 cp, aws s3 sync, aws s3 mv",
        to="s3://",
        is_never_within=True,
        may_be_local=True,
    ),
    *_rows(
        2,
        "changes a bucket",
        "gsutil cp, gsutil rsync, gsutil mv, gcloud storage cp, gcloud storage rsync",
        to="gs://",
        is_never_within=True,
    ),
    *_rows(
        2,
        "changes a bucket",
        "aws s3api put-object, az storage blob upload, az storage blob upload-batch",
        may_be_local=True,
    ),
    *_rows(
        3,
        "deletes from a bucket",
        "aws s3 rm, aws s3 rb, aws s3api delete-object, aws s3api delete-bucket, gsutil rm, gcloud storage rm",
        may_be_local=True,
    ),
    *_rows(2, "copies files to another place", "rclone copy, rclone sync, rclone move, rsync", to=":"),
    *_rows(2, "copies files to another machine", "scp", to=":", is_never_within=True),
    *_rows(2, "copies files to another machine", "sftp, ftp, lftp"),
    *_rows(2, "sends a message", "aws sns publish, aws sqs send-message, aws ses send-email", may_be_local=True),
    *_rows(2, "sends a message", "mail, mailx, sendmail, mutt, msmtp, swaks"),
    *_rows(2, "sends something to a server", "curl", only_with=f"{_SENDS}|{_CONTENT}", may_be_local=True),
    *_rows(
        2,
        "sends something to a server",
        "wget",
        only_with=rf"{_SENDS}|{_any_option('--post-data', '--post-file', '--body-data', '--body-file')}",
        may_be_local=True,
    ),
    *_rows(
        2,
        "sends something to a server",
        """http POST, http PUT, http PATCH, http DELETE, https POST, https PUT, https PATCH, https DELETE, xh post,
        xh put, xh patch, xh delete""",
        may_be_local=True,
    ),
    *_rows(3, "runs commands on another machine", "ssh, mosh", unless=_any_option("-V", "-G", "-Q"), may_be_local=True),
    *_rows(
        3,
        "changes a database",
        "psql, mysql, mariadb, mongosh, sqlcmd, cqlsh, clickhouse-client",
        unless=_READS,
        may_be_local=True,
    ),
    *_rows(3, "changes a database", "dropdb, createdb, pg_restore, redis-cli", may_be_local=True),
    *_rows(
        3,
        "changes the schema of a database",
        """alembic upgrade, alembic downgrade, flyway migrate, flyway clean, liquibase update, prisma migrate deploy,
        prisma db push, rails db:migrate, dbmate up, atlas migrate apply, sqlx migrate run""",
        may_be_local=True,
    ),
)


_TAKING: dict[str, str] = {
    "git": "-C -c --git-dir --work-tree --namespace",
    "gh": "-R --repo",
    "glab": "-R --repo",
    "kubectl": "-n --namespace --context --kubeconfig --cluster --user -s --server",
    "oc": "-n --namespace --context --kubeconfig",
    "helm": "-n --namespace --kube-context --kubeconfig",
    "docker": "-H --host -c --context --config -l --log-level -f --file -t --tag --build-arg --platform",
    "podman": "--connection -c --log-level",
    "npm": "--prefix -w --workspace",
    "pnpm": "-C --dir -F --filter",
    "yarn": "--cwd",
    "cargo": "--manifest-path -Z --config",
    "aws": "--profile --region --endpoint-url --output --query --acl --exclude --include --cache-control",
    "gcloud": "--project --account --configuration",
    "az": "--subscription",
    "mvn": "-f --file -pl -P -s --settings",
    "terragrunt": "--terragrunt-working-dir",
    "pulumi": "-C --cwd -s --stack",
    "scp": "-i -P -o -F -J -l -c -S",
    "rsync": "-e --rsh --exclude --include --filter --exclude-from --include-from --files-from --bwlimit --timeout",
    "flyctl": "-a --app -c --config",
    "fly": "-a --app -c --config",
    "alembic": "-c --config -n --name -x",
    "rclone": "--config",
}
OPTIONS_WITH_ARGUMENT: dict[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _TAKING.items()}
"""By program: options whose argument is the next word."""
