"""What the environment says about the worker and the embedded default.

Nothing needs setting to start. Connection to a real cluster is not here: that is `temporalio.envconfig`,
the Temporal CLI's own profiles and variables (see `worker.service.connect`).

    PERDURE_HOME               folder of the embedded default: database, store, work, logs
    PERDURE_STORE              where content is kept: a folder, or `s3://bucket/prefix`
    PERDURE_PROJECT            a store of its own below that, and the task queue `perdure-PROJECT`
    PERDURE_TASK_QUEUE         name of the task queue; `NAME.agent` goes with it
    PERDURE_DEFINITIONS        what a run may use besides the catalog: `folder:PATH`, `inline`, `catalog` (nothing)
    PERDURE_SECRETS            where secrets are found (see `activities.secrets.sources`); embedded: files in the
                               folder `secrets` of PERDURE_HOME, then the environment
    PERDURE_GIT                which repositories may be a run's workspace: `https`, `ssh`, `http`, `git`, addresses
                               under which they lie, or `none`
    PERDURE_LIGHT_SLOTS        steps at once on the queue `NAME`
    PERDURE_AGENT_SLOTS        steps at once on the queue `NAME.agent`
    PERDURE_CACHE_TRUST        `trusted` (default) or `untrusted/SCOPE`: how far what this worker caches is trusted
    PERDURE_GRACEFUL_SHUTDOWN  how long running steps may end by themselves after SIGTERM
    PERDURE_STORE_PATIENCE     how long steps wait for a store that does not answer
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from activities.store.location import named_queue, named_store, of_project
from definitions.durations import parse_duration
from definitions.errors import EnvironmentUnfit
from definitions.messages import AGENT_QUEUE_SUFFIX, DEFAULT_TASK_QUEUE
from definitions.trust import TRUSTED, Trust, parse_trust

SECRET_PREFIX = "PERDURE_SECRET_"  # noqa: S105 # of names, not a secret
"""A worker for a cluster gives definitions no variables but those that were set for them."""
LIGHT_SLOTS = 32
AGENT_SLOTS = 8
GRACEFUL_SHUTDOWN = timedelta(seconds=25)
"""Below the 30 s that Kubernetes grants a container."""
EMBEDDED_GRACEFUL_SHUTDOWN = timedelta(seconds=10)
EMBEDDED_GIT = ("https", "ssh")
STORE_PATIENCE = timedelta(hours=1)
"""Then a step fails; until then nothing that it did is lost."""


@dataclass(frozen=True, slots=True)
class DefinitionSources:
    """What a run may use besides the catalog. Inline text is a shell for whoever may start a workflow."""

    folder: Path | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a worker, and of the embedded default that may start one."""

    home: Path
    store: str
    work: Path
    """The folder of checkouts and scratch; one worker at a time (see `worker.lifetime`)."""
    task_queue: str = DEFAULT_TASK_QUEUE
    definitions: DefinitionSources = DefinitionSources()
    git: tuple[str, ...] = ()
    """Transports and addresses of repositories that may be a run's workspace."""
    secrets: tuple[str, ...] = ()
    """Sources of secrets, in the order in which they are asked."""
    light_slots: int = LIGHT_SLOTS
    agent_slots: int = AGENT_SLOTS
    cache_trust: Trust = TRUSTED
    graceful_shutdown: timedelta = GRACEFUL_SHUTDOWN
    store_patience: timedelta = STORE_PATIENCE
    profile: str | None = None
    is_embedded: bool = False

    @property
    def agent_queue(self) -> str:
        """The queue of agent steps."""
        return self.task_queue + AGENT_QUEUE_SUFFIX

    @staticmethod
    def from_environment(environment: Mapping[str, str], *, profile: str | None = None) -> "Settings":
        """Return the settings of a worker for a real cluster.

        Raises:
            EnvironmentUnfit: a variable has a value that means nothing.
        """
        home = home_folder(environment)
        return Settings(
            home=home,
            store=store_location(environment, home),
            work=home / "work",
            task_queue=named_queue(environment),
            definitions=parse_sources(environment.get("PERDURE_DEFINITIONS") or "catalog"),
            secrets=_parts(environment.get("PERDURE_SECRETS") or f"env:{SECRET_PREFIX}"),
            git=parse_git(environment.get("PERDURE_GIT") or "none"),
            light_slots=_slots(environment, "PERDURE_LIGHT_SLOTS", LIGHT_SLOTS),
            agent_slots=_slots(environment, "PERDURE_AGENT_SLOTS", AGENT_SLOTS),
            cache_trust=_trust(environment),
            graceful_shutdown=_span(environment, "PERDURE_GRACEFUL_SHUTDOWN", GRACEFUL_SHUTDOWN),
            store_patience=_span(environment, "PERDURE_STORE_PATIENCE", STORE_PATIENCE),
            profile=profile,
        )

    @staticmethod
    def embedded(environment: Mapping[str, str]) -> "Settings":
        """Return the settings of the embedded default: inline definitions are allowed unless set otherwise."""
        settings = Settings.from_environment(environment)
        sources = settings.definitions
        if not environment.get("PERDURE_DEFINITIONS"):
            sources = replace(sources, inline=True)
        secrets = settings.secrets
        if not environment.get("PERDURE_SECRETS"):
            secrets = (f"folder:{settings.home / 'secrets'}", "env")
        git = settings.git if environment.get("PERDURE_GIT") else EMBEDDED_GIT
        settings = replace(settings, git=git)
        grace = _span(environment, "PERDURE_GRACEFUL_SHUTDOWN", EMBEDDED_GRACEFUL_SHUTDOWN)
        return replace(settings, definitions=sources, secrets=secrets, graceful_shutdown=grace, is_embedded=True)


def home_folder(environment: Mapping[str, str]) -> Path:
    """Return `$PERDURE_HOME`, else `perdure` in the user's data folder."""
    if given := environment.get("PERDURE_HOME"):
        return Path(given).expanduser().absolute()
    data = environment.get("XDG_DATA_HOME") or ""
    # The XDG specification says that a relative value must be ignored.
    base = Path(data) if data.startswith("/") else _user_folder(environment) / ".local" / "share"
    return base / "perdure"


def store_location(environment: Mapping[str, str], home: Path) -> str:
    """Return the store of `$PERDURE_STORE` (folders made absolute), else of `store` in the home folder."""
    return named_store(environment) or of_project(str(home / "store"), environment)


def parse_sources(text: str) -> DefinitionSources:
    """Return what `PERDURE_DEFINITIONS` means: parts separated by commas.

    Raises:
        EnvironmentUnfit: a part is not `catalog`, `folder:PATH` or `inline`, or there are two folders.
    """
    sources = DefinitionSources()
    for part in _parts(text):
        match part.partition(":"):
            case ("catalog", "", ""):
                pass
            case ("inline", "", ""):
                sources = replace(sources, inline=True)
            case ("folder", ":", path) if path and sources.folder is None:
                sources = replace(sources, folder=Path(path).expanduser().absolute())
            case _:
                raise EnvironmentUnfit(
                    f"`PERDURE_DEFINITIONS` has the part `{part}`, which cannot be used",
                    "use `catalog`, one `folder:PATH`, and `inline`, separated by commas",
                )
    return sources


def parse_git(text: str) -> tuple[str, ...]:
    """Return what `PERDURE_GIT` allows: parts separated by commas.

    Raises:
        EnvironmentUnfit: a part is no transport, no address and not `none`.
    """
    parts = tuple(part for part in _parts(text) if part != "none")
    for part in parts:
        if part not in ("https", "ssh", "http", "git") and ":" not in part:
            raise EnvironmentUnfit(
                f"`PERDURE_GIT` has the part `{part}`, which cannot be used",
                "use `https`, `ssh`, `http`, `git`, addresses such as `https://git.example.org/team/`, or `none`",
            )
    return parts


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _user_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment["HOME"]) if environment.get("HOME") else Path.home()


def _slots(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000:
        return int(text)
    raise EnvironmentUnfit(f"`{name}` is `{text}`", "give a whole number from 1 to 10000")


def _trust(environment: Mapping[str, str]) -> Trust:
    text = environment.get("PERDURE_CACHE_TRUST")
    try:
        return parse_trust(text) if text else TRUSTED
    except ValueError as error:
        raise EnvironmentUnfit(f"`PERDURE_CACHE_TRUST` is `{text}`", str(error)) from error


def _span(environment: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    text = environment.get(name)
    if not text:
        return default
    try:
        return parse_duration(text)
    except ValueError as error:
        raise EnvironmentUnfit(f"`{name}` is `{text}`", str(error)) from error
