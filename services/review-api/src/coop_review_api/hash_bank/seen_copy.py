"""Copies of a medium among what was seen lately: a preview, and a place for them in a queue.

    hash ─▶ hma-bridge ─▶ a preview: how many, which, how near
                              │ confirmed: this very number
                              ▼
            items, each once ─▶ ReviewRequested ─▶ outbox ─▶ routing ─▶ a job in the named queue

Guarantees: nothing is queued before a person has confirmed the number of the preview; who did, and
for which hash, is in the audit log before the first item is; an item is queued once for a bank, a
hash, a queue and a notice, however often, and however far it came before it broke off: ids are made
of those. A notice's clock runs from the notice. What goes to the queue for reports to NCMEC is a
matter of child safety and about the author, with the item beside it, as from everywhere else.
Must not: decide what becomes of an item; people do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts import ids
from coop_contracts.config import Kind, Policy, Queue
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef, ReviewRequested, SubmittedItem
from coop_contracts.hash_bank import CountCopies, FindCopies, SeenCopy
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.enforcement.platform_order import MAX_DATA, size_of, stub_of
from coop_review_api.kernel.access import may_know
from coop_review_api.kernel.error import Fault
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.history import latest_items
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import message_of

MAX_ITEMS: Final = 5_000
"""Items that one order queues. A picture that everybody shares is no order for people."""
_PDQ_DIGITS: Final = 64
KINDS: Final = (Kind.ITEM_TYPE, Kind.POLICY, Kind.QUEUE)
"""What has to be known to queue them."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A hash, as 64 or 32 hexadecimal digits, and a span of time."""

    digits: str
    within: int
    since: datetime
    until: datetime

    def counting(self) -> CountCopies:
        """How many there are."""
        return CountCopies(**self._asked())

    def finding(self, *, after: str | None, limit: int) -> FindCopies:
        """A page of them."""
        return FindCopies(**self._asked(), after=after, limit=limit)

    def _asked(self) -> dict[str, Any]:
        name = "pdq" if len(self.digits) == _PDQ_DIGITS else "md5"
        span: dict[str, Any] = {"since": self.since, "until": self.until, "within": self.within}
        return {name: self.digits.lower(), **span}


@dataclass(frozen=True, kw_only=True)
class CopyOrder:
    """Copies of a hash for a queue; `to_ncmec`: for the one whose jobs become reports to NCMEC.
    `noticed_at`: when somebody asked for their removal."""

    org_id: str
    bank_id: str
    digits: str
    queue_id: str
    to_ncmec: bool
    policy_ids: tuple[str, ...]
    note: str | None
    noticed_at: datetime | None
    actor_id: str

    @property
    def cause(self) -> str:
        """What makes an order the same one again."""
        notice = "" if self.noticed_at is None else self.noticed_at.isoformat()
        parts = (self.bank_id, self.digits.lower(), self.queue_id, notice)
        return ids.execution_id(cause="/".join(parts), action="copies", target=self.org_id)


def check(order: CopyOrder, catalogue: Catalogue, principal: Principal) -> list[Fault]:
    """Everything that is wrong with an order."""
    faults = []
    queue = catalogue.get(Kind.QUEUE, Queue, order.queue_id)
    if queue is None or not may_know(principal, queue):
        faults.append(Fault("/queueId", "no such queue"))
    elif queue.is_appeals_queue:
        faults.append(Fault("/queueId", "this queue is for appeals"))
    elif order.to_ncmec and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        faults.append(Fault("/queueId", "this queue is for those who see child-safety material"))
    for index, policy_id in enumerate(order.policy_ids):
        if catalogue.get(Kind.POLICY, Policy, policy_id) is None:
            faults.append(Fault(pointer("policyIds", index), "no such policy"))
    return faults


def once(copies: Iterable[SeenCopy], known: set[ItemRef]) -> list[ItemRef]:
    """The items of these copies that are not known yet; from now on they are."""
    found = dict.fromkeys(copy.item for copy in copies if copy.item not in known)
    known.update(found)
    return list(found)


def request_of(
    order: CopyOrder,
    item: SubmittedItem,
    *,
    author: SubmittedItem | None,
    revision: int,
    now: datetime,
) -> ReviewRequested:
    """What places one item. Its time is the notice's, where there was one: a policy's clock, and a
    queue's, run from there. `author`: whom a job of NCMEC's queue is about, where that is known."""
    target = ids.item_key(order.org_id, item.type_id, item.id)
    return ReviewRequested(
        event_id=ids.new_id(),
        org_id=order.org_id,
        time=order.noticed_at or now,
        correlation_id=order.cause,
        entry_id=ids.execution_id(cause=order.cause, action="copy", target=target),
        item=author or item,
        source="BULK_ACTION",
        config_revision=revision,
        policy_ids=order.policy_ids,
        queue_id=order.queue_id,
        note=order.note,
        job_kind="NCMEC" if order.to_ncmec else "DEFAULT",
        related_items=() if author is None else (item,),
        actor_id=order.actor_id,
    )


async def place(
    connection: AsyncConnection, order: CopyOrder, items: Sequence[ItemRef], *, now: datetime
) -> None:
    """Puts these into the outbox."""
    catalogue = await load_catalogue(connection, order.org_id, (Kind.ITEM_TYPE,))
    known = await latest_items(connection, order.org_id, items)
    creators = {item.creator for item in known.values() if item.creator and order.to_ncmec}
    authors = await latest_items(connection, order.org_id, creators)
    messages = []
    for ref in items:
        item = known.get(ref)
        if item is None or size_of(item) > MAX_DATA:
            item = stub_of(ref, catalogue)
        author = None
        if order.to_ncmec and item.creator is not None and item.creator != ref:
            author = authors.get(item.creator)
            if author is None or size_of(author) + size_of(item) > MAX_DATA:
                author = stub_of(item.creator, catalogue)
        request = request_of(order, item, author=author, revision=catalogue.revision, now=now)
        about = request.item
        key = ids.item_key(order.org_id, about.type_id, about.id)
        messages.append(message_of(request, key=key))
    await append(connection, outbox, messages)
