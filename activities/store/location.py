"""Where the store is, and its task queue: what `PERDURE_STORE` and `PERDURE_PROJECT` say together.

Projects share a bucket or a folder and nothing else: each has a whole store of its own below `projects/NAME`, so
one rule on that prefix is all that access needs, and a project's worker can neither read nor sweep another's content.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from definitions.errors import EnvironmentUnfit
from definitions.messages import DEFAULT_TASK_QUEUE

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def named_store(environment: Mapping[str, str]) -> str | None:
    """Return the store that the environment names, folders made absolute; None where it names none.

    Raises:
        EnvironmentUnfit: the project's name cannot be used.
    """
    given = environment.get("PERDURE_STORE")
    return of_project(given, environment) if given else None


def named_queue(environment: Mapping[str, str]) -> str:
    """Return the task queue: a project has one of its own, for a worker of another has not its content.

    Raises:
        EnvironmentUnfit: the project's name cannot be used.
    """
    if given := environment.get("PERDURE_TASK_QUEUE"):
        return given
    name = project(environment)
    return DEFAULT_TASK_QUEUE if name is None else f"{DEFAULT_TASK_QUEUE}-{name}"


def of_project(location: str, environment: Mapping[str, str]) -> str:
    """Return the store of the environment's project at `location`: that itself where there is no project.

    Raises:
        EnvironmentUnfit: the project's name cannot be used.
    """
    place = location if "://" in location else str(Path(location).expanduser().absolute())
    name = project(environment)
    return place if name is None else f"{place.rstrip('/')}/projects/{name}"


def project(environment: Mapping[str, str]) -> str | None:
    """Return the name of the project, or None.

    Raises:
        EnvironmentUnfit: it cannot be used.
    """
    name = environment.get("PERDURE_PROJECT")
    if not name:
        return None
    if _PROJECT.fullmatch(name) is None:
        raise EnvironmentUnfit(
            f"`PERDURE_PROJECT` is `{name[:100]}`", "use lower case letters, digits, `-` and `_`, at most 100"
        )
    return name
