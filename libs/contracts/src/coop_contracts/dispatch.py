"""What review-api asks of the action-dispatcher for people: each call (`coop_contracts.call`), its
question, its answer.

Must not: be asked by anyone but review-api, which has checked what a person may see and do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta

from coop_contracts.call import Answer, Call, Command, Question
from coop_contracts.erasure import ErasedUser
from coop_contracts.event import ItemRef, RequestedExecution, RuleRef

MAX_PAGE: Final = 200

Id = Annotated[str, Meta(max_length=512)]
GivenId = Annotated[str, Meta(min_length=1, max_length=512)]
EndpointId = Annotated[str, Meta(max_length=64)]
ActorId = Annotated[str, Meta(min_length=1, max_length=128)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Moment = Annotated[datetime, Meta(tz=True)]
Hours = Annotated[int, Meta(ge=1, le=24 * 7)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Meta(max_length=200)]

DeliveryKind = Literal["ACTION", "IGNORE", "APPEAL_DECISION"]
"""What asked for it: an action, or a decision of which the platform is told (a callback)."""

DeliveryState = Literal["PENDING", "DELIVERED", "DEAD"]


# What is asked.


class DeliveriesQuestion(Question, frozen=True, kw_only=True):
    """Which deliveries: all that is given must hold; `since` is included, `until` is not. An item's
    id and that of its type go together."""

    state: DeliveryState | None = None
    kind: DeliveryKind | None = None
    item_type_id: Id | None = None
    item_id: Id | None = None
    action_id: Id | None = None
    endpoint_id: Id | None = None
    rule_id: Id | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class DeliveryQuestion(Question, frozen=True, kw_only=True):
    execution_id: UUID


class RedeliverDead(Command, frozen=True, kw_only=True):
    """Which dead deliveries: all of what is given must hold, and something must be given."""

    kind: DeliveryKind | None = None
    action_id: Id | None = None
    endpoint_id: Id | None = None
    rule_id: Id | None = None
    item_type_id: Id | None = None
    item_id: Id | None = None
    since: Moment | None = None
    until: Moment | None = None


class RedeliverOne(Command, frozen=True, kw_only=True):
    execution_id: UUID


class EndpointsQuestion(Question, frozen=True, kw_only=True):
    """`hours`: the span that health is told of."""

    hours: Hours = 1
    limit: Limit = 50
    cursor: Cursor | None = None


class EndpointQuestion(Question, frozen=True, kw_only=True):
    endpoint_id: EndpointId
    hours: Hours = 24


class PauseEndpoint(Command, frozen=True, kw_only=True):
    """Who pauses, and why."""

    endpoint_id: EndpointId
    actor_id: ActorId
    reason: Reason


class ResumeEndpoint(Command, frozen=True, kw_only=True):
    """Who resumes."""

    endpoint_id: EndpointId
    actor_id: ActorId


class SendTrial(Command, frozen=True, kw_only=True):
    """A webhook as the action would send it, marked as a trial: at once, and once. `item` need not
    exist. `config_revision`: the organisation's, under which the action was looked up."""

    action_id: GivenId
    trial_id: UUID
    item: ItemRef
    config_revision: int
    parameters: dict[str, Any] = {}  # noqa: RUF012 - a Struct copies it
    actor_email: str | None = None


class UserStrikesQuestion(Question, frozen=True, kw_only=True):
    """Whose strikes."""

    type_id: GivenId
    user_id: GivenId
    limit: Limit = 50
    cursor: Cursor | None = None


class StrikeDistributionQuestion(Question, frozen=True, kw_only=True):
    pass


class ThresholdActionsQuestion(Question, frozen=True, kw_only=True):
    limit: Limit = 50
    cursor: Cursor | None = None


# What is answered.


class RecordsQuestion(Question, frozen=True, kw_only=True):
    """How much there is of the organisation."""


class RemoveRecords(Command, frozen=True, kw_only=True):
    """All that there is of the organisation, which is suspended, shall go: its operator said so."""


class EraseUser(Command, frozen=True, kw_only=True):
    """A user was erased: what was asked for about them, and about these `items` of theirs, until
    that moment, is emptied; their strikes are held against who stands in for them."""

    erased: ErasedUser
    items: Annotated[tuple[ItemRef, ...], Meta(max_length=MAX_PAGE)] = ()


class RecordsSummary(Answer, frozen=True, kw_only=True):
    """Rows by table."""

    tables: dict[str, int]


class RecordsRemoved(Answer, frozen=True, kw_only=True):
    """Rows that were removed by this call, by table; `more`: ask again."""

    tables: dict[str, int]
    more: bool


class UserErased(Answer, frozen=True, kw_only=True):
    """`requests` and `attempts` were emptied, `strikes` put under another name. `waiting` are on
    their way still: ask again when they have ended."""

    requests: int
    attempts: int
    strikes: int
    waiting: int


class DeliverySummary(Answer, frozen=True, kw_only=True):
    """`waits_for` says why a pending delivery is not sent now: `RETRY` (its next attempt is at
    `next_attempt_at`), `ITEM` (an earlier one of its item), `ENDPOINT` (paused), `HELD` (our side:
    see `last_error`); None when it is under way or due. A callback has no action."""

    execution_id: str
    kind: DeliveryKind
    action_id: str | None
    item: ItemRef
    state: DeliveryState
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    waits_for: Literal["RETRY", "ITEM", "ENDPOINT", "HELD"] | None
    last_status: int | None
    last_error: str | None
    endpoint_id: str
    endpoint: str


class Deliveries(Answer, frozen=True, kw_only=True):
    """A page, the newest first."""

    items: tuple[DeliverySummary, ...]
    next_cursor: str | None


class DeliveryAttempt(Answer, frozen=True, kw_only=True):
    """`response`: the first 2 KB of the answer."""

    number: int
    started_at: datetime
    latency_ms: float
    status: int | None
    error: str | None
    response: str | None


class DeliveryDetail(DeliverySummary, frozen=True, kw_only=True):
    """`body` is what is sent, as text; None while it could not be made."""

    source: str
    rules: tuple[RuleRef, ...]
    policy_ids: tuple[str, ...]
    actor_id: str | None
    cause_id: str
    reverses: str | None
    body: str | None
    log: tuple[DeliveryAttempt, ...]


class Redelivered(Answer, frozen=True, kw_only=True):
    """`count` are sent again; `more`: the limit of one call was reached, ask again."""

    count: int
    more: bool


class RedeliveredOne(Answer, frozen=True, kw_only=True):
    execution_id: str


class EndpointHealth(Answer, frozen=True, kw_only=True):
    """`success_rate` (0 to 1) and latencies are of the last `hours`, None where nothing was sent;
    `waiting` and `dead` are counted up to a hundred thousand of the organisation. `action_ids` are
    the actions of its latest deliveries."""

    id: str
    name: str
    state: Literal["CLOSED", "OPEN", "HALF_OPEN", "PAUSED"]
    action_ids: tuple[str, ...]
    hours: int
    attempts: int
    delivered: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    waiting: int
    dead: int
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_status: int | None
    last_error: str | None
    open_until: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    created_at: datetime


class Endpoints(Answer, frozen=True, kw_only=True):
    """A page, the oldest first."""

    items: tuple[EndpointHealth, ...]
    next_cursor: str | None


class TrialHeader(Answer, frozen=True, kw_only=True):
    name: str
    value: str


class TrialSent(Answer, frozen=True, kw_only=True):
    """What came of a trial. `body` is what was sent, as text; `status`, `headers` and `response`
    (the first KB) are what was answered; `error` says why there is no answer, `refused` that this
    side did not ask."""

    trial_id: str
    endpoint: str
    body: str
    latency_ms: float
    status: int | None
    headers: tuple[TrialHeader, ...]
    response: str | None
    error: str | None
    refused: bool


class StrikeExecution(Answer, frozen=True, kw_only=True):
    execution_id: str
    action_id: str
    policy_id: str
    weight: int
    reversed_at: datetime | None


class UserStrike(Answer, frozen=True, kw_only=True):
    """What one cause holds against a user. `executions` are those of the cause, the heaviest first,
    not more than fifty."""

    strike_id: str
    cause_id: str
    policy_id: str
    weight: int
    state: Literal["LIVE", "EXPIRED", "REVERSED"]
    struck_at: datetime
    expires_at: datetime
    executions: tuple[StrikeExecution, ...]


class UserStrikes(Answer, frozen=True, kw_only=True):
    """A page, the newest first. `total` is the sum of the live strikes, all pages together."""

    total: int
    next_expiry_at: datetime | None
    items: tuple[UserStrike, ...]
    next_cursor: str | None


class StrikeBucket(Answer, frozen=True, kw_only=True):
    """So many users have so many strikes."""

    strikes: int
    users: int


class StrikeDistribution(Answer, frozen=True, kw_only=True):
    items: tuple[StrikeBucket, ...]


class ThresholdAction(Answer, frozen=True, kw_only=True):
    """A user reached a threshold: what was done, and when they fell below it again, if so."""

    crossing_id: str
    user: ItemRef
    threshold: int
    total: int
    cause_id: str
    executions: tuple[RequestedExecution, ...]
    crossed_at: datetime
    fell_at: datetime | None


class ThresholdActions(Answer, frozen=True, kw_only=True):
    """A page, the newest first."""

    items: tuple[ThresholdAction, ...]
    next_cursor: str | None


# The calls.

COUNT_RECORDS = Call("GET", "records", RecordsQuestion, RecordsSummary)
REMOVE_RECORDS = Call("POST", "records/remove", RemoveRecords, RecordsRemoved)
ERASE_USER = Call("POST", "records/erase", EraseUser, UserErased)
LIST_DELIVERIES = Call("GET", "deliveries", DeliveriesQuestion, Deliveries)
GET_DELIVERY = Call("GET", "deliveries/{executionId}", DeliveryQuestion, DeliveryDetail)
REDELIVER_DEAD = Call("POST", "deliveries/redeliver", RedeliverDead, Redelivered)
REDELIVER_ONE = Call(
    "POST", "deliveries/{executionId}/redeliver", RedeliverOne, RedeliveredOne, status=202
)
LIST_ENDPOINTS = Call("GET", "endpoints", EndpointsQuestion, Endpoints)
GET_ENDPOINT = Call("GET", "endpoints/{endpointId}", EndpointQuestion, EndpointHealth)
PAUSE_ENDPOINT = Call("POST", "endpoints/{endpointId}/pause", PauseEndpoint, EndpointHealth)
RESUME_ENDPOINT = Call("POST", "endpoints/{endpointId}/resume", ResumeEndpoint, EndpointHealth)
SEND_TRIAL = Call("POST", "actions/{actionId}/trials", SendTrial, TrialSent)
LIST_USER_STRIKES = Call("GET", "strikes", UserStrikesQuestion, UserStrikes)
GET_STRIKE_DISTRIBUTION = Call(
    "GET", "strikes/distribution", StrikeDistributionQuestion, StrikeDistribution
)
LIST_THRESHOLD_ACTIONS = Call(
    "GET", "strikes/threshold-actions", ThresholdActionsQuestion, ThresholdActions
)

CALLS: Final[Mapping[str, Call[Any, Any]]] = {
    "listDeliveries": LIST_DELIVERIES,
    "getDelivery": GET_DELIVERY,
    "redeliverDead": REDELIVER_DEAD,
    "redeliverOne": REDELIVER_ONE,
    "listEndpoints": LIST_ENDPOINTS,
    "getEndpoint": GET_ENDPOINT,
    "pauseEndpoint": PAUSE_ENDPOINT,
    "resumeEndpoint": RESUME_ENDPOINT,
    "sendTrial": SEND_TRIAL,
    "listUserStrikes": LIST_USER_STRIKES,
    "getStrikeDistribution": GET_STRIKE_DISTRIBUTION,
    "listThresholdActions": LIST_THRESHOLD_ACTIONS,
    "countRecords": COUNT_RECORDS,
    "removeRecords": REMOVE_RECORDS,
    "eraseUser": ERASE_USER,
}
