"""The dialect *stages*: named stages in order, again and again until the last one is content.

    id: feature                                  the same
    stages: [plan, code, check]                  a step for each (`stage_steps`)
    stageConfigs: {plan: {…}, …}
    loop:                                        a group `passes` around them, with
      max_iters: 5                                 loop: {max_iterations: 5, message: …,
      stop_when: "$.done == true"                         until: default(steps.check.outputs.done == true, false),
      fallback_next_stage: code                           start_at: [recommended_next_stage of the last, code]}
    profiles: {careful: {nodes: […]}}            graphs of nodes; also in `profiles.yaml` beside the file
    roles: {planner: "You plan …"}               `agents: {planner: {role: …}}`
    ${vars.x}, ${stages.plan.output}             {{ inputs.x }}, {{ steps.plan.outputs }}

`inputs`, `outputs`, `env` and the other keys of a definition mean what they mean in the main language.
"""

from collections.abc import Callable

from definitions.diagnostics import Diagnostic, Span
from definitions.dialects import asked_fields
from definitions.dialects.agent_steps import whole_number
from definitions.dialects.grafting import Entries, entry, mapping, moved, scalar, sequence, text
from definitions.dialects.rewriting import Vocabulary, rewrite
from definitions.dialects.stage_steps import OWN_KEYS, SIMPLE, StageMaker, key_findings, node_id
from definitions.dialects.stop_conditions import condition
from definitions.models import Definition
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, head, text_at
from definitions.suggestions import did_you_mean
from definitions.yaml_guard import read

NAME = "stages"
PROFILES_FILE = "profiles.yaml"
PASSES = "passes"
"""The step around the stages of a loop: their paths are `passes#2/code`."""

_LOOP_KEYS = ("max_iters", "fallback_next_stage", "stop_when")
_OWN = ("stages", "stageConfigs", "loop", "profiles", "roles")
_MAIN = tuple(field.alias or name for name, field in Definition.model_fields.items() if name != "steps")


def normalise(root: Mapping, file: str, beside: Callable[[str], str | None]) -> list[Diagnostic]:
    """Change the tree in place; return what is wrong with the dialect's own keys."""
    return _Normalisation(root, file, beside).run()


class _Normalisation:
    """One document on its way."""

    def __init__(self, root: Mapping, file: str, beside: Callable[[str], str | None]) -> None:
        self._root = root
        self._file = file
        self._beside = beside
        self._findings: list[Diagnostic] = []
        self._stages: list[Scalar] = []

    def run(self) -> list[Diagnostic]:
        """Change the tree."""
        root = self._root
        self._stages = self._names(root.get("stages"))
        self._own_keys_only(root, (*_OWN, *_MAIN))
        configs = self._configs()
        profiles = self._profiles(configs)
        title = text_at(root, "name") or text_at(root, "id") or "this workflow"
        maker = StageMaker(title, self._file, profiles)
        shapes = {name: self._is_group(maker, config) for name, config in configs.items()}
        steps: list[Node] = []
        for index, stage in enumerate(self._stages):
            name = str(stage.value)
            self._findings += key_findings(name, configs[name], profiles, self._file)
            maker.so_far = self._so_far(index, shapes)
            step = maker.make(stage, configs[name])
            rewrite(step, self._vocabulary(shapes, name))
            steps.append(step)
        self._findings += maker.findings
        at = root.entries["stages"].value if "stages" in root.entries else root
        outer = self._vocabulary(shapes, "")
        if not steps:  # said above; so that nothing more is said of it
            steps = [mapping(at, id=text("no_stage", at), type=text("wait", at), duration=text("1s", at))]
        root.entries["steps"] = entry("steps", self._looped(sequence(at, steps), shapes, outer))
        self._agents()
        for key in ("outputs", "env"):
            if key in root.entries:
                rewrite(root.entries[key].value, outer)
        asked_fields.ask(root, maker.answering)
        for key in _OWN:
            root.entries.pop(key, None)
        return self._findings

    # --- parts --------------------------------------------------------------------------------------

    def _names(self, node: Node | None) -> list[Scalar]:
        if node is None:
            span = next(iter(self._root.entries.values())).key.span
            self._report("missing-key", "the definition has no `stages`", span, "add `stages: […]`, in their order")
            return []
        items = node.items if isinstance(node, Sequence) else []
        found = [item for item in items if isinstance(item, Scalar) and isinstance(item.value, str)]
        if not found or len(found) != len(items):
            self._report("wrong-type", "`stages` must be a list of names", head(node))
        unique = {str(item.value): item for item in reversed(found)}
        for item in found:
            if unique[str(item.value)] is not item:
                self._report("duplicate-step-id", f"two stages are called `{item.value}`", item.span)
        return [item for item in found if unique[str(item.value)] is item]

    def _configs(self) -> dict[str, Mapping]:
        """Return the configuration of each stage; one that says nothing has an empty one."""
        names = [str(stage.value) for stage in self._stages]
        written = self._root.get("stageConfigs")
        entries: Entries = {}
        if isinstance(written, Mapping):
            entries = written.entries
        elif written is not None:
            self._report("wrong-type", "`stageConfigs` must be a mapping", head(written))
        configs: dict[str, Mapping] = {}
        for name, one in entries.items():
            if name not in names:
                message = f"`{name}` is configured and not among `stages`, so it never runs"
                help_ = did_you_mean(name, names) or "add it to `stages`, or leave it out"
                self._findings.append(
                    Diagnostic("key-without-effect", "warning", message, self._file, one.key.span, help=help_)
                )
            elif isinstance(one.value, Mapping):
                configs[name] = one.value
            elif not (isinstance(one.value, Scalar) and one.value.value is None):
                self._report("wrong-type", f"the configuration of stage `{name}` must be a mapping", head(one.value))
        for stage in self._stages:
            configs.setdefault(str(stage.value), Mapping({}, stage.span, is_flow=True))
        return configs

    def _profiles(self, configs: dict[str, Mapping]) -> dict[str, list[Mapping]]:
        """Return the nodes of each profile: the document's own, and those of the file beside it."""
        own = self._root.get("profiles")
        found = self._graphs(own) if isinstance(own, Mapping) else {}
        wanted: dict[str, Node] = {}
        for config in configs.values():
            name, node = text_at(config, "profile"), config.get("profile")
            if name is not None and node is not None and name != SIMPLE and name not in found:
                wanted.setdefault(name, node)
        beside = self._profiles_beside() if wanted else {}
        for name, node in wanted.items():
            if name in beside:
                one = mapping(node)
                one.entries[name] = entry(name, moved(beside[name], node))
                found |= self._graphs(one)
        return found

    def _profiles_beside(self) -> dict[str, Node]:
        written = self._beside(PROFILES_FILE)
        if written is None:
            return {}
        document = read(written, PROFILES_FILE)
        self._findings += document.diagnostics
        if not isinstance(document.root, Mapping):
            return {}
        inner = document.root.get("profiles")
        profiles = inner if isinstance(inner, Mapping) else document.root
        return {name: one.value for name, one in profiles.entries.items()}

    def _graphs(self, profiles: Mapping) -> dict[str, list[Mapping]]:
        graphs: dict[str, list[Mapping]] = {}
        for name, one in profiles.entries.items():
            nodes = one.value.get("nodes") if isinstance(one.value, Mapping) else one.value
            items = nodes.items if isinstance(nodes, Sequence) else []
            graph = [node for node in items if isinstance(node, Mapping) and text_at(node, "id")]
            if graph and len(graph) == len(items):
                graphs[name] = graph
            else:
                message = f"profile `{name}` must have `nodes`, a list in which each has its `id`"
                self._report("wrong-type", message, one.key.span)
        return graphs

    def _is_group(self, maker: StageMaker, config: Mapping) -> bool:
        return text_at(config, "profile") in maker.profiles or maker.providers(config) is not None

    def _so_far(self, index: int, shapes: dict[str, bool]) -> dict[str, str]:
        """Return the outputs that there are before a stage: of those before it, and of the last one's last pass."""
        names = [str(stage.value) for stage in self._stages]
        seen = names[:index]
        if "loop" in self._root.entries and index < len(names) - 1:
            seen = [*seen, names[-1]]
        return {name: f"{{{{ default({_output(name, shapes)}, null) }}}}" for name in seen}

    def _vocabulary(self, shapes: dict[str, bool], stage: str) -> Vocabulary:
        def step_id(root: str, name: str) -> str:
            return node_id(stage, name) if root == "nodes" else name

        def outputs(name: str) -> str:
            return "outputs.output" if shapes.get(name) else "outputs"

        return Vocabulary(step_id, outputs, has_dollars=True)

    # --- the loop -----------------------------------------------------------------------------------

    def _looped(self, steps: Sequence, shapes: dict[str, bool], vocabulary: Vocabulary) -> Sequence:
        """Return the steps, inside a group that is passed through again and again where there is a `loop`."""
        written = self._root.entries.get("loop")
        if written is None or not self._stages:
            return steps
        loop = written.value
        if not isinstance(loop, Mapping):
            self._report("wrong-type", "`loop` must be a mapping", head(loop))
            return steps
        self._own_keys_only(loop, _LOOP_KEYS)
        keys = self._loop_keys(loop, shapes, vocabulary, written)
        name = PASSES
        while name in shapes:
            name += "_"
        group = mapping(written.key, id=text(name, written.key), type=text("group", written.key), steps=steps)
        group.entries["loop"] = Entry(written.key, Mapping(keys, loop.span, loop.is_flow))
        return sequence(steps, [group])

    def _loop_keys(self, loop: Mapping, shapes: dict[str, bool], vocabulary: Vocabulary, at: Entry) -> Entries:
        last = _output(str(self._stages[-1].value), shapes)
        keys: Entries = {}
        maximum = loop.entries.get("max_iters")
        if maximum is None:
            self._report(
                "missing-key", "the loop has no `max_iters`", at.key.span, "add `max_iters:`, how many passes at most"
            )
        else:
            if whole_number(maximum.value):
                keys["max_iterations"] = Entry(maximum.key, maximum.value)
            else:
                self._report("invalid-value", "`max_iters` must be a whole number from 1 to 999", head(maximum.value))
        keys.setdefault("max_iterations", entry("max_iterations", scalar(1, at.key)))
        stop = loop.entries.get("stop_when")
        if stop is not None and isinstance(stop.value, Scalar) and isinstance(stop.value.value, str):
            until = condition(stop.value, last, vocabulary)
            keys["until"] = Entry(stop.key, until)
            shown = stop.value.value.strip().replace("{{", "{ {")
            said = f"all passes were made, as many as `max_iters` allows, and `stop_when` is not true: {shown}"
            keys["message"] = Entry(stop.key, text(said, stop.value))
        elif stop is not None:
            self._report("wrong-type", "`stop_when` must be a text", head(stop.value))
        recommended = f"{{{{ default({last}.recommended_next_stage, null) }}}}"
        starts: list[Node] = [text(recommended, at.key)]
        fallback = loop.get("fallback_next_stage")
        if fallback is not None:
            starts += self._fallback(fallback)
        keys["start_at"] = entry("start_at", sequence(at.key, starts))
        return keys

    def _fallback(self, node: Node) -> list[Node]:
        names = [str(stage.value) for stage in self._stages]
        if isinstance(node, Scalar) and node.value in names:
            return [node]
        shown = node.text if isinstance(node, Scalar) else "that"
        help_ = did_you_mean(shown, names) or f"the stages are {', '.join(f'`{name}`' for name in names)}"
        self._report("unknown-stage", f"no stage is called `{shown}`", head(node), help_)
        return []

    # --- the rest -----------------------------------------------------------------------------------

    def _agents(self) -> None:
        """Roles are agents of the definition."""
        roles = self._root.entries.get("roles")
        if roles is None:
            return
        if not isinstance(roles.value, Mapping):
            self._report("wrong-type", "`roles` must be a mapping of names and texts", head(roles.value))
            return
        known = self._root.get("agents")
        agents = known if isinstance(known, Mapping) else Mapping({}, roles.value.span)
        for name, one in roles.value.entries.items():
            agents.entries.setdefault(name, Entry(one.key, mapping(one.value, role=one.value)))
        self._root.entries.setdefault("agents", Entry(roles.key, agents))

    def _own_keys_only(self, node: Mapping, known: tuple[str, ...]) -> None:
        for key, one in list(node.entries.items()):
            if key in known or key.startswith("x-"):
                continue
            help_ = did_you_mean(key, known)
            if help_ is None and key in OWN_KEYS:
                help_ = "it is a key of a stage, under `stageConfigs`"
            self._report("unknown-key", f"no key is called `{key}` here", one.key.span, help_)
            del node.entries[key]

    def _report(self, code: str, message: str, span: Span, help_: str | None = None) -> None:
        self._findings.append(Diagnostic(code, "error", message, self._file, span, help=help_))


def _output(stage: str, shapes: dict[str, bool]) -> str:
    """Return what a stage's output is in the main language."""
    return f"steps.{stage}.outputs.output" if shapes.get(stage) else f"steps.{stage}.outputs"
