"""What is kept, and for how long: `GET /v1/retention`.

Guarantees: it is the registry that the deletion of everything is tested against
(`coop_contracts.stored`), and so what docs/retention.md says.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends

from coop_contracts.permission import Permission
from coop_contracts.stored import PLACES, StoredKind, stored_in, topics_stored
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model

_reads = requires(Permission.MANAGE_ORG, Permission.ERASE_END_USERS)
router = APIRouter(prefix="/v1", tags=["settings"], dependencies=[Depends(_reads)])

Place = Literal["review", "queues", "dispatch", "hashes", "ncmec", "redis", "files", "topics"]


class StoredKindView(Model):
    """One kind of data. `kept` is how long, in words; `setting` what changes that: `operator` is a
    variable of the environment, `organisation` a field of its settings. `ends`: something deletes
    it by itself; else `note` says why not. `erased` is what the erasure of an end user does."""

    place: Place
    name: str
    what: str
    about: Literal["NOBODY", "STAFF", "END_USER"]
    kept: str
    operator: str | None
    organisation: str | None
    ends: bool
    erased: Literal["NOTHING", "GOES", "EMPTIED", "PSEUDONYM", "EXPIRES", "STAYS"]
    note: str | None


class StoredKinds(Model):
    items: list[StoredKindView]


@router.get("/retention", operation_id="listStoredKinds", response_model=StoredKinds)
async def list_stored_kinds() -> StoredKinds:
    """Every kind of data that is stored, by where it lies."""
    found: list[StoredKindView] = []
    for place in PLACES:
        found += [_view(place, kind) for kind in stored_in(place)]
    found += [_view("topics", kind) for kind in topics_stored()]
    return StoredKinds(items=found)


def _view(place: Place, kind: StoredKind) -> StoredKindView:
    setting = (kind.setting or "").strip()
    mine = setting.split("`")[1] if "`" in setting else None
    return StoredKindView(
        place=place,
        name=kind.name,
        what=kind.what,
        about=kind.about,
        kept=kind.kept,
        operator=None if mine else setting or None,
        organisation=mine,
        ends=kind.by is not None,
        erased=kind.erased,
        note=kind.note,
    )
