"""One attempt of an agent step, the same for every provider.

    schema checked -> task written -> session (new, or resumed after a lost worker) -> verdict
    -> answer held to the schema, asked again in the same session at most twice -> denials -> outcome

What must outlive the worker travels in the heartbeat: session, generation, checkpoint, usage, times asked again.
What was used is said with every outcome and every failure (`details.usage`); where a session had no last word
it is a lower bound, and `details.usage_is_lower_bound` says so.
"""

import asyncio
from dataclasses import dataclass, replace
from time import monotonic
from uuid import UUID, uuid5

from pydantic import JsonValue

from activities.agents import answers, prompting
from activities.agents.adapter import DEFAULT_PROFILE, Adapter, AgentRequest, AgentSettings
from activities.agents.budget import Meter
from activities.agents.checkpointing import Checkpointing
from activities.agents.checkpoints import Checkpoint, Checkpoints
from activities.agents.events import AgentEvent, Started, ToolResult, UsageReported
from activities.agents.inputs import lay_inputs
from activities.agents.resumption import Resumption
from activities.agents.schema_check import check_schema, findings
from activities.agents.scripts import entry_at, script_entries
from activities.agents.session import Watch, converse
from activities.agents.verdict import Session, judge, judge_denials
from activities.executors.interface import Execution, Outcome
from activities.process.isolation import probe
from activities.store.interface import StoreError
from definitions.errors import ErrorClass, StepFailure
from definitions.records import Usage
from definitions.steps.agent import AgentStep

MOST_REASKS = 2
SESSIONS = UUID("7f0c3f0e-6d5b-5c1e-9a53-0b1d1f4f6a55")
"""The name space of session ids."""


async def run_agent(execution: Execution, step: AgentStep, adapter: Adapter, settings: AgentSettings) -> Outcome:
    """Run one attempt of `step`. Raises `StepFailure`; on CancelledError nothing of it is left running."""
    if step.output_schema is not None:
        check_schema(step.output_schema)
    attempt = _Attempt(execution, step, adapter, settings)
    try:
        return await attempt.run()
    except StepFailure as failure:
        failure.details.update(attempt.account())
        raise
    finally:
        await attempt.settle()


def session_id(execution: Execution, generation: int) -> str:
    """Return the id of a conversation: known before the start, so that a lost worker loses nothing."""
    call = execution.call
    return str(uuid5(SESSIONS, f"{call.run.execution_id}\n{call.path}\n{call.visit}\n{call.attempt}.{generation}"))


@dataclass(slots=True)
class _Progress:
    """What the heartbeat carries."""

    session: str
    generation: int
    reasks: int
    checkpoint: Checkpoint | None = None


class _Attempt:
    """The state of one attempt."""

    def __init__(self, execution: Execution, step: AgentStep, adapter: Adapter, settings: AgentSettings) -> None:
        self._execution = execution
        self._step = step
        self._adapter = adapter
        self._settings = settings
        self._traits = adapter.traits()
        self._resumption = Resumption.from_heartbeat(execution.resumed_from)
        self._meter = Meter(step.budget, execution.call.spent, self._resumption.usage)
        self._began = monotonic()
        self._progress = _Progress("", self._resumption.generation, self._resumption.reasks)
        self._checkpoints = Checkpoints(execution.store, execution.workspace, execution.call.tree, execution.mask)
        self._checkpointing = Checkpointing(self._checkpoints, settings.checkpoint_interval, execution.log, self._keep)
        self._is_lower_bound = False
        self._notes: list[str] = []

    async def run(self) -> Outcome:
        """Run it to its outcome."""
        request = await self._first_request()
        first_text = request.prompt
        while True:
            self._refuse_when_used_up()
            session = await self._converse(request)
            failure = judge(session)
            if failure is not None:
                raise failure
            outputs, unfit = self._outputs(session)
            if outputs is not None:
                return self._outcome(session, outputs)
            request = self._ask_again(request, first_text, session, unfit)

    def account(self) -> dict[str, JsonValue]:
        """Return what a failure says of the usage."""
        account: dict[str, JsonValue] = {"usage": self._usage().model_dump(mode="json")}
        if self._is_lower_bound:
            account["usage_is_lower_bound"] = True
        return account

    async def settle(self) -> None:
        """Wait for what still reads the workspace."""
        await self._checkpointing.close()

    async def _first_request(self) -> AgentRequest:
        step, execution = self._step, self._execution
        outfit = self._adapter.outfit(execution, self._settings)
        given = await asyncio.to_thread(lay_inputs, execution, step.inputs)
        text = prompting.task(
            step.prompt,
            given,
            role=None if self._traits.has_role else step.role,
            schema=None if self._traits.has_schema else step.output_schema,
            fields=() if step.output_schema is not None else execution.call.answer_fields,
        )
        request = AgentRequest(
            prompt=text,
            session="",
            resumes=False,
            workspace=execution.workspace,
            scratch=execution.scratch,
            environment=execution.environment,
            outfit=outfit,
            remaining=self._meter.remaining(),
            profile=step.security_profile or DEFAULT_PROFILE,
            role=step.role if self._traits.has_role else None,
            model=step.model or None,
            allow=tuple(step.tools.allow),
            deny=tuple(step.tools.deny),
            schema=step.output_schema,
            folders=tuple(dict.fromkeys(path.parent for _, path in given.files)),
            command=tuple(step.command or ()),
        )
        return await self._resumed(request) or self._anew(request)

    async def _resumed(self, request: AgentRequest) -> AgentRequest | None:
        """Return the request that goes on where the lost worker was; None where that cannot be."""
        resumption = self._resumption
        if not self._traits.resumes or resumption.session is None or resumption.checkpoint is None:
            return None
        again = replace(request, prompt=prompting.CONTINUATION, session=resumption.session, resumes=True)
        transcript = self._adapter.transcript(again)
        if transcript is None:
            return None
        try:
            await asyncio.to_thread(self._checkpoints.restore, resumption.checkpoint, transcript)
        except StoreError as error:
            self._note(f"the conversation of the lost worker could not be restored ({error}); it starts anew")
            return None
        self._progress.session = resumption.session
        self._progress.checkpoint = resumption.checkpoint
        self._note("the conversation was resumed after its worker was lost")
        return again

    def _anew(self, request: AgentRequest) -> AgentRequest:
        if self._resumption.session is not None:
            self._progress.generation += 1
        self._progress.session = session_id(self._execution, self._progress.generation)
        return replace(request, session=self._progress.session)

    async def _converse(self, request: AgentRequest) -> Session:
        position = self._execution.call.attempt - 1 + self._progress.reasks
        entries = script_entries(self._execution.context.script, self._execution.call.path)
        entry = entry_at(entries, position) if entries else None
        request = replace(request, remaining=self._meter.remaining(self._wall()), entry=entry)
        self._beat()
        watch = Watch(
            on_event=lambda event: self._take(event, request),
            must_stop=lambda: self._meter.passed(self._wall()),
            on_tick=self._beat,
            tick=self._settings.heartbeat_interval,
            idle_timeout=self._settings.idle_timeout,
        )
        self._is_lower_bound = True
        launch, execution = self._adapter.build(request), self._execution
        session = await converse(self._adapter, launch, request.workspace, execution.log, watch, execution.mask)
        self._is_lower_bound = session.finished is None or session.stopped is not None
        self._meter.close_session(session.finished.usage if session.finished is not None else None)
        return session

    def _take(self, event: AgentEvent, request: AgentRequest) -> None:
        match event:
            case UsageReported():
                self._meter.observe(event)
            case Started():
                self._meter.name_model(event.model)
            case ToolResult():
                transcript = self._adapter.transcript(request)
                if transcript is not None:
                    self._checkpointing.turn_ended(transcript, event.id)
            case _:
                pass

    def _keep(self, checkpoint: Checkpoint) -> None:
        self._progress.checkpoint = checkpoint
        self._beat()

    def _outputs(self, session: Session) -> tuple[dict[str, JsonValue] | None, list[str]]:
        """Return the outputs; or None and why no candidate fits the schema."""
        schema = self._step.output_schema
        if schema is None:
            return answers.free_answer(session.text, session.structured), []
        unfit: list[str] = []
        for candidate in answers.candidates(session.text, session.structured):
            unfit = findings(schema, candidate)
            if not unfit:
                return answers.as_outputs(candidate), []
        return None, unfit or ["there is no JSON in it"]

    def _ask_again(self, request: AgentRequest, first: str, session: Session, unfit: list[str]) -> AgentRequest:
        if self._progress.reasks >= MOST_REASKS:
            listed = "; ".join(unfit)
            message = f"the answer does not fit `output_schema`, also after asking again {MOST_REASKS} times: {listed}"
            raise StepFailure(ErrorClass.SCHEMA, message[:1500], {"findings": [*unfit]})
        self._progress.reasks += 1
        self._note(f"asked again: the answer did not fit `output_schema` ({unfit[0]})")
        again = prompting.complaint(unfit, self._step.output_schema or {})
        if not self._traits.resumes:
            return replace(request, prompt=prompting.retold(first, session.text, again))
        return replace(request, prompt=again, resumes=True)

    def _outcome(self, session: Session, outputs: dict[str, JsonValue]) -> Outcome:
        denied = judge_denials(session)
        if denied is not None:
            raise denied
        for denial in session.denials:
            self._note(f"the profile denied `{denial.tool}` {denial.detail}".rstrip())
        return Outcome(outputs, self._usage(), self._enforced_by(), tuple(self._notes))

    def _enforced_by(self) -> tuple[str, ...]:
        by = ["cli"] if self._traits.enforces_profile else []
        if self._traits.is_process:
            by.append("environment")
            by += ["namespace"] if probe().kind == "namespace" else []
        return tuple(by)

    def _refuse_when_used_up(self) -> None:
        used = self._meter.used_up(self._wall())
        if used is not None:
            raise StepFailure(ErrorClass.BUDGET, f"nothing is left of the budget: {used} are used; raise `budget`")

    def _usage(self) -> Usage:
        return self._meter.used(self._wall()).model_copy(update={"provider": self._traits.provider})

    def _wall(self) -> float:
        return monotonic() - self._began

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._execution.log.note(text)

    def _beat(self) -> None:
        progress = self._progress
        self._execution.heartbeat(
            {
                "session": progress.session,
                "generation": progress.generation,
                "reasks": progress.reasks,
                "checkpoint": progress.checkpoint.as_json() if progress.checkpoint else None,
                "usage": self._usage().model_dump(mode="json", exclude_defaults=True),
            }
        )
