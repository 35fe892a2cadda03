"""`prepare`: the first bookkeeping activity of a run. It freezes everything that the run depends on.

The definition is resolved and validated, inputs are typed, `env` is taken, the workspace is given a digest, the
run's context becomes a blob, and fast-forward finds out how far the cache carries the run.
"""

import asyncio
import os
import posixpath
from pathlib import Path

from pydantic import JsonValue
from temporalio.client import Client

from activities.definition_sources import DefinitionPolicy, Resolved, invalid, keep, refuse, resolve
from activities.fast_forward import FastForward
from activities.frozen_environment import frozen_environment
from activities.heavy_trees import source_tree
from activities.locks import claimed_group
from activities.reruns import EarlierRun, NoSuchStep, NothingKnown, earlier_run, kept_of, taken_over
from activities.store.interface import Store, StoreError
from activities.workspace.git_sources import GitPolicy, GitRefused, GitTree, fetch_tree
from activities.workspace.linked_folders import links_of
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from definitions.agent_names import LONGEST_TEXT, find, joined, missing
from definitions.errors import ExpressionError, StepFailure
from definitions.inputs import check_inputs
from definitions.loader import Loaded, frozen
from definitions.messages import SEARCH_ATTRIBUTES, PrepareCall, Prepared, RerunOf, RunInput
from definitions.models import Definition
from definitions.records import Ledger, RunContext, RunHandle
from definitions.steps.agent import FoundNames
from definitions.stored_values import file_reference
from definitions.templates import render_value, to_text
from definitions.trust import parse_trust


class Preparation:
    """Makes a start input into a frozen run."""

    def __init__(
        self,
        store: Store,
        client: Client,
        policy: DefinitionPolicy,
        fast_forward: FastForward,
        scratch: Path | None = None,
    ) -> None:
        self._store = store
        self._client = client
        self._policy = policy
        self._fast_forward = fast_forward
        self._scratch = scratch
        self._attributes: list[str] | None = None

    async def prepare(self, call: PrepareCall) -> Prepared:
        """Return the frozen run. Raises a non-retryable ApplicationError where the request is not valid."""
        prepared, resolved, kept = await self.freeze(call)
        await asyncio.to_thread(keep, self._store, call.execution_id, resolved)
        prepared = prepared.model_copy(update={"search_attributes": await self._search_attributes()})
        ledger = await self._fast_forward.play(prepared, resolved.definition, call.started_at, kept)
        return prepared if ledger is None else prepared.model_copy(update={"ledger": ledger})

    async def freeze(self, call: PrepareCall) -> tuple[Prepared, Resolved, Ledger | None]:
        """Return the run as it would begin, its definitions, and what a rerun keeps. Raises as `prepare` does."""
        call, resolved, earlier = await self._resolved(call)
        request, definition = call.request, resolved.definition
        inputs, findings = check_inputs(definition, request.inputs)
        refuse(findings, {})
        env = frozen_environment(definition, request.env, resolved.library.values())
        tree, commit = await asyncio.to_thread(self._tree, definition, request, run_scope(call, inputs, env))
        inputs = await asyncio.to_thread(self._with_files, definition, inputs, tree)
        names = await asyncio.to_thread(self._names, resolved, request, tree)
        context = run_context(call, resolved, inputs, env, names)
        context = context.model_copy(update=await asyncio.to_thread(self._links, definition, request, tree))
        context = context.model_copy(update={"trust": self._trust(request, earlier)})
        digest = await asyncio.to_thread(self._store.write_blob, context.model_dump_json().encode())
        claimed = claimed_group(definition, run_scope(call, inputs, env))
        prepared = Prepared(
            definition=frozen(definition),
            definition_digest=context.definition_digest,
            library={key: frozen(part) for key, part in resolved.parts.items()},
            inputs=inputs,
            env=env,
            run=RunHandle(execution_id=call.execution_id, definition_id=definition.id, context=digest),
            tree=tree,
            commit=commit,
            concurrency=claimed if self._policy.takes_turns else None,
        )
        if earlier is None or request.rerun_of is None:
            return prepared, resolved, None
        prepared = prepared.model_copy(update={"rerun_of": earlier.execution_id})
        return prepared, resolved, await self._kept(earlier, request.rerun_of, resolved, prepared)

    async def _resolved(self, call: PrepareCall) -> tuple[PrepareCall, Resolved, EarlierRun | None]:
        """Return the call, for a rerun with what it takes over, the definition, and the run that is taken up."""
        request = call.request
        if request.rerun_of is None:
            return call, await asyncio.to_thread(resolve, self._policy, self._store, request), None
        if request.rerun_of.id == call.execution_id:
            raise invalid("unknown-run", f"the run `{call.execution_id}` cannot take itself up")
        try:
            earlier = await earlier_run(self._store, self._client, request.rerun_of.id)
        except NothingKnown as error:
            raise invalid(error.code, error.message) from error
        if not request.definition:
            request = taken_over(request, earlier)
            return call.model_copy(update={"request": request}), earlier.resolved, earlier
        resolved = await asyncio.to_thread(resolve, self._policy, self._store, request)
        request = taken_over(request, earlier, resolved.definition)
        return call.model_copy(update={"request": request}), resolved, earlier

    async def _kept(self, earlier: EarlierRun, wanted: RerunOf, resolved: Resolved, prepared: Prepared) -> Ledger:
        parts = resolved.parts
        try:
            plan = await asyncio.to_thread(
                kept_of,
                self._store,
                earlier,
                wanted,
                resolved.definition,
                parts,
                inputs=prepared.inputs,
                env=prepared.env,
            )
        except NoSuchStep as error:
            raise invalid("unknown-step", error.message) from error
        return plan.kept

    def _tree(
        self, definition: Definition, request: RunInput, scope: dict[str, JsonValue]
    ) -> tuple[str | None, str | None]:
        """Return the digest of the first tree, and the commit that it is of where it came from a repository."""
        if definition.workspace.source == "none":
            return None, None
        if definition.workspace.source == "empty":
            return save_manifest(self._store, Manifest()), None
        if request.workspace.tree is not None:
            if not self._store.has_blob(request.workspace.tree):
                raise invalid("no-such-tree", f"the store has no tree `{request.workspace.tree}`")
            return request.workspace.tree, None
        if (repository := _repository(definition, request, scope)) is not None:
            fetched = self._fetched(*repository)
            return save_manifest(self._store, fetched.manifest), fetched.commit
        return self._callers(request), None

    def _links(self, definition: Definition, request: RunInput, tree: str | None) -> dict[str, object]:
        """Return the caller's folder, and which folders of it steps see in their private copies."""
        wanted, root = definition.workspace.link, request.workspace.root
        if root is None or tree is None or not definition.workspace.takes_tree:
            return {}
        if not wanted or not Path(root).is_absolute():
            return {"workspace_root": root if self._policy.allows_paths else None}
        if not self._policy.allows_paths:
            raise invalid("path-refused", "this worker links to no folder of its machine")
        links, tracked = links_of(wanted, Path(root), load_manifest(self._store, tree))
        if tracked:
            message = f"`workspace.link` names `{tracked[0]}`, which the run's files have already; leave it out"
            raise invalid("link-refused", message)
        return {"workspace_root": root, "links": links}

    def _fetched(self, url: str, ref: str) -> GitTree:
        policy = GitPolicy(self._policy.git, self._policy.allows_paths)
        try:
            return fetch_tree(self._store, url, ref, policy, self._scratch)
        except GitRefused as error:
            raise invalid("git-refused", error.message) from error
        except StoreError:
            raise
        except StepFailure as error:
            raise invalid("git-failed", error.message) from error

    def _callers(self, request: RunInput) -> str:
        if request.workspace.path is None:
            return save_manifest(self._store, Manifest())
        if not self._policy.allows_paths:
            raise invalid(
                "path-refused", "this worker takes no folder of its machine as a workspace; give a tree's digest"
            )
        return source_tree(self._store, Path(request.workspace.path))

    def _trust(self, request: RunInput, earlier: EarlierRun | None) -> str:
        """Return how far the run is trusted: no further than this worker, what asks for it, and what it takes up."""
        trust = self._fast_forward.trust
        for name in (request.trust, None if earlier is None else earlier.context.trust):
            trust = trust if name is None else trust.lowered(parse_trust(name))
        return trust.name

    def _names(self, resolved: Resolved, request: RunInput, tree: str | None) -> FoundNames:
        """Return what agents' and skills' names mean: the definitions', the caller's, those of the workspace."""
        if resolved.whole is None:
            return request.names  # as they were frozen with the run that starts this one
        all_loaded = [(resolved.definition, resolved.whole.loaded)]
        all_loaded += [(resolved.library[key], one) for key, one in resolved.whole.others.items()]
        found = FoundNames()
        for definition, loaded in all_loaded:
            found = _united(found, self._names_of(loaded, definition, request, tree))
        return found

    def _names_of(self, loaded: Loaded, definition: Definition, request: RunInput, tree: str | None) -> FoundNames:
        if not loaded.named:
            return FoundNames()
        manifest = Manifest() if tree is None else load_manifest(self._store, tree)

        def read_text(path: str) -> str | None:
            entry = manifest.find(path)
            if entry is None or entry.type != "f" or entry.size > LONGEST_TEXT:
                return None
            return self._store.read_blob(entry.digest).decode(errors="replace")

        found = joined(find(definition, read_text), request.names, definition)
        provider = request.provider or os.environ.get("PERDURE_PROVIDER") or None
        findings = list(missing(loaded.named, found, loaded.file, provider=provider, at_start=True))
        refuse(findings, {loaded.file: loaded.source})
        return found

    def _with_files(
        self, definition: Definition, inputs: dict[str, JsonValue], tree: str | None
    ) -> dict[str, JsonValue]:
        """Return the inputs with those of type `file` as references: their content counts and not their name."""
        named = {name: inputs[name] for name, declared in definition.inputs.items() if declared.type == "file"}
        if tree is None or not named:
            return inputs
        manifest = load_manifest(self._store, tree)
        found: dict[str, JsonValue] = {}
        for name, path in named.items():
            if not isinstance(path, str):
                continue
            entry = manifest.find(posixpath.normpath(path))
            if entry is None or entry.type != "f":
                raise invalid("no-such-file", f"input `{name}`: the workspace has no file `{path}`")
            found[name] = file_reference(entry.path, entry.digest, entry.size)
        return {**inputs, **found}

    async def _search_attributes(self) -> list[str]:
        """Return which of ours the namespace has; asked once a worker, since setting another wedges the run."""
        if self._attributes is None:
            from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

            answer = await self._client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=self._client.namespace)
            )
            self._attributes = [name for name in SEARCH_ATTRIBUTES if name in answer.custom_attributes]
        return self._attributes


def _united(one: FoundNames, other: FoundNames) -> FoundNames:
    """Return the agents and skills of two definitions of a run. Raises ApplicationError where a name means two."""
    for name, agent in other.agents.items():
        if one.agents.get(name, agent) != agent:
            message = f"two definitions of this run describe the agent `{name}` differently; give one another name"
            raise invalid("definition-invalid", message)
    return FoundNames(agents={**one.agents, **other.agents}, skills={**one.skills, **other.skills})


def _repository(definition: Definition, request: RunInput, scope: dict[str, JsonValue]) -> tuple[str, str] | None:
    """Return address and ref of the repository that the run begins with: the start input's, else the definition's."""
    if request.workspace.git is not None:
        return request.workspace.git.url, request.workspace.git.ref
    if definition.workspace.git is None or request.workspace.path is not None:
        return None
    wanted = definition.workspace.git
    try:
        return to_text(render_value(wanted.url, scope)), to_text(render_value(wanted.ref, scope))
    except ExpressionError as error:
        raise invalid("git-refused", f"`workspace.git` cannot be evaluated: {error.message}") from error


def run_scope(call: PrepareCall, inputs: dict[str, JsonValue], env: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what texts of the definition itself refer to."""
    facts: dict[str, JsonValue] = {"id": call.execution_id, "started_at": call.started_at.isoformat()}
    return {"inputs": inputs, "env": env, "run": facts, "steps": {}}


def run_context(
    call: PrepareCall,
    resolved: Resolved,
    inputs: dict[str, JsonValue],
    env: dict[str, JsonValue],
    names: FoundNames | None = None,
) -> RunContext:
    """Return the facts of the run that its activities need."""
    request, definition = call.request, resolved.definition
    scope = run_scope(call, inputs, env)
    return RunContext(
        execution_id=call.execution_id,
        definition_id=definition.id,
        definition_digest=resolved.digest,
        started_at=call.started_at,
        environment=request.caller_environment or {},
        definition_environment={name: to_text(render_value(text, scope)) for name, text in definition.env.items()},
        provider=request.provider,
        script=request.script,
        cache_default=definition.cache.default == "on",
        names=names or FoundNames(),
        starter=request.starter,
        env={name: value for name, value in env.items() if isinstance(value, str)},
    )
