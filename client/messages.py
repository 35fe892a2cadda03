"""Every sentence of the command line that is made for people, in one place.

Lower case, no full stop, values in backticks, the wrong thing first, a way out with a command.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activities.cache.counts import Count
    from activities.garbage.collecting import Collected
    from definitions.records import Status

MOST_NAMED_RUNS = 20
SERVER_REMEDY = (
    "check the address and that the server runs; without `TEMPORAL_ADDRESS` and `--profile` Perdure brings its own"
)
STORE_NOT_NAMED = "a server is named, but not the store that its worker uses"
STORE_READ_ONLY = "this user may look at runs, and not start any: the store is read-only here"
STORE_READ_ONLY_REMEDY = "to start runs, ask for the read-write role (docs/deployment.md)"
STORE_REMEDY = "set `PERDURE_STORE` to the folder or `s3://bucket/prefix` that the worker has"
UNKNOWN_RUN_REMEDY = "`perdure list` shows the runs there are"
NO_WORKER = "no worker answers; the run waits for one and goes on by itself (`perdure worker` starts one)"
CONNECTION_BACK = "the server answers again"
STORE_BACK = "the store answers again; the run goes on"
MORE_SHOWN = "… (`perdure gates` shows the rest)"
BENCH_REMEDY = "start one with `perdure worker`, or name its queue with `PERDURE_TASK_QUEUE`"
NO_LOG = "nothing was printed"
TEST_INIT = "`perdure test --init DEFINITION` writes a first one"
NO_RUNS = "no runs"
NO_GATES = "no gate is open"
NO_CHANGES = "the run changed no files"
INTERRUPTED_EARLY = "interrupted before the run was started"
NO_WORKSPACE = "the run has no files: its definition says `workspace: {from: none}`, or it has not begun"


def profile_unreadable(profile: str | None, reason: str) -> str:
    """Say that the Temporal CLI's configuration cannot be used."""
    return f"the profile `{profile or 'default'}` cannot be used: {reason}"


def server_unreachable(address: str, reason: str) -> str:
    """Say that a server does not answer."""
    return f"the server at `{address}` cannot be reached: {reason}"


def store_away(waiting: str) -> str:
    """Say that steps wait for the store, and that nothing is lost."""
    return f"steps wait for the store and go on by themselves ({waiting})"


def connection_lost(reason: str) -> str:
    """Say that watching goes on when the server is back."""
    return f"the server does not answer ({reason}); trying again, the run is not affected"


def unknown_run(execution_id: str) -> str:
    """Say that a run does not exist."""
    return f"no run is called `{execution_id}`"


def taken_id(execution_id: str) -> str:
    """Say that an id is in use."""
    return f"a run called `{execution_id}` exists already; nothing was started"


def taken_id_remedy(execution_id: str) -> str:
    """Say what to do about an id in use."""
    return f"choose another `--id`, or look at it: `perdure watch {execution_id}`"


def start_refused(reason: str) -> str:
    """Say that the server did not take the start."""
    return f"the server refused to start the run: {reason}"


def no_answer(execution_id: str) -> str:
    """Say that a live run cannot be asked."""
    return f"no worker answers for `{execution_id}`"


NO_ANSWER_REMEDY = "start one with `perdure worker`; the run is safe and waits"


def definition_missing(name: str) -> str:
    """Say that a file does not exist."""
    return f"the file `{name}` does not exist"


def unreadable(path: str | Path, reason: str) -> str:
    """Say that a file cannot be read."""
    return f"`{path}` cannot be read: {reason}"


def unknown_catalog_name(name: str) -> str:
    """Say that the catalog has no such definition."""
    return f"the catalog has no definition `{name}`"


AS_IN_THE_FOLDER = "it was checked as it would stand in the folder of definitions; refer to others by their names"
USED_REMEDY = "change or delete those first"
NO_DEFINITIONS = "no definitions"


def unknown_definition(name: str, folder: str) -> str:
    """Say that a folder has no such definition."""
    return f"`{folder}` has no definition `{name}`"


def definitions_remedy(known: Sequence[str]) -> str:
    """Say which definitions there are."""
    few = ", ".join(f"`{name}`" for name in known[:10])
    return f"there are {few}" if known else "`perdure definitions create FILE` takes the first one"


def taken_definition(definition_id: str, path: str) -> str:
    """Say that an id is in use."""
    return f"there is a definition `{definition_id}` already: `{path}`"


def update_remedy(definition_id: str) -> str:
    """Say how a definition is replaced."""
    return f"`perdure definitions update {definition_id} FILE` replaces it"


def create_remedy(file: str) -> str:
    """Say how a definition with another id is taken."""
    return f"`perdure definitions create {file}` takes it under its own id"


def other_id(definition_id: str, name: str) -> str:
    """Say that a file is of another definition."""
    return f"the file's id is `{definition_id}`, not `{name}`"


def referred_to(name: str, users: Sequence[str]) -> str:
    """Say that other definitions lead to one."""
    return f"`{name}` is referred to by {', '.join(f'`{user}`' for user in users)}"


def in_use(name: str, runs: Sequence[str]) -> str:
    """Say that runs use a definition."""
    few = ", ".join(f"`{run}`" for run in runs[:5])
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    verbs = ("has", "uses") if len(runs) == 1 else ("have", "use")
    return f"{amount(len(runs), 'run')} that {verbs[0]} not ended {verbs[1]} `{name}`: {few}{more}"


IN_USE_REMEDY = "wait for them, or cancel them; `--force` deletes it all the same: what they need is frozen with them"


def definition_deleted(name: str, path: str) -> str:
    """Say that a definition is gone."""
    return f"deleted `{name}`: {path}"


def exported(name: str, files: int, digest: str, path: str) -> str:
    """Say what a bundle holds."""
    return f"exported `{name}` with {amount(files, 'file')}, digest {digest[:12]}: {path}"


def imported(name: str, digest: str, path: str) -> str:
    """Say what a bundle brought."""
    return f"imported `{name}`, digest {digest[:12]}; run it: `perdure run {path}`"


def in_the_way(paths: Sequence[str]) -> str:
    """Say that files are there already with other content."""
    few = ", ".join(f"`{path}`" for path in paths[:5])
    return f"{amount(len(paths), 'file')} would be written over: {few}{' …' if len(paths) > 5 else ''}"


IN_THE_WAY_REMEDY = "import into another folder (`--into DIR`), or replace them with `--force`"
BAD_BUNDLE_REMEDY = "nothing was written; have it exported again by `perdure export`"


def bad_bundle(path: str, reason: str) -> str:
    """Say that a bundle is refused."""
    return f"the bundle `{path}` is refused: {reason}"


def definition_written(verb: str, name: str, path: str, status: str) -> str:
    """Say what became of a definition."""
    return f"{verb} `{name}` ({status}): {path}"


def catalog_remedy(name: str, close: str | None) -> str:
    """Say how to name a definition."""
    if Path(name).exists():
        return f"for the file write `./{name}`"
    if close:
        return f"did you mean `{close}`?"
    return "`perdure catalog` lists the names; a file has a `/` in it or ends in .yaml, .yml or .json"


def invalid_definition(files: Sequence[str], errors: int) -> str:
    """Count the errors of a validation."""
    where = f"`{files[0]}`" if len(files) == 1 else f"{len(files)} files"
    return f"{errors} {'error' if errors == 1 else 'errors'} in {where}"


def refused_files(files: Sequence[str], counts: Mapping[str, int]) -> str:
    """Count the findings for which files are refused."""
    where = f"`{files[0]}`" if len(files) == 1 else f"{len(files)} files"
    return f"{', '.join(_findings(counts))} in {where}"


def valid_file(file: str, size: str, counts: Mapping[str, int]) -> str:
    """Say that a file has no errors, and what it has."""
    return f"{file}: valid ({', '.join([size, *_findings(counts)])})"


def amount(count: int, noun: str) -> str:
    """Return a number of things: `1 step`, `2 steps`."""
    return f"{count} {noun if count == 1 else noun + 's'}"


def definition_size(steps: int, implicit_inputs: Sequence[str]) -> str:
    """Return how big a definition is, with the inputs that it uses and does not declare."""
    size = amount(steps, "step")
    if not implicit_inputs:
        return size
    return f"{size}; inputs that it uses and does not declare: {', '.join(f'`{name}`' for name in implicit_inputs)}"


def _findings(counts: Mapping[str, int]) -> list[str]:
    """Return the findings in words, the worst first."""
    nouns = {"error": "error", "warning": "warning", "lint": "lint finding"}
    return [amount(counts[kind], noun) for kind, noun in nouns.items() if counts.get(kind)]


def connected(address: str, namespace: str, *, is_embedded: bool) -> str:
    """Say where the run goes."""
    return f"server {address}, namespace {namespace}{' (embedded)' if is_embedded else ''}"


def run_started(execution_id: str, url: str | None) -> str:
    """Say that a run was started."""
    return f"run {execution_id}" + (f"  {url}" if url else "")


def detached(execution_id: str) -> list[str]:
    """Say how to come back to a run."""
    return [
        f"detached; the run goes on: {execution_id}",
        f"  come back: perdure watch {execution_id}",
        f"  end it:    perdure cancel {execution_id}",
    ]


def sign_of_life(running: Sequence[str], undecided: Sequence[str]) -> str:
    """Say what a run is at, where nothing was said for long."""
    told = [f"running: {', '.join(running)}"] if running else []
    told += [f"waits for a decision: {', '.join(undecided)}"] if undecided else []
    return f"still {'; '.join(told) or 'waiting'}"


def still_waiting(execution_id: str, timeout: str) -> list[str]:
    """Say that the time for watching is up."""
    return [f"not ended after {timeout}; the run goes on", f"  come back: perdure watch {execution_id}"]


def gate_commands(execution_id: str, gate: str) -> list[str]:
    """Return the commands that decide a gate."""
    return [f"perdure approve {execution_id} {gate}", f"perdure reject {execution_id} {gate} --reason '…'"]


def control_done(verb: str, execution_id: str) -> str:
    """Say that a control took effect."""
    return f"{verb}: {execution_id}"


def control_sent(verb: str, execution_id: str) -> str:
    """Say that a control was sent to a server that gives no answer."""
    return (
        f"{verb} was sent to {execution_id} as a signal (this server has no updates); see `perdure show {execution_id}`"
    )


REFUSAL_REMEDIES = {
    "unknown-gate": "`perdure gates {id}` shows what is open",
    "already-decided": "`perdure show {id}` shows who decided",
    "not-paused": "`perdure resume` is for paused runs; see `perdure show {id}`",
    "already-paused": "`perdure resume {id}` goes on",
    "already-ended": "`perdure show {id}` shows how it ended",
    "not-allowed": "ask one of the approvers; `perdure gates {id}` names them",
    "refused": "ask one of the approvers; `perdure gates {id}` names them",
    "stale-digest": "look again with `perdure gates {id}`, then decide",
    "comment-required": "add `--comment '…'`",
}


def refusal_remedy(slug: str, execution_id: str) -> str | None:
    """Return what to do about a refusal."""
    found = REFUSAL_REMEDIES.get(slug)
    return found.format(id=execution_id) if found else None


def earlier_log(steps: Sequence[str], run: str, is_kept: bool) -> str:
    """Say which run printed what a later one shows."""
    what = f"`{steps[0]}` was" if len(steps) == 1 else f"`{steps[0]}` to `{steps[-1]}` ({len(steps)} steps) were"
    return f"note: {what} made by the run `{run}` and {'kept' if is_kept else 'found in the cache'}"


def earlier_logs(execution_id: str, count: int) -> str:
    """Say that the logs of steps that a run did not do itself are not among those shown."""
    steps = "1 step was" if count == 1 else f"{count} steps were"
    return f"note: {steps} kept or found in the cache; `perdure logs {execution_id} STEP` has what one printed"


def unknown_step(execution_id: str, step: str) -> str:
    """Say that a run has no such step."""
    return f"`{execution_id}` has no step `{step}`"


def step_without_key(step: str) -> str:
    """Say that a step has no cache key."""
    return f"`{step}` was not looked up in the cache"


def exists_already(path: Path) -> str:
    """Say that a file is left as it is."""
    return f"`{path}` is there already and was left as it is"


def cannot_add(path: Path, reason: str, wanted: str) -> str:
    """Say that settings cannot be added to a file, and what to add by hand."""
    return f"`{path}` was left as it is ({reason}); add this yourself:\n{wanted.rstrip()}"


def span(duration: timedelta) -> str:
    """Return a duration for people: `0.4 s`, `12 s`, `3 m 05 s`, `2 h 10 m`."""
    seconds = max(duration.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def money(usd: float) -> str:
    """Return an amount in dollars."""
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"


def no_folder(path: Path) -> str:
    """Say that the workspace is not there."""
    return f"`{path}` is not a folder"


def providers(known: Sequence[str]) -> str:
    """Name the providers."""
    return "there are " + ", ".join(f"`{name}`" for name in known)


def already_ended(execution_id: str) -> str:
    """Say that a control came too late."""
    return f"`{execution_id}` has ended"


def busy(execution_id: str) -> str:
    """Say that too many decisions are under way."""
    return f"`{execution_id}` is busy with other messages"


BUSY_REMEDY = "try again in a few seconds"


def server_error(reason: str) -> str:
    """Say that the server failed a request."""
    return f"the server did not do it: {reason}"


NOT_ALLOWED = "you may not decide here"


def no_agent(program: str) -> str:
    """Say that an agent's program is not there."""
    return f"`{program}` is not on PATH"


def agent_remedy(provider: str) -> str:
    """Say what to do without an agent."""
    return f"needed only for steps of `provider: {provider}`; `--provider scripted` does without"


def unknown_code(code: str) -> str:
    """Say that no finding has this code."""
    return f"no finding has the code `{code}`"


def unwritable(path: Path, reason: str) -> str:
    """Say that files cannot be written."""
    return f"`{path}` cannot be written: {reason}"


def try_it(path: Path) -> str:
    """Say what to do with a new definition."""
    return f"try it: perdure run {path}"


def applied(count: int, folder: Path) -> str:
    """Say that changes were taken."""
    return f"{count} {'path' if count == 1 else 'paths'} changed in `{folder}`"


NO_LINKS = "note: `workspace.link` is for the embedded default: on this server's workers nothing is linked"
ONE_FORM = "give one of `--stat`, `--name-only` and `--json`"


def plural(count: int, one: str, many: str) -> str:
    """Return a count with its noun."""
    return f"{count} {one if count == 1 else many}"


def no_folder_to_link(link: str, root: Path) -> str:
    """Say that a folder to link is not there."""
    return f"note: `{link}` is not linked: there is no such folder in `{root}`"


def no_changes_by(step: str) -> str:
    """Say that a step changed nothing."""
    return f"the step `{step}` changed no files"


def step_without_files(step: str, state: str) -> str:
    """Say that a step has no files of its own to show."""
    return f"the step `{step}` is {state.replace('_', ' ')}: only a completed step has changes to show"


def merged_path(path: str) -> str:
    """Say that a text holds changes of both sides."""
    return f"merged `{path}`"


def branch_made(name: str, commit: str, count: int) -> str:
    """Say that a branch was made, and how to look at it."""
    changed = plural(count, "path", "paths")
    return f"branch `{name}` made: commit {commit[:12]} changes {changed}; `git diff HEAD...{name}` shows it"


def commit_message(status: "Status") -> str:
    """Return the message of a commit with what a run changed."""
    name, run = status.definition_name or status.definition_id, status.execution_id
    return f"Changes by {name}\n\nMade by the run {run} of Perdure.\n\nPerdure-Run: {run}\n"


def explain_remedy(close: str | None) -> str:
    """Say how to find a code."""
    return f"did you mean `{close}`?" if close else "`perdure explain` lists the codes"


def not_cached_hint(step: str) -> str:
    """Say why nothing can be explained."""
    return f"`{step}` has no cache key: it does not ask for caching (`cache: true`), or did not get that far"


NOTHING_DONE = "nothing was done"
NOBODY_ANSWERED = "nobody is there to answer; nothing was done"
ANSWER_BEFOREHAND = "`--yes` does it without asking"
NOTHING_TO_APPLY = "nothing to apply: the folder has all that the run changed"


def cache_figures(records: int, damaged: int, seconds: float, usd: float, location: str) -> str:
    """Say what the cache holds and what a hit on all of it would save."""
    worth = span(timedelta(seconds=seconds)) + (f", {money(usd)}" if usd else "")
    broken = f"; {damaged} damaged" if damaged else ""
    return f"{_cached_steps(records)} in {location}, worth {worth}{broken}"


def confirm_clear(count: int, location: str) -> str:
    """Ask before the cache is emptied."""
    return f"forget {_cached_steps(count)} in {location}?"


def cache_cleared(count: int) -> str:
    """Say that the cache is empty."""
    return f"{_cached_steps(count)} forgotten"


def cache_verdict(step: str, key: str, *, is_hit: bool) -> str:
    """Say whether a step came from the cache."""
    return f"{step}: {'from the cache' if is_hit else 'not in the cache, so it ran'} (key {key[:16]})"


CACHE_VERDICTS = {
    "unknown": "  nothing is known of this key: it was long ago, or the cache was cleared",
    "first": "  it is the first of its kind: this step of this definition had no result before",
}
COUNTS_HEAD = "    hits     runs   rate    saved             definition / step"


def same_key(reason: str) -> str:
    """Say why a step ran though there was a result under its very key."""
    return f"  there was a result under this key, and it ran: {reason or 'the cache was cleared meanwhile'}"


def out_of_reach(execution_id: str) -> str:
    """Say that there is a result under the very key, which the look-up had no way to take."""
    return f"  {execution_id} has a result under this key, and it ran: that run is trusted less, or had not ended yet"


def nearest_result(execution_id: str, created_at: datetime) -> str:
    """Say against which result the fields that follow differ."""
    return (
        f"  against its nearest earlier result, of {execution_id} ({created_at:%Y-%m-%d %H:%M:%S} UTC), these differ:"
    )


def more_differences(count: int) -> str:
    """Say how many differences are not shown."""
    return f"    … and {count} more (`--json` has them all)"


def difference(field: str, before: str, after: str) -> str:
    """Name a field of a key with its value before and now."""
    return f"    {field}: {before} -> {after}"


def result_not_kept(reason: str) -> str:
    """Say why a result is not in the cache."""
    return f"  its result was not kept: {reason}"


def cache_maker(execution_id: str, path: str, created_at: datetime, seconds: float, usd: float) -> str:
    """Say whose result was taken, and what that saved."""
    saved = span(timedelta(seconds=seconds)) + (f" and {money(usd)}" if usd else "")
    return f"  made by {execution_id}, step {path}, at {created_at:%Y-%m-%d %H:%M:%S} UTC; that saved {saved}"


def cache_saved(total: "Count") -> str:
    """Say how often steps came from the cache, and what that saved."""
    looked_up = f"{total.hits} of {total.hits + total.runs} looked up came from the cache"
    return f"{looked_up} ({_rate(total)}), which saved {_saved(total)}"


def cache_count(definition: str, step: str, count: "Count") -> str:
    """Return a step's row under `COUNTS_HEAD`."""
    return f"  {count.hits:6}   {count.runs:6}   {_rate(count):>4}    {_saved(count):<16}  {definition} / {step}"


def _rate(count: "Count") -> str:
    return "-" if count.hit_rate is None else f"{count.hit_rate:.0%}"


def _saved(count: "Count") -> str:
    return span(timedelta(seconds=count.seconds_saved)) + (f", {money(count.usd_saved)}" if count.usd_saved else "")


def _cached_steps(count: int) -> str:
    return f"{count} cached {'step' if count == 1 else 'steps'}"


def no_test_files() -> str:
    """Say that there is nothing to test."""
    return "there is no `*.test.yaml` below this folder"


def test_init_wants() -> str:
    """Say what `test --init` needs."""
    return "`--init` wants the definitions to write test files for"


def tests_played(cases: int, failed: int) -> str:
    """Count the cases that were played."""
    if cases == 0:
        return "no case was played: none is wanted by `-k` and `--level`"
    played = f"{cases} {'case' if cases == 1 else 'cases'}"
    return f"{played}, {failed} failed" if failed else f"{played}, all passed"


def coverage_too_low(path: Path, percent: float, minimum: float) -> str:
    """Say that the cases of a file cover too little of its definition."""
    return f"`{path}` covers {percent:.1f}%, less than the minimum of {minimum:g}%"


def changed_meanwhile(path: Path) -> str:
    """Say that a file was changed by somebody else while it was worked on."""
    return f"`{path}` was changed while its cases were played, and was left as it is"


def test_file_updated(path: Path, count: int) -> str:
    """Say that expectations were written anew."""
    return f"`{path}`: {count} {'expectation' if count == 1 else 'expectations'} written anew"


def bench_begins(facts: Mapping[str, str]) -> str:
    """Say what is measured, and from where."""
    return "measuring " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())


def bench_goes_on(what: str) -> str:
    """Say what is measured now."""
    return f"  {what} …"


def bench_figure(name: str, median: float, unit: str, worst: float | None, count: int) -> str:
    """Return one line of the table of `perdure bench`."""
    spread = "" if worst is None else f"   worst {worst:.1f} {unit}"
    return f"{name:<42} {median:>9.1f} {unit}{spread}   ({count} measured)"


def bench_silent(task_queue: str, seconds: int) -> str:
    """Say that nobody took the first run."""
    return f"no worker of the task queue `{task_queue}` took a run within {seconds} s; it was ended"


RERUN_REMEDY = "start it anew with `perdure run`"
NOTHING_TO_RERUN = "nothing is to be done again: the run completed, and nothing else was asked for; nothing was started"


def still_alive(execution_id: str) -> str:
    """Say that the run that is taken up has not ended."""
    return f"note: {execution_id} has not ended and goes on; what it does from here on is not taken over"


def size(count: int) -> str:
    """Return bytes as people read them."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit takes all")


def folder_size(total: str, files: int) -> str:
    """Say how much is in a folder."""
    return f"{total} in {files} {'file' if files == 1 else 'files'}"


def confirm_collect(planned: "Collected", location: str) -> str:
    """Ask before garbage is removed."""
    return f"remove {_garbage(planned)} from {location}?"


def collected_lines(collected: "Collected", location: str, *, dry_run: bool) -> list[str]:
    """Say what was removed, or would be, and what stays."""
    lines = [f"{'would remove' if dry_run else 'removed'} {_garbage(collected)} from {location}"]
    lines += [f"  run {execution_id}" for execution_id in collected.runs[:MOST_NAMED_RUNS]]
    if len(collected.runs) > MOST_NAMED_RUNS:
        lines.append(f"  and {len(collected.runs) - MOST_NAMED_RUNS} more runs")
    blobs = _counted(collected.kept_blobs, "blob")
    return [*lines, f"kept: {_counted(collected.kept_runs, 'run')}, {blobs} in use"]


def _garbage(collected: "Collected") -> str:
    parts = [_counted(len(collected.runs), "ended run"), _counted(collected.cached_steps, "cached step")]
    swept = collected.swept
    packs = f", {_counted(swept.packs, 'pack')}" if swept.packs else ""
    return f"{', '.join(parts)}, {_counted(swept.blobs, 'blob')} ({size(swept.bytes)}{packs})"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def grace_too_short(given: str) -> str:
    """Say why so short a time is refused."""
    return f"`--grace {given}` is less than a day: a step that is going on may refer to what was written hours ago"


def bad_span(option: str, why: str) -> str:
    """Say that an option's time cannot be read."""
    return f"`{option}`: {why}"


def verifying(blobs: int) -> str:
    """Say how far a verification is."""
    return f"{blobs:,} blobs hashed"


def verified(blobs: int, content: int, cached_steps: int, trees: int, location: str) -> str:
    """Say what a verification looked at."""
    counted = [_counted(blobs, "blob"), _counted(cached_steps, "cached step"), _counted(trees, "tree")]
    return f"looked at {', '.join(counted)} ({size(content)}) in {location}"


NO_ARTIFACTS = "no artifacts: a step publishes one with `publish: {name: …, path: …}`"


def artifact_taken(path: str | Path) -> str:
    """Say that an artifact is not written over something."""
    return f"`{path}` is there already; nothing was written"


def artifact_written(shown: str, path: str | Path) -> str:
    """Say where an artifact is now."""
    return f"{shown} is in {path}"


def no_link(shown: str, location: str) -> str:
    """Say that there is no link to an artifact."""
    return f"there is no link to `{shown}`: the store `{location}` gives none"


def no_link_to_folder(shown: str) -> str:
    """Say that a folder has no link."""
    return f"`{shown}` is a folder, which is many objects in the store"


def tag_moved(name: str, tag: str, version: int, before: int | None) -> str:
    """Say where a tag stands now."""
    if before == version:
        return f"`{tag}` of {name} stands at version {version}, as before"
    stood = "" if before is None else f" (before: {before})"
    return f"`{tag}` of {name} stands at version {version}{stood}"


def tag_removed(name: str, tag: str, before: int) -> str:
    """Say that a tag stands nowhere."""
    return f"`{tag}` of {name} is removed; it stood at version {before}"


def unknown_tag(name: str, tag: str) -> str:
    """Say that an artifact has no such tag."""
    return f"the artifact `{name}` has no tag `{tag}`"


def tagged(shown: str, tags: Sequence[str]) -> str:
    """Say that a version is not deleted since a tag stands at it."""
    names = ", ".join(f"`{tag}`" for tag in tags)
    return f"`{shown}` is not deleted: {names} {'stand' if len(tags) > 1 else 'stands'} at it"


def confirm_delete_artifact(shown: str, count: int, location: str) -> str:
    """Ask before versions are deleted."""
    return f"delete {shown} ({_counted(count, 'version')}) from {location}? whoever fetches it will fail"


def artifacts_deleted(count: int) -> str:
    """Say how many versions are gone."""
    return f"{_counted(count, 'version')} deleted; `perdure store gc` gives the room back"


def unknown_run_artifact(execution_id: str, name: str) -> str:
    """Say that a run kept no artifact of that name."""
    return f"the run `{execution_id}` has no artifact `{name}`"


def several_run_artifacts(name: str, steps: Sequence[str]) -> str:
    """Say that several steps kept an artifact of one name."""
    return f"{_counted(len(steps), 'step')} kept an artifact `{name}`"
