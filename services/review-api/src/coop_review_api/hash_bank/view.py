"""Contents of hash banks on the wire.

Must not: show a file, or where a medium lies.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from coop_contracts.event import MatchedBank
from coop_contracts.hash_bank import FileAdded, HashEntry, MediumMatched
from coop_review_api.http.body import Body, Model
from coop_review_api.http.person_view import PersonBeside

Algorithm = Literal["pdq", "md5"]
Note = Annotated[str, Field(max_length=255)]
EntryId = Annotated[str, Field(pattern="^[0-9]{1,18}$")]


class HashBankSizeView(Model):
    """How many hashes a bank has."""

    bank_id: str
    active: int
    disabled: int


class HashBankSizesView(Model):
    """Of each bank that ever had any."""

    banks: list[HashBankSizeView]


class HashView(Model):
    """A hash of a bank: `pdq` of a picture, or `md5` of a whole file. `source` says where it came
    from, `addedBy` who added it; what is `DISABLED` is kept, and matches nothing."""

    id: str
    bank_id: str
    algorithm: Algorithm
    hash: str
    state: Literal["ACTIVE", "DISABLED"]
    note: str
    source: str
    added_by: str
    added_by_person: PersonBeside = None
    added_at: datetime

    @classmethod
    def of(cls, entry: HashEntry) -> HashView:
        """Of what the bridge says."""
        return cls(
            id=entry.id,
            bank_id=entry.bank_id,
            algorithm=entry.algorithm,
            hash=entry.hash,
            state=entry.state,
            note=entry.note,
            source=entry.source,
            added_by=entry.added_by,
            added_at=entry.added_at,
        )


class HashPageView(Model):
    """Newest first."""

    items: list[HashView]
    next_cursor: str | None = None


class NewHashFields(Body):
    """A hash: 64 hexadecimal digits of PDQ, or 32 of MD5."""

    hash: Annotated[str, Field(pattern="^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})$")]
    note: Note = ""


class HashesBody(Body):
    """Hashes to add; those that are there change nothing."""

    hashes: Annotated[list[NewHashFields], Field(min_length=1, max_length=1000)]


class HashesAddedView(Model):
    """How many were added, and how many were there."""

    added: int
    known: int


class HashChangeBody(Body):
    """Hashes that match again (`ACTIVE`), match no more (`DISABLED`), or go (`REMOVED`)."""

    ids: Annotated[list[EntryId], Field(min_length=1, max_length=200)]
    state: Literal["ACTIVE", "DISABLED", "REMOVED"]


class HashesChangedView(Model):
    """How many were of another state before."""

    changed: int


class MediumBody(Body):
    """A medium as it was shown, by its reference."""

    ref: Annotated[str, Field(min_length=1, max_length=4000)]
    note: Note = ""


class FileAddedView(Model):
    """What was made of the file, which is not kept. A picture of a `quality` under 50 is too flat
    for a `pdq`, and is known by its `md5` alone."""

    added: int
    known: int
    pdq: str | None
    md5: str
    quality: int | None

    @classmethod
    def of(cls, told: FileAdded) -> FileAddedView:
        """Of what the bridge says."""
        return cls(
            added=told.added, known=told.known, pdq=told.pdq, md5=told.md5, quality=told.quality
        )


class HashMatchBody(Body):
    """Hashes of a medium: one of them, or both."""

    pdq: Annotated[str, Field(pattern="^[0-9A-Fa-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern="^[0-9A-Fa-f]{32}$")] | None = None


class MatchedBankView(Model):
    """A bank that would match: by what, and at what distance in bits (0: the very same hash). By
    one that is `knownGood` no rule passes."""

    bank_id: str
    algorithm: str
    distance: int | None
    ids: list[str]
    known_good: bool

    @classmethod
    def of(cls, bank: MatchedBank) -> MatchedBankView:
        """Of what the bridge says."""
        return cls(
            bank_id=bank.bank_id,
            algorithm=bank.algorithm,
            distance=bank.distance,
            ids=list(bank.signal_ids),
            known_good=bank.known_good,
        )


class HashMatchView(Model):
    """Which banks would match, nearest hashes first; `hashes` are those of them that are kept
    here. Banks of the ratio 0 match nothing."""

    pdq: str | None
    md5: str | None
    quality: int | None
    banks: list[MatchedBankView]
    hashes: list[HashView]

    @classmethod
    def of(cls, told: MediumMatched) -> HashMatchView:
        """Of what the bridge says."""
        return cls(
            pdq=told.pdq,
            md5=told.md5,
            quality=told.quality,
            banks=[MatchedBankView.of(one) for one in told.banks],
            hashes=[HashView.of(one) for one in told.entries],
        )


class ImportProgressView(Model):
    """A line of an import's answer. `done` of `rows` were sent on; the last line says that it is
    `finished`, or why it is not (`error`): then it can be sent again, and goes on."""

    rows: int
    done: int
    added: int
    known: int
    finished: bool = False
    error: str | None = None
