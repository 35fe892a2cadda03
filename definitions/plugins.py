"""Step types that installed packages bring, by the entry point `perdure.steps`.

A package registers a name and a `StepType`: a pydantic model of the keys that are its own, and the executor that runs
an attempt, by its import path. Packages are looked through only where a definition has a type that is not one of ours;
the executor is imported by the worker alone, when the first attempt runs.

    [project.entry-points."perdure.steps"]
    http-get = "perdure_http_get:STEP_TYPE"
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel

from definitions.errors import PerdureError
from definitions.planned import STEP_TYPES
from definitions.shape import STEP_BY_TYPE
from definitions.spellings import PROVIDER_TYPES
from definitions.steps.base import StepBase
from definitions.steps.plugin import PLUGIN_TYPE

ENTRY_POINTS = "perdure.steps"
OWN_NAMES = frozenset({*STEP_BY_TYPE, *PROVIDER_TYPES, *STEP_TYPES, PLUGIN_TYPE})
"""Names of step types that no package can have."""
STEP_KEYS = frozenset({field.alias or name for name, field in StepBase.model_fields.items()} | {"type"})
"""Keys of any step, which mean the same on every type."""


@dataclass(frozen=True, slots=True)
class StepType:
    """What a package registers."""

    model: type[BaseModel]
    """The keys of the step that are its own. Texts may hold `{{ }}`; the executor gets them resolved."""
    executor: str
    """Import path of the class that runs an attempt, `module:Class` (`activities.executors.plugin.StepExecutor`)."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A step type, found and loaded."""

    name: str
    package: str
    """The distribution that brings it."""
    version: str
    kind: StepType


class PluginUnfit(PerdureError):
    """A step type of a package cannot be used; `code` is that of the diagnostic, `help` a way out."""

    def __init__(self, code: str, message: str, way_out: str) -> None:
        self.code = code
        self.message = message
        self.help = way_out
        super().__init__(f"{message}; {way_out}")


def find(name: str) -> Plugin | None:
    """Return the step type of that name, None where no package has one.

    Raises:
        PluginUnfit: two packages have it, it cannot be loaded, or it takes words that are not free.
    """
    found = list(entry_points(group=ENTRY_POINTS, name=name))
    if not found:
        return None
    if name in OWN_NAMES:
        message = f"package {_packages(found)} brings a step type `{name}`, which is a name of Perdure's own"
        raise PluginUnfit("plugin-clash", message, "the package must give it another name")
    if len({(one.value, _package(one)) for one in found}) > 1:
        message = f"packages {_packages(found)} both bring a step type `{name}`"
        raise PluginUnfit("plugin-clash", message, "uninstall all but one")
    return _loaded(found[0])


def names() -> frozenset[str]:
    """Return the step types that packages bring. It reads what every package says, so ask once for many steps."""
    return frozenset(one.name for one in entry_points(group=ENTRY_POINTS))


def clashes() -> list[PluginUnfit]:
    """Return what is wrong with the packages that are installed, whether a definition uses them or not."""
    found: list[PluginUnfit] = []
    for name in sorted(names()):
        try:
            find(name)
        except PluginUnfit as unfit:
            found.append(unfit)
    return found


def _loaded(entry: EntryPoint) -> Plugin:
    package = _package(entry)
    try:
        kind: object = entry.load()
    except Exception as error:  # it is the package's code: whatever it raises, the reader learns of it
        raise _failed(entry, f"{type(error).__name__}: {error}") from error
    if not isinstance(kind, StepType):
        raise _failed(entry, f"`{entry.value}` is no `StepType` of `definitions.plugins`")
    taken = sorted({field.alias or name for name, field in kind.model.model_fields.items()} & STEP_KEYS)
    if taken:
        keys = ", ".join(f"`{key}`" for key in taken)
        message = f"the step type `{entry.name}` of package `{package}` has keys that every step has: {keys}"
        raise PluginUnfit("plugin-clash", message, "the package must give them other names")
    return Plugin(entry.name, package, "" if entry.dist is None else entry.dist.version, kind)


def _failed(entry: EntryPoint, why: str) -> PluginUnfit:
    message = f"the step type `{entry.name}` of package `{_package(entry)}` cannot be loaded: {why}"
    return PluginUnfit("plugin-failed", message, "mend or reinstall the package")


def _package(entry: EntryPoint) -> str:
    return "unknown" if entry.dist is None else entry.dist.name


def _packages(entries: Iterable[EntryPoint]) -> str:
    return " and ".join(sorted({f"`{_package(one)}`" for one in entries}))
