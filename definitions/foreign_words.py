"""Words that other systems have for what Perdure calls otherwise: for the help of a finding, never accepted.

People and coding agents bring them from GitHub Actions, Argo, Airflow, Ansible and the like, and no spelling is near
them. A word leaves this file where it becomes one of the language.
"""

KEYS: dict[str, dict[str, str]] = {
    "definition": {
        "jobs": "write `steps:`, a list in which each step has its `id`",
        "tasks": "write `steps:`",
        "pipeline": "write `steps:`",
        "on": "when a definition runs is said where it is started: by hand, by a schedule, by another workflow",
        "params": "write `inputs:`",
        "parameters": "write `inputs:`",
        "arguments": "write `inputs:`",
        "variables": "write `env:` for environment variables, `inputs:` for values that are given",
        "environment": "write `env:`",
        "defaults": "say it at each step; `env:` and `cache:` are the definition's own",
        "title": "write `name:`",
    },
    "step": {
        "run": "write `type: shell` and `command:`",
        "script": "write `type: shell` and `command:`",
        "bash": "write `type: shell` and `command:`",
        "cmd": "write `command:`",
        "exec": "write `type: shell` and `command:`",
        "if": "write `when:`",
        "condition": "write `when:` for whether a step runs; `condition` is what an `assert` step holds",
        "unless": "write `when: not (…)`",
        "skip_if": "write `when: not (…)`",
        "depends_on": "write `needs:`",
        "depends-on": "write `needs:`",
        "dependencies": "write `needs:`",
        "after": "write `needs:`",
        "uses": "there are no actions; write the command in a `shell` step",
        "with": "write `inputs:` on an agent step, `env:` or values in the text elsewhere",
        "continue-on-error": "write `on_failure: continue`",
        "continue_on_error": "write `on_failure: continue`",
        "ignore_errors": "write `on_failure: continue`",
        "allow_failure": "write `on_failure: continue`",
        "timeout-minutes": "write `timeout: 10m`",
        "timeout_minutes": "write `timeout: 10m`",
        "timeout_seconds": "write `timeout: 90s`",
        "retries": "write `retry: {max_attempts: 3}`; the first attempt counts",
        "max_retries": "write `retry: {max_attempts: 3}`; the first attempt counts",
        "attempts": "write `retry: {max_attempts: 3}`; the first attempt counts",
        "environment": "write `env:`",
        "secrets": 'list them at the definition\'s top; a step has one by `env: {TOKEN: "{{ secrets.NAME }}"}`',
        "cwd": "write `working_directory:` on a shell step",
        "working-directory": "write `working_directory:`",
        "workdir": "write `working_directory:`",
        "dir": "write `working_directory:`",
        "parallel": "write `type: group` with `mode: parallel` and `steps:`",
        "matrix": "write `for_each: {items: …}`",
        "foreach": "write `for_each: {items: …}`",
        "with_items": "write `for_each: {items: …}`",
        "while": "write `loop: {max_iterations: 10, until: …}`",
        "repeat": "write `loop: {max_iterations: 10, until: …}`",
        "until": "write `loop: {max_iterations: 10, until: …}`",
        "next": "write `on_success:` with the id of a step",
        "goto": "write `on_success:` with the id of a step",
        "catch": "write `on_failure:` with the id of a step",
        "on_error": "write `on_failure:`; `for_each` has an `on_error` of its own",
        "undo": "write `compensate:`",
        "rollback": "write `compensate:`",
        "title": "write `name:`",
        "label": "write `name:`",
        "instructions": "write `prompt:` on an agent step",
        "message": "write `prompt:` for an agent; `message` belongs to `assert` and `approval` steps",
        "system": "write `role:` on an agent step",
        "system_prompt": "write `role:` on an agent step",
        "schema": "write `output_schema:` on an agent step",
        "max_turns": "write `budget: {turns: 20}`",
        "max_budget_usd": "write `budget: {usd: 2.50}`",
        "permissions": "write `security_profile:`",
        "allowed_tools": "write `tools: {allow: […]}`",
        "reviewers": "write `approvers:` on an approval step",
    },
    "retry": {
        "attempts": "write `max_attempts:`; the first attempt counts",
        "count": "write `max_attempts:`; the first attempt counts",
        "limit": "write `max_attempts:`; the first attempt counts",
        "max": "write `max_attempts:`; the first attempt counts",
        "delay": "write `initial_interval:`",
        "wait": "write `initial_interval:`",
        "interval": "write `initial_interval:`",
        "multiplier": "write `backoff:`",
        "factor": "write `backoff:`",
        "max_delay": "write `max_interval:`",
    },
    "loop": {
        "times": "write `max_iterations:`",
        "max": "write `max_iterations:`",
        "max_iters": "write `max_iterations:`",
        "count": "write `max_iterations:`",
        "while": "write `until:`, and the opposite of the condition",
        "condition": "write `until:`",
    },
    "for_each": {
        "in": "write `items:`",
        "list": "write `items:`",
        "name": "write `as:`",
        "var": "write `as:`",
        "parallel": "write `concurrency:`",
        "max_parallel": "write `concurrency:`",
        "fail_fast": "write `on_error: stop`, or `continue`",
    },
    "cache": {
        "key": "write `cache_key:` on the step; it is added to our own key",
        "paths": "write `inputs:`, the files that the result depends on; what the step writes is found by itself",
        "path": "write `inputs:`, the files that the result depends on; what the step writes is found by itself",
    },
    "budget": {
        "cost": "write `usd:`",
        "max_turns": "write `turns:`",
        "timeout": "write `wall:`",
        "time": "write `wall:`",
    },
}
"""What to write, by place and key; the places are those of `definitions.planned`."""

NAMES = {
    "needs": "a step's result is `steps.ID.outputs.NAME`",
    "jobs": "a step's result is `steps.ID.outputs.NAME`",
    "tasks": "a step's result is `steps.ID.outputs.NAME`",
    "outputs": "a step's result is `steps.ID.outputs.NAME`",
    "output": "a step's result is `steps.ID.outputs.NAME`",
    "params": "write `inputs.NAME`",
    "parameters": "write `inputs.NAME`",
    "args": "write `inputs.NAME`",
    "variables": "write `env.NAME` or `inputs.NAME`",
    "environment": "write `env.NAME`",
    "workflow": "facts of the run are `run.id` and `run.started_at`",
    "github": "what started the run is not known to it; pass it by an input",
    "undefined": "write `null`",
    "nil": "write `null`",
    "success": "compare the status: `steps.ID.status == 'completed'`",
    "failure": "compare the status: `steps.ID.status == 'failed'`",
}
"""What to write for a name in an expression."""


def help_for_key(key: str, places: tuple[str, ...]) -> str | None:
    """Return what to write instead of a key of another system at one of `places`."""
    return next((KEYS[place][key] for place in places if key in KEYS.get(place, {})), None)


def help_for_name(name: str) -> str | None:
    """Return what to write instead of a name of another system in an expression."""
    return NAMES.get(name)
