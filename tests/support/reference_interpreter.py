"""The language in the plainest code: what a run of a definition must come to, as semantics.md says.

One thing after the other, without Temporal, tasks or a clock: every walk takes the moment at which it begins and gives
the one at which it ends. What runs side by side is walked branch by branch, and then cut off at the moment at which
one of them stopped the others. What a run did is a log of events: steps that began and ended, calls, holds, signals.

    run      one definition                                            body    `for_each`, `loop`, attempts
    walk_*   how the steps of a list follow each other                 once    one attempt, by type
    visit    one visit of a step: `when`, body, hold, what follows

The log and what texts see of it are in `reference_notes`. The two files have at most 400 lines of code, with blank
lines, comments and docstrings not counted; `test_reference` holds them to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from definitions.collections import itemise
from definitions.durations import parse_duration
from definitions.errors import TRANSIENT, StepFailure
from definitions.models import Definition
from definitions.steps.control import Retry
from tests.support.outcome_script import micro, moment, span
from tests.support.reference_notes import NOWHERE, Event, Known, Seen, Walk, completed, failed
from tests.support.small_trees import Tree, conflicts, joined, written

Needs = Mapping[str, Sequence[str]]


class Reference(Known):
    """Judges one run: `state`, `error`, `outputs`, `tree`, `events`, `records`, `undone` are what it must come to."""

    def judge(self) -> "Reference":
        """Walk again and again, until every pause that a failed step makes is known to what runs beside it."""
        while True:
            self.events, self.records, self.undone = [], {}, set[str]()
            last = self.script.cancel_at
            end = self.within(last, "", lambda: self.run(self.definition, {}, "", 0, "{}"), "cancelled")
            self.state, self.error, self.outputs, self.tree = "completed", None, end.outputs, end.tree
            if end.kind == "failed":
                self.state = end.error[0] if end.error[0] in ("rejected", "cancelled") else "failed"
                self.error, self.outputs, self.tree = None if self.state == "cancelled" else end.error, {}, None
                self.compensate(end.at)
            holds = sorted((event.begin, event.at) for event in self.events if event.kind == "freed")
            new = [hold for hold in holds if hold not in self.windows][:1]
            if not new:
                return self
            self.windows = [known for known in self.windows if known < new[0]] + new

    def run(self, definition: Definition, given: Any, prefix: str, at: int, tree: Tree) -> Event:
        inputs = {name: given.get(name, declared.default) for name, declared in definition.inputs.items()}
        seen = Seen((Walk(prefix, definition.steps),), {"inputs": inputs, "steps": {}}, scope=(("", prefix),))
        end = self.within(limit(at, definition.timeout), prefix.rstrip("/"), lambda: self.walk_list(seen, at, tree))
        shown = definition.outputs if end.kind == "completed" else {}
        return replace(end, whole=False, outputs={name: self.value(one.value, seen) for name, one in shown.items()})

    def compensate(self, at: int) -> None:
        """Undo what completed, the last first; a failure in that does not stop the rest."""
        done = [event for event in reversed(self.events) if event.undo and self.records.get(event.path) is event]
        for event in sorted(done, key=lambda event: -event.at):
            step, around = event.undo
            seen = around.with_result(step, event).inside(f"{event.path}/compensate/", step.compensate.steps)
            at = self.walk_list(seen, at, event.tree).at
            self.undone.add(event.path)

    def within(self, last: int | None, path: str, work: Callable[[], Event], kind: str = "timeout") -> Event:
        """Do work that must end by a moment; else it is cut off then."""
        mark, end = len(self.events), work()
        if last is None or end.at <= last:
            return end
        self.cut(mark, last)
        return failed(last, kind, path)

    # --- lists --------------------------------------------------------------------------------------

    def walk_list(self, seen: Seen, at: int, tree: Tree) -> Event:
        steps = seen.walks[-1].steps
        if all(step.needs is None for step in steps):
            return self.walk_in_order(seen, at, tree)
        before = {step.id: [steps[index].id] for index, step in enumerate(steps[1:])}
        needs = {step.id: before.get(step.id, []) if step.needs is None else step.needs for step in steps}
        return self.walk_beside(seen, at, tree, seen.walks[-1].prefix + steps[-1].id, needs)

    def walk_in_order(self, seen: Seen, at: int, tree: Tree) -> Event:
        """Step after step but handlers, and where a step leads; a handler leads to the end."""
        steps = {step.id: step for step in seen.walks[-1].steps}
        by_jump = handlers(seen.walks[-1].steps)
        order = [step_id for step_id in steps if step_id not in by_jump]
        following = dict(zip(order, [*order[1:], "end"], strict=True))
        current, handled = order[0], dict[str, Event]()
        while current != "end":
            end = self.visit(steps[current], seen, at, tree)
            at, tree = end.at, end.tree
            if end.target == "fail":
                return end
            if end.target is None and current in by_jump and steps[current].end == "failed":
                return replace(handled[current], at=at, target="fail")
            if end.target is not None and end.kind == "failed":
                handled[end.target] = end
            current = end.target or following.get(current, "end")
        return completed(at, tree)

    def visit_beside(self, seen: Seen, at: int, tree: Tree, needs: Needs) -> dict[str, Event]:
        """Visit steps side by side; one begins when its needs have ended, unless one of them ended the list."""
        walk, ends, waiting = seen.walks[-1], dict[str, Event](), list(seen.walks[-1].steps)
        while ready := [step for step in waiting if all(need in ends for need in needs.get(step.id, []))]:
            step, given = ready[0], [ends[need] for need in needs.get(ready[0].id, [])]
            waiting.remove(step)
            if all(end.target is None for end in given):
                begin = max([at, *(end.at for end in given)])
                start = self.join(walk.prefix + step.id, tree, [end.tree for end in given], begin)
                named = [ends[need].kind for need in step.needs or []]
                ends[step.id] = self.visit(step, seen, begin, start.tree, named) if start.kind != "failed" else start
        return ends

    def walk_beside(self, seen: Seen, at: int, tree: Tree, path: str, needs: Needs, *, merges: bool = True) -> Event:
        """The first failure cuts the others off; so does `end` in a list by needs, but not in a branch."""
        mark, ends = len(self.events), self.visit_beside(seen, at, tree, needs)
        stops = [end for end in ends.values() if end.target == "fail" or (needs and end.target)]
        last = self.first(mark, stops or [completed(max(end.at for end in ends.values()), tree)])
        if last.target == "fail":
            return last
        done = [step.id for step in seen.walks[-1].steps if step.id in ends and ends[step.id].at <= last.at]
        needed = {need for step_id in done for need in needs.get(step_id, [])}
        trees = [ends[step_id].tree for step_id in done if step_id not in needed]
        return self.join(path, tree, trees if merges else [], last.at)

    def race(self, seen: Seen, at: int, tree: Tree) -> Event:
        """The first that completed wins, and the others are cut off; where none did and one failed, it failed."""
        mark, ends = len(self.events), self.visit_beside(seen, at, tree, {})
        finals = [end for end in ends.values() if end.whole or end.kind == "completed"]
        if finals:
            first = self.first(mark, finals)
            winner = next(step_id for step_id, end in ends.items() if end is first)
            return first if first.whole else completed(first.at, first.tree, {"winner": winner})
        last = max(end.at for end in ends.values())
        failures = [end for end in ends.values() if end.kind == "failed"]
        return replace(failures[0], at=last, target="fail") if failures else completed(last, tree, {"winner": None})

    def first(self, mark: int, ends: Sequence[Event]) -> Event:
        """Return the first of some ends; what is after it never was."""
        first = min(ends, key=lambda end: end.at)
        self.cut(mark, first.at)
        return first

    def join(self, path: str, base: Tree, trees: Sequence[Tree], at: int) -> Event:
        conflict = failed(self.open(at), "workspace", path)
        return conflict if conflicts(base, trees) else completed(at, joined(base, trees))

    # --- one step -----------------------------------------------------------------------------------

    def visit(self, step: Any, seen: Seen, at: int, tree: Tree, needed: Sequence[str] = ()) -> Event:
        """Do a step, unless it is skipped, and say where its list goes."""
        walk = seen.walks[-1]
        name, earlier = f"{walk.prefix}{step.id}", self.known(f"{walk.prefix}{step.id}", "@")
        path = f"{name}@{len(earlier) + 1}" if earlier else name
        if len(earlier) >= step.max_visits:
            return failed(at, "visits-exhausted", path)
        before = [NOWHERE, *self.known(f"{walk.before}{step.id}", "@")][-1]
        seen, at = replace(seen, before=before), self.open(at)
        blocked = "always()" not in (step.when or "") and ("failed" in needed or "skipped" in needed)
        if blocked or (step.when is not None and not self.holds(step.when, seen)):
            end = self.note(Event(at, "skipped", path, begin=at, tree=tree))
        else:
            end = self.hold(step, seen, self.body("step", step, seen, path, at, tree), tree)
        if end.kind != "failed":
            routed = failed(end.at, "routed", path, whole=True)
            return routed if step.on_success == "fail" else replace(end, target=step.on_success)
        target = failure_target(step, end)
        whole = end.whole or step.on_failure == "fail"
        return replace(end, target=None if target == "continue" else target, whole=target == "fail" and whole)

    def hold(self, step: Any, seen: Seen, end: Event, tree: Tree) -> Event:
        """The run pauses, where a step asks for it, until a person says what becomes of a failure."""
        name = f"hold {end.path}"
        while end.kind == "failed" and not end.whole and step.on_failure == "pause":
            number = self.count(name, end.at, "held")
            freed = self.note(Event(end.at + span(name, number), "freed", name, begin=end.at))
            action, at = self.script.action(end.path, number), self.open(freed.at)
            if action == "fail":
                return replace(end, at=at)
            if action == "skip":
                return self.note(Event(at, "skipped", end.path, begin=at, tree=tree, error=end.error))
            self.drop(end.path, at)
            end = self.body("step", step, seen, end.path, at, tree, end.attempt + 1)
        return end

    def body(self, level: str, step: Any, seen: Seen, path: str, at: int, tree: Tree, attempt: int = 1) -> Event:
        """Do what a `step`, an `item` or a `pass` is; its end is noted, however it is."""
        self.note(Event(at, "begun", path, begin=at, attempt=attempt))
        if step.for_each is not None and level == "step":
            end = self.items(step, seen, path, at, tree)
        elif step.loop is not None and level != "pass":
            end = self.within(limit(at, step.timeout), path, lambda: self.passes(step, seen, path, at, tree))
        else:
            end = self.attempts(step, seen, path, at, tree)
        end = replace(end, path=path, begin=at, attempt=self.records[path].attempt, target=None)
        if end.kind == "failed":
            goes_on = level == "item" and step.for_each.on_error == "continue"
            handled = not end.whole and (goes_on or failure_target(step, end) != "fail")
            return self.note(replace(end, tree=tree, outputs=None, handled=handled))
        if step.store and level == ("item" if step.for_each is not None else "step"):
            documents = {name: self.value(text, seen.with_result(step, end)) for name, text in step.store.items()}
            end = replace(end, stored=(seen.scope, documents))
        return self.note(end)

    def items(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        """So many items side by side as `concurrency` says; the next begins where one has ended."""
        each, mark = step.for_each, len(self.events)
        try:
            keys, values = itemise(self.value(each.items, seen), each.name, each.key, self.scope(seen))
        except StepFailure as failure:
            return failed(at, str(failure.error_class), path)
        lanes, ends, stops = [at] * min(each.concurrency, len(keys)), dict[str, Event](), list[Event]()
        for index, (key, item) in enumerate(zip(keys, values, strict=True), 1):
            name, begin = f"{path}[{key}]", min(lanes)
            if name not in self.records and all(begin < stop.at for stop in stops):
                loop = {"index": index, "key": key, "count": len(keys)}
                inner = seen.with_values({each.name: item, "loop": loop}, f"{seen.before}[{key}]")
                inner = replace(inner, scope=(*seen.scope, (each.scope, key))) if each.scope else inner
                end = self.body("item", step, inner, name, self.open(begin), tree)
                lanes[lanes.index(begin)] = end.at
                stops += [end] if end.kind == "failed" and (end.whole or each.on_error != "continue") else []
            ends[key] = self.records.get(name, completed(at, tree))
        if stops:
            return self.first(mark, stops)
        trees = [end.tree for end in ends.values()] if each.merge == "files" else []
        after = self.join(path, tree, trees, max([at, *lanes]))
        return replace(after, outputs={key: end.outputs for key, end in ends.items()})

    def passes(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        """Pass after pass; a person's retry goes on with the pass that did not complete."""
        loop, end = step.loop, completed(at, tree)
        for number in range(1, loop.max_iterations + 1):
            name, names = f"{path}#{number}", {"iteration": number, "max_iterations": loop.max_iterations}
            inner = seen.with_values({"loop": names}, f"{path}#{number - 1}")
            end = self.records.get(name) or self.body("pass", step, inner, name, self.open(at), end.tree)
            if end.kind == "failed":
                return end
            at = max(at, end.at)
            after = inner.with_result(step, end).inside(f"{name}/", step.steps if step.type == "group" else [])
            if loop.until is not None and self.holds(loop.until, after):
                return completed(at, end.tree, end.outputs)
            seen = seen.with_values({"steps": after.values["steps"]})
        if loop.until is not None and loop.on_exhausted != "continue":
            return failed(at, "loop-exhausted", path)
        return completed(at, end.tree, end.outputs)

    # --- attempts -----------------------------------------------------------------------------------

    def attempts(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        """Attempt after attempt, as the first rule for the class of the failure says."""
        rules = step.retry or (Retry(on=list(TRANSIENT)) if step.type == "agent" else Retry(max_attempts=1))
        rules = rules if isinstance(rules, list) else [rules]
        used: list[Retry | None] = []
        while True:
            end = self.once(step, seen, path, at, tree)
            if end.kind == "completed":
                return replace(end, undo=(step, seen) if step.compensate is not None else None)
            rule = next((rule for rule in rules if rule.on is None or end.error[0] in rule.on), None)
            used.append(rule)
            count = sum(1 for one in used if one is rule)
            if end.whole or rule is None or count == rule.max_attempts:
                return end
            self.drop(path, end.at)
            self.note(replace(self.records[path], at=end.at, attempt=self.records[path].attempt + 1))
            wait = micro(rule.initial_interval) * rule.backoff ** (count - 1)
            at = self.open(end.at + round(min(wait, micro(rule.max_interval))))

    def once(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        """Make one attempt. Whatever its type, it takes a while."""
        number = self.count(f"call {path}", at)
        begin, end = at, at + span(path, number)
        timeout = step.timeout if step.loop is None else None
        match step.type:
            case "shell" | "agent" | "activity":
                return self.within(limit(begin, timeout), path, lambda: self.work(step, path, end, tree, number))
            case "group" | "workflow":
                inside = self.group if step.type == "group" else self.workflow
                return self.within(limit(end, timeout), path, lambda: inside(step, seen, path, end, tree))
            case "set":
                return completed(end, tree, self.value(step.values, seen))
            case "assert":
                holds = self.holds(step.condition, seen)
                return completed(end, tree, {"passed": True}) if holds else failed(end, "assertion", path)
            case "approval":
                return self.gate(step, path, end, tree)
            case _:
                return self.wait(step, path, end, tree)

    def work(self, step: Any, path: str, at: int, tree: Tree, number: int) -> Event:
        """It makes a file, but for an activity, and an output."""
        outcome, is_activity = self.script.outcome(path, number), step.type == "activity"
        after = written(tree, None if is_activity else self.script.files.get(step.id), path)
        end = completed(at, after, {"result" if is_activity else "out": f"{path}!{number}"})
        return end if outcome == "ok" else failed(at, outcome, path)

    def group(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        inner = seen.inside(f"{path}/", step.steps, f"{seen.before}/")
        if step.mode == "parallel":
            end = self.walk_beside(inner, at, tree, path, {}, merges=step.merge == "files")
        else:
            end = self.race(inner, at, tree) if step.mode == "race" else self.walk_list(inner, at, tree)
        known = self.results(f"{path}/", step.steps)
        outputs = {child.id: (known[child.id] or {}).get("outputs") for child in step.steps}
        return replace(end, outputs=outputs | (end.outputs or {}))

    def workflow(self, step: Any, seen: Seen, path: str, at: int, tree: Tree) -> Event:
        given = self.value(step.inputs, seen)
        return self.run(self.library[step.definition], given, f"{path}/", at, tree)

    def gate(self, step: Any, path: str, at: int, tree: Tree) -> Event:
        number, by = self.count(f"gate {path}", at), "ana"
        verdict, end = self.script.verdict(path, number), at + span(f"gate {path}", number)
        deadline = at + micro(step.timeout)
        if verdict == "silence" or end > deadline:
            verdict, by, end = step.on_timeout, "timeout", deadline
        if verdict == "reject":
            return failed(end, "rejected", path)
        return completed(end, tree, {"verdict": verdict, "decided_by": by})

    def wait(self, step: Any, path: str, at: int, tree: Tree) -> Event:
        """For a while, or for the last signal of a name that nobody has taken."""
        if step.signal is None:
            end = at + micro(parse_duration(step.duration))
            return completed(end, tree, {"until": moment(end)})
        name = f"signal {step.signal}"
        taken = max([-1, *(event.at for event in self.events if event.path == name)])
        left = [come for come in self.script.signals.get(step.signal, []) if come > taken]
        come = max([come for come in left if come <= at], default=min(left, default=None))
        deadline = at + micro(step.timeout)
        if come is None or come > deadline:
            return failed(deadline, "timeout", path)
        self.count(name, max(at, come))
        return completed(max(at, come), tree, {"payload": come, "received_at": moment(come)})


def limit(at: int, timeout: timedelta | None) -> int | None:
    return None if timeout is None else at + micro(timeout)


def handlers(steps: Sequence[Any]) -> set[str]:
    """A handler is named only by failures, at least once by a step before it."""
    pairs = [(step, later.id) for index, step in enumerate(steps) for later in steps[index + 1 :]]
    named = {name for step, name in pairs if name in (step.on_failure, step.loop and step.loop.on_exhausted)}
    return named - {step.on_success for step in steps}


def failure_target(step: Any, end: Event) -> str:
    """Where a list goes after a failure; what follows a loop that is used up is said apart."""
    if step.loop is not None and step.loop.on_exhausted != "fail" and end.error == ("loop-exhausted", end.path):
        return step.loop.on_exhausted
    return "fail" if end.whole or step.on_failure in ("stop", "pause") else step.on_failure
