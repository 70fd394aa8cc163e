"""Every event on the log, as frozen msgspec structs.

Guarantees: an event says what happened and never changes meaning; fields are only added, with
defaults (the contract tests hold old readers to new bytes and new readers to old bytes).
Must not: carry secrets in clear text, or anything only one service understands.

`time` is when the event was made (UTC). `correlation_id` is the submission or decision that began
it all; `causation_id` the id of the event that led directly to this one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Raw, Struct


def _first_version() -> int:
    # A factory, because a plain default would be omitted from the wire, and an event without its
    # version would change its meaning on the day that the default rises.
    return 1


class Event(Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What every event carries. `schema_version` rises when a field is added."""

    event_id: str
    org_id: str
    time: datetime
    correlation_id: str
    causation_id: str | None = None
    schema_version: int = msgspec.field(default_factory=_first_version)


class ItemRef(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An item or user of the platform: its id within its item type."""

    id: str
    type_id: str


class SubmittedItem(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An item as accepted: coerced data under a known version of its item type.

    `data` is a JSON object; `type_version` the item type's version (a UTC timestamp). Where its
    maker was `erased`, or its job closed too long ago, it is empty.
    """

    id: str
    type_id: str
    type_version: str
    data: Raw
    schema_variant: Literal["original", "partial"] = "original"
    creator: ItemRef | None = None
    submission_id: str | None = None
    erased: bool = False


class RuleRef(Struct, frozen=True, rename="camel"):
    """A rule as it was: `revision` is that of its last change."""

    id: str
    name: str
    revision: int


class ItemSubmitted(Event, frozen=True, kw_only=True, tag="item-submitted", omit_defaults=True):
    """One item was accepted: one unit of evaluation. `reply_to` is the address of the process of
    ingest in which a request waits for what the rules say; none for nearly all."""

    topic: ClassVar[str] = "coop.items.v1"
    submission_id: str
    item: SubmittedItem
    request_id: str
    config_revision: int
    awaits_media: bool = False
    reply_to: str | None = None


class ReportReason(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    policy_id: str | None = None
    reason: str | None = None
    csam: bool = False


class ReportSubmitted(Event, frozen=True, kw_only=True, tag="report-submitted", omit_defaults=True):
    """A user of the platform reported an item."""

    topic: ClassVar[str] = "coop.reports.v1"
    report_id: str
    reporter: ItemRef
    reported_at: datetime
    item: SubmittedItem
    config_revision: int
    reason: ReportReason | None = None
    thread_items: tuple[SubmittedItem, ...] = ()
    reported_in_thread: tuple[ItemRef, ...] = ()
    additional_items: tuple[SubmittedItem, ...] = ()
    awaits_media: bool = False


class AppealSubmitted(Event, frozen=True, kw_only=True, tag="appeal-submitted", omit_defaults=True):
    """A user of the platform appealed against actions taken on an item."""

    topic: ClassVar[str] = "coop.appeals.v1"
    appeal_id: str
    appealed_by: ItemRef
    appealed_at: datetime
    item: SubmittedItem
    actions_taken: tuple[str, ...]
    config_revision: int
    appeal_reason: str | None = None
    violating_policies: tuple[str, ...] = ()
    additional_items: tuple[SubmittedItem, ...] = ()


Outcome = Literal["PASSED", "FAILED", "INAPPLICABLE", "ERRORED", "SKIPPED"]
"""Three-valued logic: PASSED is true, FAILED and INAPPLICABLE false, ERRORED unknown."""


class ConditionResult(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The outcome of one distinct condition, shared by all rules that contain it."""

    condition: str  # stable hash of the condition's meaning, 16 hex characters
    outcome: Outcome
    score: float | bool | str | None = None
    matched_value: str | None = None
    error: str | None = None


class RuleOutcome(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    rule: RuleRef
    status: Literal["LIVE", "BACKGROUND"]
    passed: bool | None  # None: unknown, because a condition errored; counts as not passing
    conditions: tuple[int, ...] = ()  # indexes into RulesEvaluated.conditions


class RequestedExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    execution_id: str
    action_id: str


Lane = Literal["FAST", "MEDIA", "SLOW"]
"""FAST rules need only the item and what is at hand, MEDIA rules the hashes of its media, SLOW
rules a remote model."""


class SignalValue(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One value that rules took from outside the item: with it the evaluation can be done again.

    `key` is the need's stable id (16 hex characters), `position` that of the input value within the
    need's input (0 where there is one). `error` says why there is no score.
    """

    key: str
    signal: str
    position: int = 0
    score: float | bool | str | None = None
    matched_value: str | None = None
    error: str | None = None


class EvaluationDeferred(
    Event, frozen=True, kw_only=True, tag="evaluation-deferred", omit_defaults=True
):
    """The rules of a lane could not be decided on what is at hand: to be evaluated there, with the
    values that are known already.

    `submitted_at` is the submission's time (absent: the event's): expiry, days and windows are
    judged by it. With `awaits_media` the values of the item's media are awaited first; where they
    were looked at again, `media_since` is when, and what was said before does not count. `reply_to`
    is the submission's.
    """

    topic: ClassVar[str] = "coop.slow-evaluations.v1"
    submission_id: str
    item: SubmittedItem
    lane: Lane
    config_revision: int
    signals: tuple[SignalValue, ...] = ()
    submitted_at: datetime | None = None
    awaits_media: bool = False
    reply_to: str | None = None
    media_since: datetime | None = None


class MatchedBank(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A bank that has a medium: by which `algorithm`, how far off in bits (0 for one that is the
    same or nothing), by which of its entries, nearest first, ten at most. `known_good`: the bank
    says that it is harmless, and no rule passes by it."""

    bank_id: str
    distance: int | None = None
    signal_ids: tuple[str, ...] = ()
    algorithm: str = "pdq"
    known_good: bool = False


class MediaSignal(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is known of one medium: its hashes by algorithm and the hash banks that have them, or
    `error`: why not.

    `item` is whose it is, absent for the submission's own. `hashes` are `pdq` (and `pdq_upright`,
    where the file says that it is turned), `video_md5`, and of every file `md5` and `sha256`.
    `quality` is that of a picture's PDQ, 0 to 100; `size` is in bytes; `kind` and `media_type` are
    by the file's first bytes.
    """

    url: str
    field: str
    hashes: dict[str, str] = {}
    matched_banks: tuple[MatchedBank, ...] = ()
    error: str | None = None
    item: ItemRef | None = None
    kind: Literal["IMAGE", "VIDEO", "AUDIO"] | None = None
    quality: int | None = None
    size: int | None = None
    media_type: str | None = None


class MediaSignals(Event, frozen=True, kw_only=True, tag="media-signals", omit_defaults=True):
    """The media of one submission (or report) were hashed and matched, or could not be."""

    topic: ClassVar[str] = "coop.media-signals.v1"
    submission_id: str
    item: ItemRef
    media: tuple[MediaSignal, ...]


class RulesEvaluated(Event, frozen=True, kw_only=True, tag="rules-evaluated", omit_defaults=True):
    """The rules of an item's type and lane were evaluated on one submission, under one revision.

    `rules` are those that passed or could not be decided, each with all its conditions; every other
    rule of that revision and lane did not pass. Where `sampled`, all rules are there. `signals` are
    the values from outside, `limited` the rules that passed and did not act, because of their daily
    limit or their blast radius. `submitted_at` is the submission's time.
    """

    topic: ClassVar[str] = "coop.rule-results.v1"
    submission_id: str
    item: ItemRef
    config_revision: int
    rules: tuple[RuleOutcome, ...] = ()
    conditions: tuple[ConditionResult, ...] = ()
    executions: tuple[RequestedExecution, ...] = ()
    lane: Lane = "FAST"
    signals: tuple[SignalValue, ...] = ()
    sampled: bool = False
    limited: tuple[str, ...] = ()
    type_version: str | None = None
    creator: ItemRef | None = None
    submitted_at: datetime | None = None


class RuleTripped(Event, frozen=True, kw_only=True, tag="rule-tripped", omit_defaults=True):
    """A rule acted more than its ceiling allows: it does not act again until people say so.

    `count` actions, or distinct users, within `window` seconds, where `limit` are allowed.
    """

    topic: ClassVar[str] = "coop.rule-alarms.v1"
    rule: RuleRef
    measure: Literal["ACTIONS", "USERS"]
    limit: int
    count: int
    window: int


Source = Literal[
    "REPORT",
    "RULE_EXECUTION",
    "POST_ACTIONS",
    "MRT_JOB",
    "APPEAL",
    "BULK_ACTION",
    "STRIKE_THRESHOLD",
    "RETROACTION",
    "REVERSAL",
]


class ReviewRequested(Event, frozen=True, kw_only=True, tag="review-requested", omit_defaults=True):
    """Someone other than a reporter wants people to look at an item: a rule, an action, a move.

    `entry_id` is unique per cause and item: a replay places nothing twice. `queue_id` is set when
    the sender chose the queue (a move); otherwise routing rules choose. `actor_id` is the person
    who asked, where one did. A job of kind NCMEC is about a user and goes to the queue that the
    organisation chose for them; `related_items` are what it, or a job about an item's author, came
    from, `from_job_id` the job that was escalated.
    """

    topic: ClassVar[str] = "coop.review-requests.v1"
    entry_id: str
    item: SubmittedItem
    source: Source
    config_revision: int
    rules: tuple[RuleRef, ...] = ()
    policy_ids: tuple[str, ...] = ()
    queue_id: str | None = None
    note: str | None = None
    job_kind: Literal["DEFAULT", "NCMEC"] = "DEFAULT"
    related_items: tuple[SubmittedItem, ...] = ()
    actor_id: str | None = None
    from_job_id: str | None = None


class ReportEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A report in a job. `item` is what was reported where the job is about somebody else: its
    author."""

    report_id: str
    reported_at: datetime
    reporter: ItemRef | None = None
    reason: str | None = None
    policy_id: str | None = None
    item: ItemRef | None = None


class ActionRequested(Event, frozen=True, kw_only=True, tag="action-requested", omit_defaults=True):
    """An action shall happen on an item or user. The execution id makes it happen once.

    `cause_id` is the submission, decision, crossing or bulk job that the execution id was made of
    (absent: the correlation id): one cause gives a user one strike. `reverses` is the execution
    that this one takes back, its strike with it.
    """

    topic: ClassVar[str] = "coop.action-requests.v1"
    execution_id: str
    action_id: str
    item: ItemRef
    source: Source
    config_revision: int
    creator: ItemRef | None = None
    rules: tuple[RuleRef, ...] = ()
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    actor_id: str | None = None
    actor_email: str | None = None
    actor_note: str | None = None
    decision_reason: str | None = None
    report_history: tuple[ReportEntry, ...] | None = None
    cause_id: str | None = None
    reverses: str | None = None
    bulk_id: str | None = None


class ActionOrdered(Event, frozen=True, kw_only=True, tag="action-ordered", omit_defaults=True):
    """The platform asks for one of its actions on an item of which it sends the id alone.

    Whose the item is, what it says and who `actor_id` is, is looked up by who carries the order
    out: an ActionRequested, or a ReviewRequested where the action is built in, under the same
    `execution_id`.
    """

    topic: ClassVar[str] = "coop.action-orders.v1"
    execution_id: str
    action_id: str
    item: ItemRef
    config_revision: int
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    actor_id: str | None = None
    note: str | None = None


class EffectsReversed(Event, frozen=True, kw_only=True, tag="effects-reversed", omit_defaults=True):
    """An execution was taken back: its strike no longer counts. Whether the platform is told is the
    matter of a reverse action, requested by itself."""

    topic: ClassVar[str] = "coop.reversals.v1"
    execution_id: str
    item: ItemRef
    actor_id: str | None = None
    reason: str | None = None


class StrikesChanged(Event, frozen=True, kw_only=True, tag="strikes-changed", omit_defaults=True):
    """A user's live strikes are now `total`; `delta` is what this cause changed. `crossed` are the
    thresholds that it newly reached."""

    topic: ClassVar[str] = "coop.strikes.v1"
    user: ItemRef
    cause_id: str
    delta: int
    total: int
    policy_id: str | None = None
    crossed: tuple[int, ...] = ()


class EndpointChanged(Event, frozen=True, kw_only=True, tag="endpoint-changed", omit_defaults=True):
    """A platform's endpoint was paused because it failed for too long or said that it is gone, or
    was resumed."""

    topic: ClassVar[str] = "coop.endpoint-alarms.v1"
    endpoint: str
    state: Literal["PAUSED", "RESUMED"]
    reason: str
    failing_since: datetime | None = None
    waiting: int = 0


class ActionDelivered(Event, frozen=True, kw_only=True, tag="action-delivered", omit_defaults=True):
    """A delivery reached an end: the platform took it, or the schedule of attempts ran out."""

    topic: ClassVar[str] = "coop.action-results.v1"
    execution_id: str
    action_id: str
    item: ItemRef
    state: Literal["DELIVERED", "DEAD"]
    attempts: int
    status: int | None = None  # HTTP status of the last attempt
    error: str | None = None


MediumClass = Literal["A1", "A2", "B1", "B2"]
FileAnnotation = Literal[
    "ANIME_DRAWING_VIRTUAL_HENTAI",
    "POTENTIAL_MEME",
    "VIRAL",
    "POSSIBLE_SELF_PRODUCTION",
    "PHYSICAL_HARM",
    "VIOLENCE_GORE",
    "BESTIALITY",
    "LIVE_STREAMING",
    "INFANT",
    "GENERATIVE_AI",
]
ReportAnnotation = Literal[
    "SEXTORTION",
    "CSAM_SOLICITATION",
    "MINOR_TO_MINOR_INTERACTION",
    "SPAM",
    "SADISTIC_ONLINE_EXPLOITATION",
]
IncidentType = Literal[
    "CHILD_PORNOGRAPHY",
    "CHILD_SEX_TRAFFICKING",
    "CHILD_SEX_TOURISM",
    "CHILD_SEXUAL_MOLESTATION",
    "MISLEADING_DOMAIN_NAME",
    "MISLEADING_WORDS_OR_IMAGES",
    "ONLINE_ENTICEMENT",
    "UNSOLICITED_OBSCENE_MATERIAL",
]

ComponentType = Literal[
    "IGNORE",
    "CUSTOM_ACTION",
    "RELATED_ACTION",
    "MOVE",
    "ESCALATE_TO_NCMEC",
    "ACCEPT_APPEAL",
    "REJECT_APPEAL",
    "AUTOMATIC_CLOSE",
    "CLOSE",
    "SUBMIT_NCMEC_REPORT",
]

CloseReason = Literal[
    "ITEM_DELETED_BEFORE_REVIEW", "USER_ACTIONED", "REPORTS_INVALIDATED", "QUEUE_EMPTIED"
]


class DecisionComponent(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One part of a decision. RELATED_ACTION acts on `items` instead of the job's. `appeal_ids` are
    the appeals that are accepted or rejected. AUTOMATIC_CLOSE: the job was closed by itself; CLOSE:
    by a person, who did not judge the item. `close_reason` says why. SUBMIT_NCMEC_REPORT: what is
    reported is the matter of a CybertipRequested, and of who may see it.
    """

    type: ComponentType
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    queue_id: str | None = None
    items: tuple[ItemRef, ...] = ()
    appeal_ids: tuple[str, ...] = ()
    close_reason: CloseReason | None = None


class DecisionMade(Event, frozen=True, kw_only=True, tag="decision-made", omit_defaults=True):
    """A review job was decided: by a person, or, with `automatic`, by the settings of its queue
    (the reviewer is then `system`). `appeal_of` is the decision that was appealed against."""

    topic: ClassVar[str] = "coop.review-decisions.v1"
    decision_id: str
    job_id: str
    queue_id: str
    item: ItemRef
    reviewer_id: str
    components: tuple[DecisionComponent, ...]
    config_revision: int
    reason: str | None = None
    automatic: bool = False
    appeal_of: str | None = None


class ReportedMedium(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A medium of a report to NCMEC. Only a REPORTED one is classified: A prepubescent, B
    pubescent; 1 sex act, 2 lascivious exhibition. `viewed`: a reviewer saw the whole original, by
    the log of reveals; `exif_viewed`: and what the file says of itself. `submitted_at` is when the
    platform sent its item, `uploaded_at` when the user did, if that is known; `page_url` where it
    was seen. `hashes` by kind."""

    item: ItemRef
    field: str
    url: str
    classification: MediumClass | None = None
    annotations: tuple[FileAnnotation, ...] = ()
    relevance: Literal["REPORTED", "SUPPLEMENTAL"] = "REPORTED"
    viewed: bool = False
    exif_viewed: bool = False
    submitted_at: datetime | None = None
    uploaded_at: datetime | None = None
    publicly_available: bool | None = None
    ip_address: str | None = None
    hashes: dict[str, str] = {}
    page_url: str | None = None


class ReportedMessage(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A message of a reported thread, as it was sent."""

    item: ItemRef
    text: str
    sent_at: datetime | None = None
    sender: ItemRef | None = None
    recipient: ItemRef | None = None
    ip_address: str | None = None


class ReportedThread(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Messages of one thread that are part of a report."""

    thread: ItemRef
    messages: tuple[ReportedMessage, ...]


class ReportedUser(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A user in a report: the suspect, a victim, a recipient. What is not known is left out."""

    user: ItemRef
    display_names: tuple[str, ...] = ()
    screen_name: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    age: int | None = None
    date_of_birth: str | None = None
    profile_url: str | None = None
    profile_bio: str | None = None
    ip_address: str | None = None
    group: str | None = None
    compromised: bool | None = None
    disabled: Literal["PERMANENTLY", "TEMPORARILY"] | None = None
    disabled_at: datetime | None = None
    notes: str | None = None


class CybertipRequested(
    Event, frozen=True, kw_only=True, tag="cybertip-requested", omit_defaults=True
):
    """A person decided that a user is reported to NCMEC. The id is made of the decision: a report
    is filed once. `environment` is the one that was shown to the person; nothing raises it.
    `high_priority` is a reason. `further`: it was confirmed although the user was reported
    before."""

    topic: ClassVar[str] = "coop.cybertips.v1"
    cybertip_id: str
    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    environment: Literal["TEST", "PRODUCTION"]
    incident: IncidentType
    user: ReportedUser
    decided_at: datetime
    config_revision: int
    media: tuple[ReportedMedium, ...] = ()
    threads: tuple[ReportedThread, ...] = ()
    victims: tuple[ReportedUser, ...] = ()
    recipients: tuple[ReportedUser, ...] = ()
    annotations: tuple[ReportAnnotation, ...] = ()
    high_priority: str | None = None
    additional_info: str | None = None
    further: bool = False


CybertipState = Literal["FILED", "NEEDS_ATTENTION", "DONE"]


class CybertipProgressed(
    Event, frozen=True, kw_only=True, tag="cybertip-progressed", omit_defaults=True
):
    """A report to NCMEC was filed under NCMEC's number `report_id`, cannot go on without a person,
    or is done: the platform was told to preserve what it has. `missing` are media that were gone
    before they could be kept. `fault` says why, for people; it quotes nothing of the report."""

    topic: ClassVar[str] = "coop.cybertip-results.v1"
    cybertip_id: str
    decision_id: str
    job_id: str
    user: ItemRef
    state: CybertipState
    environment: Literal["TEST", "PRODUCTION"]
    report_id: str | None = None
    filed_at: datetime | None = None
    files: int = 0
    missing: int = 0
    code: int | None = None
    fault: str | None = None


class CybertipSecured(Event, frozen=True, kw_only=True, tag="cybertip-secured", omit_defaults=True):
    """Every medium of a report to NCMEC lies in the evidence store, or, as many as are `missing`,
    is known to be gone: what else was decided with it may reach the platform."""

    topic: ClassVar[str] = "coop.cybertip-evidence.v1"
    cybertip_id: str
    decision_id: str
    job_id: str
    user: ItemRef
    files: int = 0
    missing: int = 0


class CallbackRequested(
    Event, frozen=True, kw_only=True, tag="callback-requested", omit_defaults=True
):
    """The platform shall be told of a decision that takes no action: that a job was ignored, or
    what became of an appeal. The callback id makes it happen once. `body` is the webhook's, without
    what the organisation's settings add; address and headers are theirs, too."""

    topic: ClassVar[str] = "coop.callbacks.v1"
    callback_id: str
    callback: Literal["IGNORE", "APPEAL_DECISION"]
    item: ItemRef
    decision_id: str
    config_revision: int
    body: Raw


class PastDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """A configuration document as it was from `revision` on, until the next revision of its id."""

    kind: str
    id: str
    revision: int
    document: Raw


class BacktestRequested(
    Event, frozen=True, kw_only=True, tag="backtest-requested", omit_defaults=True
):
    """A rule shall be evaluated on past items, those submitted from `start` until `end`.

    `rule` is the rule document to try, saved or not. `values` says whose configuration and recorded
    signal values are used: those of the time, or today's. With `acts` (a retroaction) its actions
    are requested, at most `rate` submissions a second. `cancelled` takes an earlier request back.
    `past` are earlier states of the banks that the rule matches, with their chunks. Whoever begins
    it knows the configuration of `config_revision`, at least. `labelled` are items that people
    decided, on each of which the result says what the rule says.
    """

    topic: ClassVar[str] = "coop.backtests.v1"
    backtest_id: str
    rule: Raw
    start: datetime
    end: datetime
    values: Literal["RECORDED", "TODAY"] = "TODAY"
    acts: bool = False
    rate: float | None = None
    cancelled: bool = False
    actor_id: str | None = None
    past: tuple[PastDocument, ...] = ()
    config_revision: int = 0
    labelled: tuple[ItemRef, ...] = ()


class BacktestSample(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    submission_id: str
    item: ItemRef
    time: datetime
    passed: bool | None
    live: bool | None  # whether the live rule of the same id passed then; None: not known
    conditions: tuple[ConditionResult, ...] = ()


class BacktestProgressed(
    Event, frozen=True, kw_only=True, tag="backtest-progressed", omit_defaults=True
):
    """How far a backtest is. Counts are from its beginning; samples are the new ones. `unknown` are
    items on which the rule could not be decided, `unavailable` why, by signal; `skipped` those that
    cannot be read. `data_from` is set where the log no longer reaches back to the start: it holds
    every item from then on. `position` says where to go on after a restart: the next offset of the
    items topic by partition. `judged` has a letter for each of the request's `labelled` items, in
    their order: P the rule passes on one of its submissions, U it could not be decided, F it fails,
    - no submission of it was read so far."""

    topic: ClassVar[str] = "coop.backtest-results.v1"
    backtest_id: str
    state: Literal["RUNNING", "COMPLETE", "CANCELLED", "FAILED"]
    scanned: int
    evaluated: int
    passed: int
    unknown: int = 0
    newly_passing: int = 0
    no_longer_passing: int = 0
    acted: int = 0
    progress: float = 0.0
    samples: tuple[BacktestSample, ...] = ()
    unavailable: dict[str, int] = {}
    error: str | None = None
    skipped: int = 0
    data_from: datetime | None = None
    position: dict[str, int] = {}
    judged: str = ""


class ConfigChanged(Event, frozen=True, kw_only=True, tag="config-changed", omit_defaults=True):
    """One configuration document has a new version, or is gone (`document` is null).

    The topic is compacted by org/kind/id, so it always holds the whole current configuration.
    """

    topic: ClassVar[str] = "coop.config.v1"
    revision: int
    kind: str
    id: str
    document: Raw
    author: str = "system"


EVENT_TYPES: tuple[type[Event], ...] = (
    ItemSubmitted,
    ReportSubmitted,
    AppealSubmitted,
    EvaluationDeferred,
    MediaSignals,
    RulesEvaluated,
    RuleTripped,
    ReviewRequested,
    ActionOrdered,
    ActionRequested,
    EffectsReversed,
    StrikesChanged,
    EndpointChanged,
    ActionDelivered,
    DecisionMade,
    CybertipRequested,
    CybertipProgressed,
    CybertipSecured,
    CallbackRequested,
    BacktestRequested,
    BacktestProgressed,
    ConfigChanged,
)

_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """The event's bytes on the wire: one JSON object."""
    return _encoder.encode(event)
