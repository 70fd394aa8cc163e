"""What the decision log can be asked.

Must not: ask it; `query` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from coop_contracts.event import ItemRef
from coop_review_api.kernel.error import Fault, Invalid

EntryKind = Literal["DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION", "SKIP", "RELEASE"]
EntrySource = Literal[
    "MRT_JOB",
    "AUTOMATIC",
    "COOP",
    "BULK_ACTION",
    "REVERSAL",
    "RULE_EXECUTION",
    "POST_ACTIONS",
    "STRIKE_THRESHOLD",
    "RETROACTION",
]
DecisionType = Literal[
    "IGNORE",
    "CUSTOM_ACTION",
    "RELATED_ACTION",
    "MOVE",
    "ESCALATE_TO_NCMEC",
    "SUBMIT_NCMEC_REPORT",
    "ACCEPT_APPEAL",
    "REJECT_APPEAL",
    "AUTOMATIC_CLOSE",
    "CLOSE",
]
DECIDED: tuple[EntryKind, ...] = ("DECISION", "BULK_ACTION", "BULK_REVERSAL")
"""What people decided: of the log as a whole this is shown, unless other kinds are asked for."""
USUAL: tuple[EntryKind, ...] = (*DECIDED, "ACTION")
"""The same, and what rules and the platform did besides: where something is asked for by what was
done or to what."""


class LogQuestion(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A question to the log: of each filter that is set one value fits; all filters hold. `since`
    is within, `until` not. `item` with an empty id means every item of its type, `user` with an
    empty type whoever has that id. `q` are words, as web searches are written ("a phrase",
    -without)."""

    kinds: tuple[EntryKind, ...] = USUAL
    decision_types: tuple[DecisionType, ...] = ()
    sources: tuple[EntrySource, ...] = ()
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    queue_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    item: ItemRef | None = None
    user: ItemRef | None = None
    job_id: str | None = None
    q: str | None = None

    @property
    def of_one(self) -> bool:
        """Whether one item or one user is asked about."""
        return self.user is not None or (self.item is not None and bool(self.item.id))


def question_of(
    *,
    kinds: Sequence[EntryKind],
    item_type_id: str | None,
    item_id: str | None,
    user_type_id: str | None,
    user_id: str | None,
    **filters: Any,
) -> LogQuestion:
    """The question in filters as they were sent: the others are called as they are there. An
    item's type may stand alone, and so may a user's id. Raises `Invalid` for an item's id without
    its type, and a user's type without an id."""
    faults = []
    if item_type_id is None and item_id is not None:
        faults.append(Fault("/itemTypeId", "required with itemId"))
    if user_type_id is not None and user_id is None:
        faults.append(Fault("/userId", "required with userTypeId"))
    if faults:
        raise Invalid(faults)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in filters.items()
    }
    question = LogQuestion(
        item=None if item_type_id is None else ItemRef(id=item_id or "", type_id=item_type_id),
        user=None if user_id is None else ItemRef(id=user_id, type_id=user_type_id or ""),
        **given,
    )
    return replace(question, kinds=tuple(kinds) or _kinds_of(question))


def _kinds_of(question: LogQuestion) -> tuple[EntryKind, ...]:
    """The kinds that are meant where none is named: what rules did would drown what people
    decided, but it is what is asked for where actions, policies, rules or one item are."""
    by_what = question.sources or question.action_ids or question.policy_ids or question.rule_ids
    return USUAL if by_what or question.of_one else DECIDED
