"""Outputs and files: names that are used once, paths that stay in the workspace, values that exist."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed
from definitions.checks.results import producers
from definitions.diagnostics import Diagnostic
from definitions.inputs import is_inside_workspace
from definitions.nodes import Path
from definitions.steps import SetStep, ShellStep
from definitions.templates import OPENING


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `output-without-value`, `duplicate-output`, `path-escapes` and outputs that are no paths."""
    yield from _without_value(context)
    for placed in context.placed:
        yield from _twice(context, placed)
        yield from _literals(context, placed)
        for path, text in _paths(placed):
            if OPENING not in text and not context.is_broken(path) and not is_inside_workspace(text):
                message = f"the path `{text}` leads out of the workspace"
                help_ = "write it relative to the workspace's top folder"
                yield context.report("path-escapes", message, context.span(path), help_)


def _without_value(context: Context) -> Iterator[Diagnostic]:
    steps = [placed.step for placed in context.placed]
    for name, output in context.definition.outputs.items():
        path = ("outputs", name)
        if output.value is not None or context.is_broken((*path, "value")) or context.is_broken(("steps",)):
            continue
        found = producers(steps, name)
        if len(found) == 1:
            continue
        many = f"{len(found)} steps have" if found else "no step has"
        message = f"{many} an output or artifact `{name}`, so this output will be null"
        help_ = f'add `value: "{{{{ steps.{found[0] if found else "ID"}.outputs.{name} }}}}"`'
        yield context.report("output-without-value", message, context.key_span(path), help_, severity="warning")


def _twice(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    if not isinstance(placed.step, SetStep):
        return
    for name in placed.step.outputs:
        if name in placed.step.values:
            message = f"step `{placed.step.id}` sets `{name}` already, under `values`"
            yield context.report(
                "duplicate-output", message, context.key_span((*placed.path, "outputs", name)), "keep one"
            )


def _literals(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    if not isinstance(placed.step, ShellStep):
        return
    for name, value in placed.step.outputs.items():
        path = (*placed.path, "outputs", name)
        if not isinstance(value, str) and not context.is_broken(path):
            message = f"the output `{name}` of a shell step is neither a path nor a template"
            yield context.report("invalid-value", message, context.span(path), "use a `set` step for values")


def _paths(placed: Placed) -> Iterator[tuple[Path, str]]:
    """Yield every text of a step that is a path in the workspace, unless it is a template."""
    step = placed.step
    for name, path in step.artifacts.items():
        yield (*placed.path, "artifacts", name), path
    if not isinstance(step, ShellStep):
        return
    yield (*placed.path, "working_directory"), step.working_directory
    for name, value in step.outputs.items():
        if isinstance(value, str):
            yield (*placed.path, "outputs", name), value
