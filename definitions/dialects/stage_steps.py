"""One stage of the stages dialect as a step of the main language.

    one provider                  an agent step
    mode: parallel, providers     a group with an agent each, side by side; `parallel_strategy` says what it gives
    profile: NAME                 a group with the profile's nodes

A stage that is a group has the output `output`; `Shape` says which stages are. Steps inside are called `STAGE_NAME`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from definitions.diagnostics import Diagnostic
from definitions.dialects.agent_steps import not_a_count, whole_number
from definitions.dialects.grafting import Entries, copied, entry, mapping, renamed, scalar, sequence, text
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, head, text_at
from definitions.spellings import PROVIDER_TYPES
from definitions.steps.agent import AgentStep
from definitions.suggestions import did_you_mean

SIMPLE = "simple"
STRATEGIES = ("all", "race", "majority")
MODES = ("single", "sequential", "parallel")
RETRIES = 3
BACKOFF_SECONDS = 5
NOT_FOR_STAGES = frozenset({"id", "type", "agent", "needs", "retry", "on_success", "max_visits", "end", "loop"})
"""Keys of an agent step that a stage has other words for, or none."""
OWN_KEYS = (
    "provider", "providers", "role", "profile", "mode", "parallel_strategy", "on_failure", "retries", "retry_backoff",
    "skills", "prompt",
)  # fmt: skip
STAGE_KEYS = (*OWN_KEYS, *(key for key in AgentStep.model_fields if key not in NOT_FOR_STAGES and key not in OWN_KEYS))
_OF_THE_GROUP = ("when", "name", "description", "phase", "summary", "timeout")
"""Keys that belong to the stage as a whole where it is a group."""
_OF_A_NODE = frozenset({"id", "needs", "depends_on"})


@dataclass(slots=True)
class StageMaker:
    """Makes the steps of one definition's stages."""

    title: str
    file: str
    profiles: dict[str, list[Mapping]]
    """The nodes of each profile."""
    so_far: dict[str, str] = field(default_factory=dict[str, str])
    """What an agent without a prompt is given: templates by stage."""
    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    answering: dict[str, list[Mapping]] = field(default_factory=dict[str, list[Mapping]])
    """Of stages that are groups: the steps whose answer becomes the stage's output."""

    def make(self, name: Scalar, config: Mapping) -> Mapping:
        """Return the step of a stage."""
        config.entries.setdefault("phase", entry("phase", text(str(name.value), name)))
        profile = text_at(config, "profile")
        nodes = self.profiles.get(profile) if profile not in (None, SIMPLE) else None
        if nodes is not None:
            return self._graph(name, config, nodes)
        if self.providers(config) is not None:
            return self._side_by_side(name, config)
        return self._agent(str(name.value), name, config)

    def providers(self, config: Mapping) -> Sequence | None:
        """Return the providers that run side by side; None where there is one agent."""
        found = config.get("providers")
        if text_at(config, "mode") != "parallel" or not isinstance(found, Sequence) or len(found.items) < 2:
            return None
        return found

    # --- shapes -------------------------------------------------------------------------------------

    def _agent(self, step_id: str, at: Node, config: Mapping) -> Mapping:
        entries: Entries = {"id": entry("id", text(step_id, at)), "type": entry("type", text("agent", at))}
        for key, written in config.entries.items():
            if key not in ("profile", "mode", "providers", "parallel_strategy", "retries", "retry_backoff", "role"):
                entries[key] = written
        self._provider(entries, config)
        self._role(entries, config)
        self._retry(entries, config)
        if "prompt" not in entries:
            entries["prompt"] = entry("prompt", text(self._prompt(step_id), at))
            given = {stage: text(template, at) for stage, template in self.so_far.items()}
            if given:
                entries.setdefault("inputs", entry("inputs", mapping(at, **given)))
        return Mapping(entries, config.span)

    def _side_by_side(self, name: Scalar, config: Mapping) -> Mapping:
        stage, strategy = str(name.value), text_at(config, "parallel_strategy") or "all"
        providers = self.providers(config)
        items = providers.items if providers is not None else []
        ids: dict[str, str] = {}
        steps: list[Node] = []
        for provider in items:
            shown = str(provider.value) if isinstance(provider, Scalar) else ""
            label = shown if shown not in ids else f"{shown}-{len(ids) + 1}"
            ids[label] = _safe(f"{stage}_{label}")
            own = _without(config, *_OF_THE_GROUP, "providers", "artifacts", "outputs")
            own.entries["provider"] = entry("provider", provider)
            if strategy == "majority":
                own.entries["on_failure"] = entry("on_failure", text("continue", provider))
            elif "on_failure" in own.entries and text_at(own, "on_failure") != "retry":
                del own.entries["on_failure"]  # the stage's
            steps.append(self._agent(ids[label], provider, own))
        if strategy != "all":
            self.answering[stage] = [step for step in steps if isinstance(step, Mapping)]
        group = self._group(name, config, steps)
        mode = "race" if strategy == "race" else "parallel"
        group.entries["mode"] = entry("mode", text(mode, name))
        if strategy == "majority":
            group.entries["merge"] = entry("merge", text("outputs", name))
        group.entries["outputs"] = entry("outputs", mapping(name, output=_together(strategy, ids, name)))
        return group

    def _graph(self, name: Scalar, config: Mapping, nodes: list[Mapping]) -> Mapping:
        stage = str(name.value)
        steps: list[Node] = []
        for node in nodes:
            own = copied(node)
            if isinstance(own, Mapping):
                steps.append(self._node(stage, name, config, own))
        self.answering[stage] = [step for step in steps[-1:] if isinstance(step, Mapping)]
        group = self._group(name, config, steps)
        last = node_id(stage, text_at(nodes[-1], "id") or "")
        output = text(f'{{{{ result["{last}"] }}}}', name)
        group.entries["outputs"] = entry("outputs", mapping(name, output=output))
        return group

    def _node(self, stage: str, at: Scalar, config: Mapping, own: Mapping) -> Mapping:
        written = own.entries.pop("id", None)
        label = text_at(Mapping({"id": written}, own.span), "id") if written else None
        step_id = node_id(stage, label or "")
        place = written.value if written else at
        needs = own.entries.pop("depends_on", None) or own.entries.pop("needs", None)
        if "type" in own.entries:
            step = own
            step.entries = {"id": entry("id", text(step_id, place)), **own.entries}
        else:
            inherited = _without(
                config, *_OF_THE_GROUP, "on_failure", "retries", "retry_backoff", "artifacts", "outputs"
            )
            own.entries = {**inherited.entries, **own.entries}
            own.entries.pop("profile", None)
            step = self._agent(step_id, place, own)
        if needs is not None:
            items = needs.value.items if isinstance(needs.value, Sequence) else [needs.value]
            named: list[Node] = [text(node_id(stage, str(one.value)), one) for one in items if isinstance(one, Scalar)]
            step.entries["needs"] = renamed("needs", needs, sequence(needs.value, named))
        return step

    def _group(self, name: Scalar, config: Mapping, steps: list[Node]) -> Mapping:
        entries: Entries = {"id": entry("id", name), "type": entry("type", text("group", name))}
        for key in _OF_THE_GROUP:
            if key in config.entries:
                entries[key] = config.entries[key]
        written = config.entries.get("on_failure")
        if written is not None and text_at(config, "on_failure") != "retry":
            entries["on_failure"] = written
        entries["steps"] = entry("steps", sequence(name, steps))
        return Mapping(entries, config.span)

    # --- keys ---------------------------------------------------------------------------------------

    def _provider(self, entries: Entries, config: Mapping) -> None:
        named = config.entries.get("providers")
        if "provider" not in entries and named and isinstance(named.value, Sequence) and named.value.items:
            entries["provider"] = renamed("provider", named, named.value.items[0])
        if "provider" in entries:
            written = entries["provider"]
            shown = written.value.value if isinstance(written.value, Scalar) else None
            if isinstance(shown, str) and shown in PROVIDER_TYPES:
                entries["provider"] = Entry(written.key, text(PROVIDER_TYPES[shown], written.value))

    @staticmethod
    def _role(entries: Entries, config: Mapping) -> None:
        """A role of one word is looked up like an agent's name; anything longer is the text itself."""
        written = config.entries.get("role")
        role = text_at(config, "role")
        if written is None:
            return
        is_name = role is not None and len(role.split()) == 1 and "{" not in role
        key = "agent" if is_name else "role"
        entries[key] = renamed(key, written)

    def _retry(self, entries: Entries, config: Mapping) -> None:
        """`retries` more attempts, the first after `retry_backoff` seconds, each wait twice the one before."""
        written = config.entries.get("retries")
        asked = config.entries.get("on_failure")
        if text_at(config, "on_failure") == "retry":
            del entries["on_failure"]
        elif written is None:
            return
        at = (written or asked or entry("retries", config)).value
        more = RETRIES if written is None else whole_number(written.value)
        if more is None:
            self.findings.append(not_a_count("retries", at, self.file))
            return
        backoff = config.get("retry_backoff")
        seconds = backoff.value if isinstance(backoff, Scalar) else BACKOFF_SECONDS
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
            message = "`retry_backoff` must be a number of seconds, at most a day"
            self.findings.append(Diagnostic("invalid-value", "error", message, self.file, head(backoff or at)))
            return
        retry = mapping(
            at,
            max_attempts=scalar(more + 1, at),
            initial_interval=text(f"{round(seconds * 1000)}ms", at),
            backoff=scalar(2, at),
            max_interval=text("24h", at),
        )
        entries["retry"] = renamed("retry", written, retry) if written else entry("retry", retry, at)

    def _prompt(self, step_id: str) -> str:
        given = " on what the stages before gave" if self.so_far else ""
        said = f"You are at `{step_id}` of `{self.title}`. Do what your role asks{given}."
        return said.replace("{{", "{ {")


def key_findings(name: str, config: Mapping, profiles: dict[str, list[Mapping]], file: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the keys of a stage (or of a profile's node)."""
    for key, written in config.entries.items():
        if key not in STAGE_KEYS and not key.startswith("x-") and key != "metadata":
            help_ = did_you_mean(key, STAGE_KEYS)
            yield Diagnostic(
                "unknown-key", "error", f"no key is called `{key}` here", file, written.key.span, help=help_
            )
    yield from _words(config, file)
    profile = config.get("profile")
    if isinstance(profile, Scalar) and profile.value != SIMPLE and str(profile.value) not in profiles:
        known = [SIMPLE, *profiles]
        help_ = did_you_mean(str(profile.value), known) or "describe it under `profiles`, or write `simple`"
        message = f"no profile is called `{profile.value}`"
        yield Diagnostic("unknown-profile", "error", message, file, head(profile), help=help_)
    providers = config.get("providers")
    is_alone = not isinstance(providers, Sequence) or len(providers.items) < 2
    if text_at(config, "mode") == "parallel" and is_alone:
        message = f"`mode: parallel` does nothing: stage `{name}` has one provider"
        help_ = "list several under `providers`, or leave `mode` out"
        place = config.entries["mode"].key.span
        yield Diagnostic("key-without-effect", "warning", message, file, place, help=help_)


def _words(config: Mapping, file: str) -> Iterator[Diagnostic]:
    for key, allowed in (("mode", MODES), ("parallel_strategy", STRATEGIES)):
        node = config.get(key)
        if node is not None and (not isinstance(node, Scalar) or node.value not in allowed):
            shown = node.text if isinstance(node, Scalar) else "that"
            help_ = did_you_mean(shown, allowed) or f"it can be {', '.join(f'`{one}`' for one in allowed)}"
            yield Diagnostic("invalid-value", "error", f"`{key}` cannot be `{shown}`", file, head(node), help=help_)
    providers = config.get("providers")
    if providers is not None and not isinstance(providers, Sequence):
        message = "`providers` must be a list"
        yield Diagnostic("wrong-type", "error", message, file, head(providers))


def node_id(stage: str, node: str) -> str:
    """Return the id of a profile's node as a step of a stage."""
    return _safe(f"{stage}_{node}")


def _together(strategy: str, ids: dict[str, str], at: Node) -> Node:
    """Return the template of what several providers gave."""
    if strategy == "race":
        return text("{{ result[result.winner] }}", at)
    if strategy == "majority":
        listed = ", ".join(f'result["{step_id}"]' for step_id in ids.values())
        return text(f"{{{{ majority([{listed}]) }}}}", at)
    return mapping(at, **{label: text(f'{{{{ result["{step_id}"] }}}}', at) for label, step_id in ids.items()})


def _without(config: Mapping, *keys: str) -> Mapping:
    return Mapping({key: one for key, one in config.entries.items() if key not in keys}, config.span)


def _safe(name: str) -> str:
    return "".join(character if character.isalnum() or character in "_-" else "_" for character in name)[:100]
