"""The internal API of ncmec-reporter: reports to NCMEC, as review-api asks for them.

Guarantees: every call names an organisation and sees its reports only; a list says nothing of what
a report says.
Must not: carry a medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from coop_contracts.call import Answer, Call, Command, Question
from coop_contracts.dispatch import (
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_contracts.event import ItemRef

MAX_PAGE: Final = 200


DestructionGround = Literal["KEPT_LONG_ENOUGH", "LAW_ENFORCEMENT"]
"""Why evidence may be destroyed: its time is over, or law enforcement asked (18 U.S.C. 2258B)."""

DestructionState = Literal["ASKED", "REFUSED", "EXPIRED", "CONFIRMED", "DONE"]
"""ASKED waits for a second person; CONFIRMED has no keys any more, DONE no files."""

Reason = Annotated[str, Meta(min_length=1, max_length=1000)]
PersonId = Annotated[str, Meta(min_length=1, max_length=128)]


class CybertipHold(Struct, frozen=True, kw_only=True, rename="camel"):
    """Evidence is kept beyond its time: until then, or, without `until`, until it is lifted."""

    placed_by: str
    reason: str
    placed_at: datetime
    until: datetime | None


class CybertipDestruction(Struct, frozen=True, kw_only=True, rename="camel"):
    """The last request to destroy a report's evidence. A second person answers until
    `expires_at`."""

    state: DestructionState
    ground: DestructionGround
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    done_at: datetime | None


PreservationState = Literal["WAITING", "TAKEN", "NOT_WANTED", "DESTROYED"]
"""WAITING: the platform is told until it took it. NOT_WANTED: no endpoint is set any more."""


class CybertipPreservation(Struct, frozen=True, kw_only=True, rename="camel"):
    """The platform's request to preserve what it has: `tries` since the filing, the last of them at
    `tried_at` with its `fault`, the next one at `due_at`."""

    state: PreservationState
    since: datetime
    tries: int
    tried_at: datetime | None
    due_at: datetime | None
    fault: str | None
    ended_at: datetime | None


class Cybertip(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A report. `report_id` is NCMEC's number; `fault` says why it does not go on, `warnings` what
    a person should know. `is_paused`: nothing of the organisation is filed.

    Its evidence is kept until `keep_until` at least, and while there is a `hold`. `is_due`: that
    is over, and people may ask for its destruction. `destroyed_at`: nothing is left but what is
    said here, and `user` is empty. `preservation`: what the platform is told once it is filed."""

    id: str
    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    user: ItemRef
    environment: str
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
    hold: CybertipHold | None = None
    destruction: CybertipDestruction | None = None
    destroyed_at: datetime | None = None
    preservation: CybertipPreservation | None = None


class CybertipAttempt(Struct, frozen=True, kw_only=True, rename="camel"):
    """One try to file it."""

    number: int
    report_id: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class CybertipCall(Struct, frozen=True, kw_only=True, rename="camel"):
    """One call of NCMEC's interface, without its bodies. `code` is what NCMEC said, `status`
    HTTP's; neither: nothing came back that can be read."""

    attempt: int
    step: str
    outcome: str
    status: int | None
    code: int | None
    milliseconds: int
    at: datetime


CybertipProgress = Literal["OPEN", "NEEDS_ATTENTION", "FILED"]
"""OPEN is on its way, NEEDS_ATTENTION waits for a person; what is FILED may still be preserved."""


class CybertipsQuestion(Question, frozen=True, kw_only=True):
    """Reports, newest first; `cursor`: from where the last page ended; `due`: those alone whose
    time is over; `progress`: those alone that got so far; `user_type_id` with `user_id`: those
    about one user."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    due: bool | None = None
    progress: CybertipProgress | None = None
    user_type_id: Annotated[str, Meta(max_length=128)] | None = None
    user_id: Annotated[str, Meta(max_length=1000)] | None = None
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class CybertipPage(Answer, frozen=True, kw_only=True):
    """`next_cursor`: there are older ones."""

    cybertips: list[Cybertip]
    next_cursor: str | None


class CybertipQuestion(Question, frozen=True, kw_only=True):
    """One report."""

    cybertip_id: str


class CybertipDetails(Answer, frozen=True, kw_only=True):
    """With its attempts, and what was asked of NCMEC in them: the newest calls, the oldest of them
    first; `calls_before`: so many came before those."""

    cybertip: Cybertip
    attempts: list[CybertipAttempt]
    calls: list[CybertipCall] = field(default_factory=list)
    calls_before: int = 0


class CybertipDocumentQuestion(Question, frozen=True, kw_only=True):
    """The XML that was sent, or NCMEC's receipt: never a medium."""

    cybertip_id: str
    what: Literal["document", "receipt"]


class CybertipDocument(Answer, frozen=True, kw_only=True):
    """As it was sent or received."""

    text: str


class RetryCybertip(Command, frozen=True, kw_only=True):
    """A report that needs a person goes on. What a person confirms: `further`, that the user was
    reported before; `without_media`, that all media are gone."""

    cybertip_id: str
    further: bool = False
    without_media: bool = False


class PlaceHold(Command, frozen=True, kw_only=True):
    """Keep the evidence of a report beyond its time, in place of a hold that there is."""

    cybertip_id: str
    person_id: PersonId
    reason: Reason
    until: datetime | None = None


class LiftHold(Command, frozen=True, kw_only=True):
    """The hold ends."""

    cybertip_id: str
    person_id: PersonId


class AskDestruction(Command, frozen=True, kw_only=True):
    """Destroy the evidence of a report for good, once a second person confirms it."""

    cybertip_id: str
    person_id: PersonId
    ground: DestructionGround
    reason: Reason


class ConfirmDestruction(Command, frozen=True, kw_only=True):
    """The second person's word: keys and files are destroyed."""

    cybertip_id: str
    person_id: PersonId


class RefuseDestruction(Command, frozen=True, kw_only=True):
    """Nothing is destroyed. Who asked may say so too."""

    cybertip_id: str
    person_id: PersonId


class SchemaQuestion(Question, frozen=True, kw_only=True):
    """What reports are checked with before they leave."""


class ServedSchema(Struct, frozen=True, kw_only=True, rename="camel"):
    """The schema that NCMEC served last for an environment, by what it says. `differs`: from the
    file that is checked with; null where there is none."""

    environment: Literal["TEST", "PRODUCTION"]
    fingerprint: str
    served_at: datetime
    differs: bool | None


class SchemaUsed(Answer, frozen=True, kw_only=True):
    """`has_file`: reports are checked with NCMEC's schema, a file of the operator's; without one by
    the rules alone. `version`: what the file says of itself. `fingerprint`: of what it says."""

    has_file: bool
    version: str | None
    fingerprint: str | None
    served: list[ServedSchema]


LIST_CYBERTIPS: Final = Call("GET", "cybertips", CybertipsQuestion, CybertipPage)
GET_CYBERTIP: Final = Call("GET", "cybertips/{cybertipId}", CybertipQuestion, CybertipDetails)
CYBERTIP_DOCUMENT: Final = Call(
    "GET", "cybertips/{cybertipId}/documents/{what}", CybertipDocumentQuestion, CybertipDocument
)
RETRY_CYBERTIP: Final = Call("POST", "cybertips/{cybertipId}/retry", RetryCybertip, CybertipDetails)
PLACE_HOLD: Final = Call("POST", "cybertips/{cybertipId}/hold", PlaceHold, CybertipDetails)
LIFT_HOLD: Final = Call("POST", "cybertips/{cybertipId}/hold/lift", LiftHold, CybertipDetails)
ASK_DESTRUCTION: Final = Call(
    "POST", "cybertips/{cybertipId}/destruction", AskDestruction, CybertipDetails
)
CONFIRM_DESTRUCTION: Final = Call(
    "POST", "cybertips/{cybertipId}/destruction/confirm", ConfirmDestruction, CybertipDetails
)
REFUSE_DESTRUCTION: Final = Call(
    "POST", "cybertips/{cybertipId}/destruction/refuse", RefuseDestruction, CybertipDetails
)
SCHEMA_USED: Final = Call("GET", "schema", SchemaQuestion, SchemaUsed)
COUNT_CYBERTIP_RECORDS: Final = Call("GET", "records", RecordsQuestion, RecordsSummary)
REMOVE_CYBERTIP_RECORDS: Final = Call("POST", "records/remove", RemoveRecords, RecordsRemoved)

CALLS: Final[Mapping[str, Call[Any, Any]]] = {
    "listCybertips": LIST_CYBERTIPS,
    "getCybertip": GET_CYBERTIP,
    "cybertipDocument": CYBERTIP_DOCUMENT,
    "retryCybertip": RETRY_CYBERTIP,
    "placeHold": PLACE_HOLD,
    "liftHold": LIFT_HOLD,
    "askDestruction": ASK_DESTRUCTION,
    "confirmDestruction": CONFIRM_DESTRUCTION,
    "refuseDestruction": REFUSE_DESTRUCTION,
    "schemaUsed": SCHEMA_USED,
    "countRecords": COUNT_CYBERTIP_RECORDS,
    "removeRecords": REMOVE_CYBERTIP_RECORDS,
}
