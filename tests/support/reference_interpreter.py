"""The language in the plainest code: what a run of a definition must come to, as semantics.md says.

One thing after the other, without Temporal, tasks or a clock: every walk takes the moment at which it begins and gives
the one at which it ends. What runs side by side is walked branch by branch, and then cut off at the moment at which
one of them stopped the others. What a run did is a list of notes: steps that ended, calls, signals taken, holds.

    visit    one visit of a step: `when`, body, hold, what follows     body    `for_each`, `loop`, attempts
    walk_*   how the steps of a list follow each other                 once    one attempt, by type

The notes and what texts see of them are in `reference_notes`, rules over the definition alone in `reference_rules`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from definitions.collections import itemise
from definitions.durations import parse_duration
from definitions.errors import StepFailure
from definitions.models import Definition
from tests.support.outcome_script import Script, micro, moment, span
from tests.support.reference_notes import Known, Note, Result, Seen, Stopped, Walk, entry, latest
from tests.support.reference_rules import handlers, is_blocked, is_used_up, needs_of, retry_rules
from tests.support.small_trees import Tree, conflicts, joined, written


class Reference(Known):
    """Judges one run: `state`, `error`, `outputs`, `tree` and `notes` are what it must come to."""

    def __init__(self, definition: Definition, script: Script, library: Mapping[str, Definition]) -> None:
        super().__init__()
        self.definition, self.script, self.library = definition, script, library

    def judge(self) -> "Reference":
        """Walk again and again, until every pause that a failed step makes is known to what runs beside it."""
        while True:
            self.notes = []
            self._run()
            holds = sorted((note.begin, note.end) for note in self.notes if note.kind == "hold")
            new = next((hold for hold in holds if hold not in self.windows), None)
            if new is None:
                return self
            self.windows = [*(known for known in self.windows if known[0] < new[0]), new]

    def _run(self) -> None:
        self.state, self.error, self.outputs = "completed", None, {}
        walk = Walk(self.definition.steps, "")
        seen = Seen(walk, {"inputs": {name: one.default for name, one in self.definition.inputs.items()}})
        limits = [(micro(self.definition.timeout), "timeout")] if self.definition.timeout else []
        limits += [(self.script.cancel_at, "cancelled")] if self.script.cancel_at is not None else []
        try:
            self.tree, at = self.within(limits, lambda: self.walk_list(seen, 0, "{}"), "")
            self.outputs = self.run_outputs(self.definition, seen, at)
        except Stopped as stopped:
            self.tree = None
            self.state = stopped.kind if stopped.kind in ("rejected", "cancelled") else "failed"
            self.error = (stopped.kind, stopped.path) if self.state != "cancelled" else None
            self.compensate(stopped.at)

    def compensate(self, at: int) -> None:
        """Undo what completed, the last first; what fails in that is noted, and the rest goes on."""
        done = [note for note in self.notes if note.undo and note.status == "completed" and note.forgotten is None]
        for note in sorted(done, key=lambda note: (note.end, note.order), reverse=True):
            step, around = note.undo
            seen = around.with_result(step, note.outputs)
            inner = Walk(step.compensate.steps, f"{note.path}/compensate/", around.walk)
            try:
                _, at = self.walk_list(replace(seen, walk=inner, key=None, turn=None), at, note.tree)
            except Stopped as stopped:
                at = stopped.at
            note.is_undone = True

    def within(self, limits: list[tuple[int, str]], work: Callable[[], Any], path: str) -> Any:
        """Do work that must end before the first of some moments; else it is cut off then."""
        mark, limit = len(self.notes), min(limits, default=None)
        found, stopped = None, None
        try:
            found = work()
            end = found.at if isinstance(found, Result) else found[-1]
        except Stopped as caught:
            stopped, end = caught, caught.at
        if limit is not None and end > limit[0]:
            self.cut(mark, limit[0])
            raise Stopped(limit[1], path, limit[0])
        if stopped is not None:
            raise stopped
        return found

    # --- lists --------------------------------------------------------------------------------------

    def walk_list(self, seen: Seen, at: int, tree: Tree) -> tuple[Tree, int]:
        if any(step.needs is not None for step in seen.walk.steps):
            return self.walk_needs(seen, at, tree)
        return self.walk_in_order(seen, at, tree)

    def walk_in_order(self, seen: Seen, at: int, tree: Tree) -> tuple[Tree, int]:
        steps = seen.walk.steps
        ids, by_jump = [step.id for step in steps], handlers(steps)
        took: dict[str, tuple[str, str]] = {}
        index, jumped = 0, False
        while index < len(steps):
            step = steps[index]
            if step.id in by_jump and not jumped:
                index += 1
                continue
            end = self.visit(step, seen, at, tree)
            at, tree, jumped = end.at, end.tree, False
            if end.target is None and step.id in by_jump:
                if step.end == "failed" and step.id in took:
                    raise Stopped(*took[step.id], at)
                break
            if end.target == "end":
                break
            if end.target is None:
                index += 1
                continue
            if end.status == "failed" and end.error is not None:
                took[end.target] = end.error
            index, jumped = ids.index(end.target), True
        return tree, at

    def walk_needs(self, seen: Seen, at: int, tree: Tree) -> tuple[Tree, int]:
        """A step begins when its needs have ended; a failure stops the list, `end` ends it."""
        walk, mark = seen.walk, len(self.notes)
        needs = {step.id: needs_of(walk.steps, step) for step in walk.steps}
        ends: dict[str, Result] = {}
        stops: list[tuple[int, Stopped | None]] = []
        closing: dict[str, Result] = {}
        waiting = list(walk.steps)
        while ready := [step for step in waiting if all(need in ends for need in needs[step.id])]:
            step = ready[0]
            waiting.remove(step)
            begin = max([at, *(ends[need].at for need in needs[step.id])])
            try:
                start = self.join(walk.prefix + step.id, tree, [ends[need].tree for need in needs[step.id]], begin)
                end = self.visit(step, seen, begin, start, blocked=is_blocked(step, ends))
                if end.target is None:
                    ends[step.id] = end
                else:
                    stops.append((end.at, None))
                    closing[step.id] = end
            except Stopped as stopped:
                stops.append((stopped.at, stopped))
        finish = max([at, *(end.at for end in ends.values())])
        if stops:
            finish, stopped = min(stops, key=lambda one: one[0])
            self.cut(mark, finish)
            if stopped is not None:
                raise stopped
            ends |= {step_id: end for step_id, end in closing.items() if end.at == finish}
        done = {step_id for step_id, end in ends.items() if end.at <= finish}
        needed = {need for step_id in done for need in needs[step_id]}
        last = [ends[step.id].tree for step in walk.steps if step.id in done - needed]
        return self.join(walk.prefix + walk.steps[-1].id, tree, last, finish), finish

    def side_by_side(self, seen: Seen, at: int, tree: Tree) -> tuple[list[Tree], int]:
        """Branches begin together; the first that stops cuts the others off."""
        mark, ends, stops = len(self.notes), list[Result](), list[Stopped]()
        for step in seen.walk.steps:
            try:
                ends.append(self.visit(step, seen, at, tree))
            except Stopped as stopped:
                stops.append(stopped)
        if stops:
            first = min(stops, key=lambda stopped: stopped.at)
            self.cut(mark, first.at)
            raise first
        return [end.tree for end in ends], max(end.at for end in ends)

    def race(self, seen: Seen, at: int, tree: Tree) -> tuple[Tree, str | None, int]:
        """The first that completed wins, and the others are cut off; where none did and one failed, it failed."""
        walk, mark, at = seen.walk, len(self.notes), self.open(at)
        ends: dict[str, Result] = {}
        failed, whole = list[Stopped](), list[Stopped]()
        for step in walk.steps:
            try:
                end = ends[step.id] = self.visit(step, seen, at, tree)
                failed += [Stopped(*end.error, end.at)] if end.error is not None and end.status == "failed" else []
            except Stopped as stopped:
                (whole if stopped.whole else failed).append(stopped)
        done = [step_id for step_id in ends if ends[step_id].status == "completed"]
        winner = min(done, key=lambda step_id: ends[step_id].at, default=None)
        fatal = min(whole, key=lambda stopped: stopped.at, default=None)
        if fatal is not None and (winner is None or fatal.at < ends[winner].at):
            self.cut(mark, fatal.at)
            raise fatal
        if winner is not None:
            self.cut(mark, ends[winner].at)
            return ends[winner].tree, winner, ends[winner].at
        last = max([at, *(end.at for end in ends.values()), *(stop.at for stop in failed)])
        if failed:
            raise Stopped(failed[0].kind, failed[0].path, last)
        return tree, None, last

    def join(self, path: str, base: Tree, trees: Sequence[Tree], at: int) -> Tree:
        if conflicts(base, trees):
            raise Stopped("workspace", path, self.open(at))
        return joined(base, trees)

    # --- one step -----------------------------------------------------------------------------------

    def visit(self, step: Any, seen: Seen, at: int, tree: Tree, *, blocked: bool = False) -> Result:
        walk = seen.walk
        number = walk.visits[step.id] = walk.visits.get(step.id, 0) + 1
        path = f"{walk.prefix}{step.id}" + (f"@{number}" if number > 1 else "")
        if number > step.max_visits:
            raise Stopped("visits-exhausted", path, at)
        at = self.open(at)
        if blocked or (step.when is not None and not self.holds(step.when, seen, at)):
            walk.inside.pop(step.id, None)
            self.notes.append(Note("step", path, at, at, "skipped"))
            result = Result("skipped", at, tree)
        else:
            result, action = self.body(step, seen, path, at, tree), "retry"
            while result.status == "failed" and step.on_failure == "pause" and action == "retry":
                action, result = self.hold(step, seen, path, tree, result)
        last = next(note for note in reversed(self.notes) if note.kind == "step" and note.path == path)
        walk.results.setdefault(step.id, []).append(last)
        return self.follow(step, path, result, tree)

    def hold(self, step: Any, seen: Seen, path: str, tree: Tree, failed: Result) -> tuple[str, Result]:
        """The run pauses until a person says what becomes of a failed step."""
        number = 1 + self.count("hold", path)
        self.notes.append(Note("hold", path, failed.at, end := failed.at + span(f"hold {path}", number)))
        action, at = self.script.action(path, number), self.open(end)
        if action == "fail":
            return action, replace(failed, at=at)
        if action == "skip":
            self.notes.append(Note("step", path, at, at, "skipped", error=failed.error))
            return action, Result("skipped", at, tree, error=failed.error)
        attempt = next(note for note in reversed(self.notes) if note.kind == "step" and note.path == path).attempt
        again = f"{path}/" if step.for_each is None and step.loop is None else (f"{path}[", f"{path}#")
        self.forget(again, at, only_failed=isinstance(again, tuple))
        return action, self.body(step, seen, path, at, tree, attempt=attempt + 1)

    def follow(self, step: Any, path: str, result: Result, tree: Tree) -> Result:
        """Say where a list goes after a step."""
        if result.status != "failed" or result.error is None:
            if step.on_success == "fail":
                raise Stopped("routed", path, result.at, whole=True)
            return replace(result, target=step.on_success)
        if is_used_up(step, path, result.error):
            return replace(result, target=step.loop.on_exhausted, tree=tree)
        if step.on_failure in ("stop", "pause", "fail"):
            raise Stopped(*result.error, result.at, whole=step.on_failure == "fail")
        return replace(result, tree=tree, target=None if step.on_failure == "continue" else step.on_failure)

    def body(self, step: Any, seen: Seen, path: str, at: int, tree: Tree, level: int = 0, attempt: int = 1) -> Result:
        """Do what a step does: level 0 the step, 1 an item, 2 a pass. Its end is noted, however it is."""
        note = Note("step", path, at, at, attempt=attempt)
        self.notes.append(note)
        is_innermost = (step.for_each is None or level > 0) and (step.loop is None or level == 2)
        try:
            if step.for_each is not None and level == 0:
                result = self.items(step, seen, path, at, tree)
            elif not is_innermost:
                limits = [(at + micro(step.timeout), "timeout")] if step.timeout else []
                result = self.within(limits, lambda: self.passes(step, seen, path, at, tree), path)
            else:
                result = self.attempts(step, seen, note, tree)
        except Stopped as stopped:
            error = (stopped.kind, stopped.path)
            note.end, note.status, note.error = stopped.at, "failed", error
            if stopped.whole:
                raise
            note.handled = step.on_failure not in ("stop", "pause", "fail") or is_used_up(step, path, error)
            return Result("failed", stopped.at, tree, None, error)
        note.end, note.status, note.outputs, note.tree = result.at, "completed", result.outputs, result.tree
        if is_innermost and step.compensate is not None:
            note.undo = (step, seen)
            note.order = sum(1 for known in self.notes if known.undo)
        if level == (1 if step.for_each is not None else 0):
            for name, text in step.store.items():
                value = self.value(text, seen.with_result(step, result.outputs), result.at)
                self.notes.append(
                    Note("document", name, result.at, result.at, outputs=(seen.base, seen.scope, value, path))
                )
        return result

    def items(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Result:
        """So many items side by side as `concurrency` says; the next begins where one has ended."""
        each, mark = step.for_each, len(self.notes)
        scope = self.scope(seen, at) if each.key else None
        try:
            keys, values = itemise(self.value(each.items, seen, at), each.name, each.key, scope)
        except StepFailure as failure:
            raise Stopped(str(failure.error_class), path, at) from failure
        free, results, trees = [at] * min(each.concurrency, len(keys)), dict[str, Any](), list[Tree]()
        stop: Stopped | None = None
        for index, (key, item) in enumerate(zip(keys, values, strict=True)):
            lane, known = free.index(min(free)), self.completed(f"{path}[{key}]")
            if known is not None:
                results[key] = known.outputs
                trees.append(known.tree)
                continue
            if stop is not None and free[lane] >= stop.at:
                break
            names = {each.name: item, "loop": {"index": index + 1, "key": key, "count": len(keys)}}
            inner = replace(seen, values={**seen.values, **names}, key=key)
            inner = replace(inner, scope=(*seen.scope, (each.scope, key))) if each.scope else inner
            first = len(self.notes)
            try:
                end = self.body(step, inner, f"{path}[{key}]", self.open(free[lane]), tree, level=1)
            except Stopped as stopped:
                end, failure = None, stopped
            else:
                failure = Stopped(*end.error, end.at) if end.error is not None else None
            free[lane] = self.notes[first].end
            results[key] = None if end is None else end.outputs
            trees.append(tree if end is None else end.tree)
            if failure is not None and each.on_error == "continue" and not failure.whole:
                self.notes[first].handled = True
            elif failure is not None and (stop is None or failure.at < stop.at):
                stop = failure
        if stop is not None:
            self.cut(mark, stop.at)
            raise stop
        finish = max([at, *free])
        after = self.join(path, tree, trees, finish) if each.merge == "files" else tree
        return Result("completed", finish, after, results)

    def passes(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Result:
        """Pass after pass; a person's retry goes on with the pass that did not complete."""
        loop, before, number = step.loop, None, 1
        while number < loop.max_iterations and self.completed(f"{path}#{number}"):
            before, number = self.completed(f"{path}#{number}"), number + 1
        while True:
            names = {"loop": {"iteration": number, "max_iterations": loop.max_iterations}}
            inner = replace(seen, values={**seen.values, **names}, turn=number)
            if before is not None:
                tree = before.tree
                inner = replace(inner, own={**seen.own, step.id: entry("completed", before.outputs, None)})
            if (before := self.completed(f"{path}#{number}")) is None:
                end = self.body(step, inner, f"{path}#{number}", self.open(at), tree, level=2)
                if end.error is not None:
                    raise Stopped(*end.error, end.at)
                before, at = self.completed(f"{path}#{number}"), end.at
            assert before is not None
            inner = replace(inner, inner=seen.walk.inside.get((step.id, seen.key, number)))
            done = loop.until is not None and self.holds(loop.until, inner.with_result(step, before.outputs), at)
            if done or number == loop.max_iterations:
                break
            number += 1
        if loop.until is not None and not done and loop.on_exhausted != "continue":
            raise Stopped("loop-exhausted", path, at)
        return Result("completed", at, before.tree, before.outputs)

    def attempts(self, step: Any, seen: Seen, note: Note, tree: Tree) -> Result:
        """Attempt after attempt, as the first rule for the class of the failure says."""
        rules, at = retry_rules(step), note.begin
        counts = [0] * len(rules)
        before = self.walk_before(step, seen)
        while True:
            try:
                return self.once(step, seen, note.path, at, tree, before)
            except Stopped as stopped:
                fits = [number for number, rule in enumerate(rules) if rule[4] is None or stopped.kind in rule[4]][:1]
                if stopped.whole or not fits:
                    raise
                counts[fits[0]] += 1
                most, interval, backoff, longest, _ = rules[fits[0]]
                if counts[fits[0]] >= most:
                    raise
                self.forget(f"{note.path}/", stopped.at)
                note.retried.append(stopped.at)
                note.attempt += 1
                at = self.open(stopped.at + round(min(interval * backoff ** (counts[fits[0]] - 1), longest)))

    def once(self, step: Any, seen: Seen, path: str, at: int, tree: Tree, before: Walk | None) -> Result:
        """Make one attempt. Whatever its type, it takes a while."""
        match step.type:
            case "group" | "workflow":
                at += span(path, self.take("call", path, at))
                spans = [step.timeout if step.loop is None else None]
                spans += [self.library[step.definition].timeout] if step.type == "workflow" else []
                limits = [(at + micro(span), "timeout") for span in spans if span is not None]
                inside = self.group if step.type == "group" else self.workflow
                return self.within(limits, lambda: inside(step, seen, path, at, tree, before), path)
            case "shell" | "agent" | "activity":
                number = self.take("call", path, at)
                long, kind = span(path, number), self.script.outcome(path, number)
                if step.timeout and step.loop is None and long > micro(step.timeout):
                    raise Stopped("timeout", path, at + micro(step.timeout))
                if kind != "ok":
                    raise Stopped(kind, path, at + long)
                after = tree if step.type == "activity" else written(tree, self.script.files.get(step.id), path)
                name = "result" if step.type == "activity" else "out"
                return Result("completed", at + long, after, {name: f"{path}!{number}"})
            case _:
                pass
        at += span(path, self.take("call", path, at))
        match step.type:
            case "set":
                return Result("completed", at, tree, self.value(step.values, seen, at))
            case "assert":
                if not self.holds(step.condition, seen, at):
                    raise Stopped("assertion", path, at)
                return Result("completed", at, tree, {"passed": True})
            case "approval":
                return self.gate(step, path, at, tree)
            case _:
                return self.wait(step, path, at, tree)

    def group(self, step: Any, seen: Seen, path: str, at: int, tree: Tree, before: Walk | None) -> Result:
        walk = Walk(step.steps, f"{path}/", seen.walk, before)
        seen.walk.inside[step.id, seen.key, seen.turn] = seen.walk.inside[step.id] = walk
        inner, winner = replace(seen, walk=walk, key=None, turn=None), None
        if step.mode == "parallel":
            trees, at = self.side_by_side(inner, at, tree)
            tree = self.join(path, tree, trees, at) if step.merge == "files" else tree
        elif step.mode == "race":
            tree, winner, at = self.race(inner, at, tree)
        else:
            tree, at = self.walk_list(inner, at, tree)
        outputs = {child.id: (latest(walk, child.id) or {}).get("outputs") for child in step.steps}
        return Result("completed", at, tree, {**outputs, **({"winner": winner} if step.mode == "race" else {})})

    def workflow(self, step: Any, seen: Seen, path: str, at: int, tree: Tree, before: Walk | None) -> Result:
        definition = self.library[step.definition]
        given = self.value(step.inputs, seen, at)
        inputs = {name: given.get(name, declared.default) for name, declared in definition.inputs.items()}
        inner = Seen(Walk(definition.steps, f"{path}/"), {"inputs": inputs}, base=path)
        try:
            tree, at = self.walk_list(inner, at, tree)
        except Stopped as stopped:
            raise Stopped(stopped.kind, stopped.path, stopped.at) from stopped
        return Result("completed", at, tree, self.run_outputs(definition, inner, at))

    def gate(self, step: Any, path: str, at: int, tree: Tree) -> Result:
        number = self.take("opening", path, at)
        verdict, by = self.script.verdict(path, number), "ana"
        end, deadline = at + span(f"gate {path}", number), at + micro(step.timeout)
        if verdict == "silence" or end > deadline:
            verdict, by, end = step.on_timeout, "timeout", deadline
        if verdict == "reject":
            raise Stopped("rejected", path, end)
        return Result("completed", end, tree, {"verdict": verdict, "decided_by": by})

    def wait(self, step: Any, path: str, at: int, tree: Tree) -> Result:
        """For a while, or for the last signal of a name that nobody has taken."""
        if step.signal is None:
            end = at + micro(parse_duration(step.duration))
            return Result("completed", end, tree, {"until": moment(end)})
        taken = max([-1, *(note.end for note in self.notes if (note.kind, note.path) == ("taking", step.signal))])
        left = [come for come in self.script.signals.get(step.signal, []) if come > taken]
        come = max([come for come in left if come <= at], default=min(left, default=None))
        deadline = at + micro(step.timeout)
        if come is None or come > deadline:
            raise Stopped("timeout", path, deadline)
        self.notes.append(Note("taking", step.signal, max(at, come), max(at, come)))
        return Result("completed", max(at, come), tree, {"payload": come, "received_at": moment(come)})
