"""Asking for explanations: who may see what, loading, and evaluating again.

Guarantees: a submission of what is about child safety does not exist for those who may not see such
material, and each look at one is audited; compiling is bounded to one at a time for the whole
process.
Must not: change anything but the audit log.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import ItemRef, Lane, RulesEvaluated
from coop_contracts.permission import Permission
from coop_queues.job import Job
from coop_review_api.explanation import record, report
from coop_review_api.explanation.evaluation import (
    Dissent,
    Result,
    dissent,
    evaluate,
    lane_program,
)
from coop_review_api.explanation.glance import Glance, glances_of
from coop_review_api.explanation.material import Material, material_of, rules_at
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_rules.program.program import Program
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.database.engine import transaction

_KEPT_PROGRAMS = 8
_MOST_REASONS = 5  # submissions of which a job says why they led to it


@dataclass(frozen=True, kw_only=True)
class SubmissionRecord:
    """A submission: its evaluations, and its data where it is still here."""

    submission_id: str
    events: Sequence[RulesEvaluated]
    submission: record.RecordedSubmission | None


@dataclass(frozen=True, kw_only=True)
class RepeatedEvaluation:
    """A lane evaluated again. `result` is None where it could not be, and `reason` says why."""

    recorded: RulesEvaluated
    result: Result | None
    differences: Sequence[Dissent] = ()
    reason: str | None = None


class Explanations:
    """One for each process."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, signals: SignalCatalogue) -> None:
        self._engine = engine
        self._clock = clock
        self._signals = signals
        self._compiling = asyncio.Lock()
        self._programs: OrderedDict[tuple[str, int, str, Lane], Program | None] = OrderedDict()

    async def explain(
        self, principal: Principal, submission_id: str
    ) -> tuple[SubmissionRecord, report.Explanation]:
        """Raises `NotFound` for what was not recorded."""
        async with transaction(self._engine) as connection:
            found = await self._read(connection, principal, submission_id)
            parts = await report.gather(connection, principal.org_id, found.events)
        return found, await report.explained(parts, self._signals)

    async def of_job(self, principal: Principal, job: Job) -> list[report.Explanation]:
        """Why rules sent the job, newest submission first, as far as it is kept and theirs to see;
        the caller has seen to it that the person may see the job."""
        causes = [entry.correlation_id for entry in job.entries if entry.source == "RULE_EXECUTION"]
        found = []
        for submission_id in list(dict.fromkeys(filter(None, causes)))[:_MOST_REASONS]:
            async with transaction(self._engine) as connection:
                org_id = principal.org_id
                events = await record.evaluations(connection, org_id, submission_id)
                # A plain job about an author may have come from content that is grave.
                if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
                    items = [event.item for event in events]
                    if await child_safety.grave_among(connection, org_id, items):
                        continue
                parts = await report.gather(connection, org_id, events)
            if parts:
                found.append(await report.explained(parts, self._signals))
        return found

    async def again(self, principal: Principal, submission_id: str) -> list[RepeatedEvaluation]:
        """Evaluate every lane again, on the recorded item and values, under the recorded revision.

        Raises `NotFound`.
        """
        async with transaction(self._engine) as connection:
            found = await self._read(connection, principal, submission_id)
        return [await self._again(principal.org_id, found, event) for event in found.events]

    async def _again(
        self, org_id: str, found: SubmissionRecord, event: RulesEvaluated
    ) -> RepeatedEvaluation:
        submitted = found.submission
        if submitted is None:
            return RepeatedEvaluation(
                recorded=event, result=None, reason="the item's data is no longer kept"
            )
        program = await self._program(org_id, event)
        if program is None:
            return RepeatedEvaluation(
                recorded=event, result=None, reason="the item type was deleted then"
            )
        at = event.submitted_at or submitted.time
        result = await asyncio.to_thread(
            evaluate,
            program,
            submitted.item,
            at=at,
            values=event.signals,
            trace=event.sampled,
        )
        return RepeatedEvaluation(recorded=event, result=result, differences=dissent(event, result))

    async def _program(self, org_id: str, event: RulesEvaluated) -> Program | None:
        key = (org_id, event.config_revision, event.item.type_id, event.lane)
        async with self._compiling:
            if key not in self._programs:
                material = await self._material(org_id, event)
                self._programs[key] = await asyncio.to_thread(
                    lane_program, material, event.lane, self._signals
                )
                while len(self._programs) > _KEPT_PROGRAMS:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(key)
            return self._programs[key]

    async def _material(self, org_id: str, event: RulesEvaluated) -> Material:
        type_id, revision = event.item.type_id, event.config_revision
        async with transaction(self._engine) as connection:
            rules = await rules_at(connection, org_id, revision, type_id)
            return await material_of(connection, org_id, revision, type_id, rules)

    async def read(self, principal: Principal, submission_id: str) -> SubmissionRecord:
        """Raises `NotFound`."""
        async with transaction(self._engine) as connection:
            return await self._read(connection, principal, submission_id, recorded=False)

    async def _read(
        self,
        connection: AsyncConnection,
        principal: Principal,
        submission_id: str,
        *,
        recorded: bool = True,
    ) -> SubmissionRecord:
        org_id = principal.org_id
        events = await record.evaluations(connection, org_id, submission_id)
        submitted = await record.submission(connection, org_id, submission_id)
        if not events and (recorded or submitted is None):
            raise NotFound(f"nothing is recorded of submission {submission_id}")
        item = events[0].item if events else None
        type_id = item.type_id if item else submitted.item.type_id if submitted else ""
        item_id = item.id if item else submitted.item.id if submitted else ""
        await child_safety.require(
            connection,
            principal,
            ("submission", submission_id),
            items=[ItemRef(id=item_id, type_id=type_id)],
            now=self._clock(),
        )
        return SubmissionRecord(submission_id=submission_id, events=events, submission=submitted)

    async def search(
        self,
        principal: Principal,
        wanted: record.EvaluationFilter,
        *,
        after: str | None,
        limit: int,
    ) -> list[record.FoundEvaluation]:
        """Up to `limit` evaluations that may be seen, newest submission first."""
        async with transaction(self._engine) as connection:
            found = await record.search(
                connection,
                principal.org_id,
                wanted,
                hidden=not principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
                after=after,
                limit=limit,
            )
            return await child_safety.shown(
                connection,
                principal,
                "evaluations",
                found,
                item_of=lambda one: ItemRef(id=one.item_id, type_id=one.item_type_id),
                id_of=lambda one: one.submission_id,
                now=self._clock(),
            )

    async def glances(
        self,
        principal: Principal,
        found: Sequence[record.FoundEvaluation],
        *,
        rule_id: str | None,
    ) -> dict[record.FoundEvaluation, Glance]:
        """What evaluations that were searched found, at a glance."""
        async with transaction(self._engine) as connection:
            return await glances_of(connection, principal.org_id, found, rule_id=rule_id)

    async def execution(
        self, principal: Principal, execution_id: str
    ) -> tuple[record.RecordedExecution, record.ExecutionOutcome]:
        """Who requested an execution, and what became of it. Raises `NotFound`."""
        async with transaction(self._engine) as connection:
            found = await record.execution(connection, principal.org_id, execution_id)
            if found is None:
                raise NotFound(f"no execution {execution_id:.60}")
            events = []
            if found.submission_id is not None:
                events = await record.evaluations(connection, principal.org_id, found.submission_id)
            await child_safety.require(
                connection,
                principal,
                ("execution", execution_id),
                items=[event.item for event in events],
                causes=[one for one in (found.decision_id, found.submission_id) if one],
                now=self._clock(),
            )
            outcomes = await record.outcomes(connection, principal.org_id, [execution_id])
        return found, outcomes[execution_id]

    async def submissions_behind(
        self,
        principal: Principal,
        *,
        execution_id: str | None,
        decision_id: str | None,
        job_id: str | None,
    ) -> list[str]:
        """The submissions that led to an execution, a decision or a review job."""
        org_id = principal.org_id
        async with transaction(self._engine) as connection:
            if execution_id is not None:
                found = await record.execution(connection, org_id, execution_id)
                if found is None:
                    return []
                if found.submission_id is not None:
                    return [found.submission_id]
                job_id = found.job_id
            if decision_id is not None:
                job_id = await record.job_of_decision(connection, org_id, decision_id)
            if job_id is None:
                return []
            return await record.submission_ids_of_job(connection, org_id, job_id)
