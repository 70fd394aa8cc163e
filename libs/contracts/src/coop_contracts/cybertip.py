"""The internal API of ncmec-reporter: reports to NCMEC, as review-api asks for them.

Guarantees: every call names an organisation and sees its reports only; a list says nothing of what
a report says.
Must not: carry a medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from coop_contracts.call import Answer, Call, Command, Question
from coop_contracts.dispatch import (
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_contracts.event import ItemRef

MAX_PAGE: Final = 200


class Cybertip(Struct, frozen=True, kw_only=True, rename="camel"):
    """A report. `report_id` is NCMEC's number; `fault` says why it does not go on, `warnings` what
    a person should know. `is_paused`: nothing of the organisation is filed."""

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


class CybertipAttempt(Struct, frozen=True, kw_only=True, rename="camel"):
    """One try to file it."""

    number: int
    report_id: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class CybertipsQuestion(Question, frozen=True, kw_only=True):
    """Reports, newest first; `cursor`: from where the last page ended."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class CybertipPage(Answer, frozen=True, kw_only=True):
    """`next_cursor`: there are older ones."""

    cybertips: list[Cybertip]
    next_cursor: str | None


class CybertipQuestion(Question, frozen=True, kw_only=True):
    """One report."""

    cybertip_id: str


class CybertipDetails(Answer, frozen=True, kw_only=True):
    """With its attempts, where those were asked for."""

    cybertip: Cybertip
    attempts: list[CybertipAttempt]


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


LIST_CYBERTIPS: Final = Call("GET", "cybertips", CybertipsQuestion, CybertipPage)
GET_CYBERTIP: Final = Call("GET", "cybertips/{cybertipId}", CybertipQuestion, CybertipDetails)
CYBERTIP_DOCUMENT: Final = Call(
    "GET", "cybertips/{cybertipId}/documents/{what}", CybertipDocumentQuestion, CybertipDocument
)
RETRY_CYBERTIP: Final = Call("POST", "cybertips/{cybertipId}/retry", RetryCybertip, CybertipDetails)
COUNT_CYBERTIP_RECORDS: Final = Call("GET", "records", RecordsQuestion, RecordsSummary)
REMOVE_CYBERTIP_RECORDS: Final = Call("POST", "records/remove", RemoveRecords, RecordsRemoved)

CALLS: Final[Mapping[str, Call[Any, Any]]] = {
    "listCybertips": LIST_CYBERTIPS,
    "getCybertip": GET_CYBERTIP,
    "cybertipDocument": CYBERTIP_DOCUMENT,
    "retryCybertip": RETRY_CYBERTIP,
    "countRecords": COUNT_CYBERTIP_RECORDS,
    "removeRecords": REMOVE_CYBERTIP_RECORDS,
}
