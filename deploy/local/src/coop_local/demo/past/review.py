"""One job of the past: placed, claimed, decided and closed by the product's own hands, then given
the times that it had.

Guarantees: a decision is judged as a reviewer's would be, under the rules of the organisation; all
of a job in the caller's transaction; a job that is there already stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import (
    ActionRequested,
    ItemSubmitted,
    ReportEntry,
    ReportReason,
    ReportSubmitted,
)
from coop_contracts.ids import evaluation_id
from coop_local.demo.past.item import PastItems
from coop_local.demo.past.plan import PastAppeal, PastReview, PastVerdict, SecondLook
from coop_local.demo.state import DemoState
from coop_queues import store as queue_store
from coop_queues.job import AppealEntry, Job, JobEntry, JobKind, Placement, Routing
from coop_review_api.quality.category import categories_of
from coop_review_api.quality.table import second_reviews
from coop_review_api.review import rulebook
from coop_review_api.review.decision import Component, Decision, Draft, Origin, Reviewer, hash_of
from coop_review_api.review.judgement import decide
from coop_review_api.review.recorded import row_of
from coop_review_api.review.table import decisions

NOTE: Final = "Of the demonstration: made up, and dated back."
_LEASE_S: Final = 60.0

# The store has the database's clock; this happened earlier. One statement a table.
_DATED: Final = tuple(
    text(statement)
    for statement in (
        "UPDATE queues.jobs SET created_at = :came, enqueued_at = :came, claimed_at = :claimed,"
        " closed_at = :decided WHERE job_id = CAST(:job AS uuid) AND org_id = :org",
        "UPDATE queues.claims SET claimed_at = :claimed, ended_at = :decided"
        " WHERE job_id = CAST(:job AS uuid) AND org_id = :org",
        "UPDATE queues.entries SET placed_at = :came"
        " WHERE job_id = CAST(:job AS uuid) AND org_id = :org",
        "UPDATE queues.job_items SET placed_at = :came WHERE job_id = CAST(:job AS uuid)",
    )
)


class ReviewWriter:
    """Of one organisation. `people` are the reviewers, as the plan names them."""

    def __init__(
        self, state: DemoState, items: PastItems, *, people: Mapping[str, Reviewer], revision: int
    ) -> None:
        self._state = state
        self._items = items
        self._people = people
        self._revision = revision

    async def write(
        self, connection: AsyncConnection, past: PastReview
    ) -> Sequence[ActionRequested]:
        """The job with its decision; what was asked for by it, also where it was there already
        (asked again it is one)."""
        submitted = self._items.submitted(past.item)
        draft = self._draft(past.verdict, past.policy)
        made = await self._decided(
            connection,
            placements=self._reported(past, submitted),
            draft=draft,
            by=past.by,
            times=(past.reports[0].at, past.claimed, past.decided),
        )
        requested = _requests(made)
        if past.second is not None:
            await self._seen_again(connection, past, past.second, made)
        if past.appeal is not None:
            requested += await self._appealed(connection, past, past.appeal, made)
        return requested

    def reports(self, past: PastReview) -> Sequence[ReportSubmitted]:
        """The reports as they came, for the history of the item."""
        submitted = self._items.submitted(past.item)
        return [
            ReportSubmitted(
                event_id=entry.entry.entry_id,
                org_id=self._state.org_id,
                time=entry.entry.at,
                correlation_id=entry.entry.entry_id,
                report_id=entry.entry.entry_id,
                reporter=report.reporter or self._items.person(past.item.author),
                reported_at=entry.entry.at,
                item=submitted.item,
                config_revision=self._revision,
                reason=ReportReason(policy_id=report.policy_id, reason=report.reason),
            )
            for entry in self._reported(past, submitted)
            if (report := entry.entry.report) is not None
        ]

    def _reported(self, past: PastReview, submitted: ItemSubmitted) -> list[Placement]:
        policy_id = self._state.ids["policies"][past.policy]
        return [
            self._placement(
                past,
                submitted,
                JobEntry(
                    entry_id=evaluation_id(cause=submitted.submission_id, what=f"report {number}"),
                    source="REPORT",
                    at=report.at,
                    routing=self._routing,
                    report=ReportEntry(
                        report_id=f"{past.item.id}-{number}",
                        reported_at=report.at,
                        reporter=self._items.person(report.reporter),
                        reason=report.reason or None,
                        policy_id=policy_id,
                    ),
                    policy_ids=(policy_id,),
                ),
            )
            for number, report in enumerate(past.reports)
        ]

    @property
    def _routing(self) -> Routing:
        return Routing(how="DEFAULT", config_revision=self._revision, note=NOTE)

    def _placement(
        self,
        past: PastReview,
        submitted: ItemSubmitted,
        entry: JobEntry,
        kind: JobKind = JobKind.DEFAULT,
    ) -> Placement:
        return Placement(
            org_id=self._state.org_id,
            queue_id=self._state.ids["queues"][past.queue],
            item=submitted.item,
            entry=entry,
            kind=kind,
        )

    def _draft(self, said: PastVerdict, policy: str) -> Draft:
        ids = self._state.ids
        component = Component(type="IGNORE")
        if said.action is not None:
            component = Component(
                type="CUSTOM_ACTION",
                action_ids=(ids["actions"][said.action],),
                policy_ids=(ids["policies"][policy],),
            )
        return Draft(components=(component,), reason=said.reason or None, note=NOTE)

    async def _decided(
        self,
        connection: AsyncConnection,
        *,
        placements: Sequence[Placement],
        draft: Draft,
        by: str,
        times: tuple[datetime, datetime, datetime],
        origins: tuple[Origin, ...] = (),
    ) -> Decision:
        came, claimed, decided = times
        org_id, reviewer = self._state.org_id, self._people[by]
        placed = (await queue_store.place_many(connection, placements, now=came))[0]
        if placed.repeated:
            job = await queue_store.get_job(connection, org_id, placed.job_id)
        else:
            claim, _ = await queue_store.lease_job(
                connection, org_id, placed.job_id, reviewer.user_id, lease_seconds=_LEASE_S
            )
            job = claim.job
        made = decide(
            draft,
            job=job,
            rulebook=await rulebook.load(connection, job, draft, origins=origins),
            reviewer=reviewer,
            now=decided,
        )
        if not placed.repeated:
            await queue_store.close(
                connection,
                org_id,
                job.summary.job_id,
                claim.lease_token,
                by=reviewer.user_id,
                reason="DECIDED",
            )
            await self._record(connection, made, draft, job, (came, claimed, decided))
        return made

    async def _record(
        self,
        connection: AsyncConnection,
        made: Decision,
        draft: Draft,
        job: Job,
        times: tuple[datetime, datetime, datetime],
    ) -> None:
        came, claimed, decided = times
        request_hash = hash_of(draft, reviewer_id=made.made.reviewer_id)
        row = row_of(made, draft, job, request_hash, None) | {"claimed_at": claimed}
        await connection.execute(insert(decisions).values(row).on_conflict_do_nothing())
        dated = {
            "org": self._state.org_id,
            "job": job.summary.job_id,
            "came": came,
            "claimed": claimed,
            "decided": decided,
        }
        for statement in _DATED:
            await connection.execute(statement, dated)

    async def _seen_again(
        self, connection: AsyncConnection, past: PastReview, second: SecondLook, made: Decision
    ) -> None:
        answer = self._draft(second.verdict, past.policy)
        row: dict[str, Any] = {
            "second_review_id": evaluation_id(cause=made.decision_id, what="second review"),
            "org_id": self._state.org_id,
            "queue_id": made.made.queue_id,
            "job_id": made.made.job_id,
            "decision_id": made.decision_id,
            "first_reviewer_id": made.made.reviewer_id,
            "not_for": [made.made.reviewer_id],
            "csam": False,
            "expected": msgspec.to_builtins(categories_of(made.components)),
            "state": "ANSWERED",
            "available_at": past.decided,
            "created_at": past.decided,
            "answered_by": self._people[second.by].user_id,
            "answered_at": second.at,
            "components": msgspec.to_builtins(answer.components),
            "reason": answer.reason,
            "note": NOTE,
            "answer": msgspec.to_builtins(categories_of(answer.components)),
        }
        await connection.execute(insert(second_reviews).values(row).on_conflict_do_nothing())

    async def _appealed(
        self, connection: AsyncConnection, past: PastReview, appeal: PastAppeal, first: Decision
    ) -> Sequence[ActionRequested]:
        submitted = self._items.submitted(past.item)
        policy_id = self._state.ids["policies"][past.policy]
        appeal_id = f"appeal-{past.item.id}"
        entry = JobEntry(
            entry_id=evaluation_id(cause=submitted.submission_id, what="appeal"),
            source="APPEAL",
            at=appeal.at,
            routing=self._routing,
            appeal=AppealEntry(
                appeal_id=appeal_id,
                appealed_by=self._items.person(past.item.author),
                appealed_at=appeal.at,
                actions_taken=tuple(one.action_id for one in first.executions),
                reason=appeal.reason,
            ),
            policy_ids=(policy_id,),
        )
        said = Component(
            type="ACCEPT_APPEAL" if appeal.accepted else "REJECT_APPEAL",
            reverse_actions=appeal.accepted,
        )
        origin = Origin(
            by="PERSON",
            id=first.decision_id,
            decided_at=past.decided,
            executions=first.executions,
            reviewer_ids=(first.made.reviewer_id,),
            policy_ids=(policy_id,),
        )
        made = await self._decided(
            connection,
            placements=[self._placement(past, submitted, entry, JobKind.APPEAL)],
            draft=Draft(components=(said,), note=NOTE),
            by=appeal.by,
            times=(appeal.at, appeal.claimed, appeal.decided),
            origins=(origin,),
        )
        return _requests(made)


def _requests(made: Decision) -> list[ActionRequested]:
    return [event for event in made.events if isinstance(event, ActionRequested)]
