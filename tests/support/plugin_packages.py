"""Packages with step types, installed for the length of a block: their modules, and metadata as pip writes it."""

import contextlib
import importlib
import sys
import tomllib
from collections.abc import Generator, Mapping
from pathlib import Path

GREET = """
from pydantic import BaseModel, Field
from definitions.plugins import StepType

class Greet(BaseModel):
    who: str = Field(min_length=1)
    times: int = Field(default=1, ge=1, le=10)
    tags: list[str] = []

STEP_TYPE = StepType(model=Greet, executor="{module}:GreetExecutor")
"""
RUNS = """
from activities.executors.plugin import Execution, Outcome

class GreetExecutor:
    async def execute(self, options, execution: Execution) -> Outcome:
        execution.log.note(f"greets {options.who}")
        (execution.workspace / "greeting.txt").write_text(f"hello {options.who}\\n" * options.times)
        return Outcome({"said": " ".join([f"hello {options.who}"] * options.times), "tags": options.tags})
"""


@contextlib.contextmanager
def installed(
    folder: Path, name: str, step_types: Mapping[str, str], modules: Mapping[str, str], version: str = "1.2.0"
) -> Generator[None]:
    """Have a package `name` with entry points (step type to `module:attribute`) and modules (name to source)."""
    folder.mkdir(parents=True, exist_ok=True)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
    lines = "".join(f"{kind} = {value}\n" for kind, value in step_types.items())
    _write_metadata(folder, name, version, f"[perdure.steps]\n{lines}")
    with _on_path(folder, set(modules)):
        yield


@contextlib.contextmanager
def installed_project(project: Path, folder: Path) -> Generator[None]:
    """Have the package of a `pyproject.toml`, its code where it is."""
    facts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in facts["entry-points"].items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _write_metadata(folder, facts["name"], facts["version"], "\n".join(groups))
    with _on_path(folder, set()), _on_path(project, {facts["name"].replace("-", "_")}):
        yield


@contextlib.contextmanager
def greeting(folder: Path, kind: str = "greet", source: str = GREET + RUNS) -> Generator[None]:
    """Have a step type that greets; its module is named after the folder, so that several can be installed."""
    module = f"greeting_{folder.name.replace('-', '_')}"
    with installed(folder, folder.name, {kind: f"{module}:STEP_TYPE"}, {module: source.replace("{module}", module)}):
        yield


def _write_metadata(folder: Path, name: str, version: str, entry_points: str) -> None:
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")


@contextlib.contextmanager
def _on_path(folder: Path, modules: set[str]) -> Generator[None]:
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for loaded in [one for one in sys.modules if one.split(".")[0] in modules]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
