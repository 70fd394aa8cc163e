"""Reports to NCMEC on this API's wire.

Must not: have a field for anything that a report says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from coop_contracts.cybertip import DestructionGround, DestructionState, PreservationState
from coop_review_api.http.body import Model
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.http.person_view import PersonBeside


class CybertipHoldView(Model):
    """Evidence is kept beyond its time: until then, or, where that is null, until it is lifted."""

    placed_by: str
    placed_by_person: PersonBeside = None
    reason: str
    placed_at: datetime
    until: datetime | None


class CybertipDestructionView(Model):
    """The last request to destroy a report's evidence. ASKED: a second person answers until
    `expiresAt`. CONFIRMED: no key is left; DONE: no file either."""

    state: DestructionState
    ground: DestructionGround
    reason: str
    asked_by: str
    asked_by_person: PersonBeside = None
    asked_at: datetime
    expires_at: datetime
    answered_by: str | None
    answered_by_person: PersonBeside = None
    answered_at: datetime | None
    done_at: datetime | None


class CybertipPreservationView(Model):
    """The platform is told to preserve what it has. WAITING: again at `dueAt`; `fault` is that of
    the last of `tries`. NOT_WANTED: no endpoint is set any more."""

    state: PreservationState
    since: datetime
    tries: int
    tried_at: datetime | None
    due_at: datetime | None
    fault: str | None
    ended_at: datetime | None


class CybertipView(Model):
    """A report. `reportId` is NCMEC's number; `fault` says why it does not go on, `warnings` what
    one should know. `isPaused`: NCMEC refuses the organisation's credentials, and nothing is
    filed.

    Its evidence is kept until `keepUntil` at least, and while there is a `hold`. `isDue`: that is
    over, and somebody may ask for its destruction. Once `destroyedAt`, `user` is empty."""

    id: str
    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    reviewer: PersonBeside = None
    user: ItemRefView
    environment: Literal["TEST", "PRODUCTION"]
    state: str
    report_id: str | None
    requested_at: datetime
    filed_at: datetime | None
    due_at: datetime | None
    files: int
    missing: int
    has_receipt: bool
    fault: str | None
    code: int | None
    warnings: list[str]
    is_paused: bool
    keep_until: datetime | None = None
    is_due: bool = False
    hold: CybertipHoldView | None = None
    destruction: CybertipDestructionView | None = None
    destroyed_at: datetime | None = None
    preservation: CybertipPreservationView | None = None


class CybertipAttemptView(Model):
    """One try to file it, under a number of its own."""

    number: int
    report_id: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class CybertipCallView(Model):
    """One call of NCMEC's interface: `code` is what NCMEC said, `status` HTTP's."""

    attempt: int
    step: str
    outcome: str
    status: int | None
    code: int | None
    milliseconds: int
    at: datetime


class CybertipDetailsView(Model):
    """With the newest calls, the oldest of them first; `callsBefore`: so many came before those."""

    cybertip: CybertipView
    attempts: list[CybertipAttemptView]
    calls: list[CybertipCallView] = Field(default_factory=list)
    calls_before: int = 0


class CybertipPageView(Model):
    """Newest first."""

    items: list[CybertipView]
    next_cursor: str | None = None


class CybertipDocumentView(Model):
    """XML, without any medium."""

    text: str
