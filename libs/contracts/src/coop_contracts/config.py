"""The documents an organisation's configuration is made of.

Each is versioned: review-api appends every change to the configuration log, the compacted config
topic carries it to every service. Field names and enumerations are Coop's, so that its exports read
as they are. Secrets inside documents are ciphertext (`coop_runtime.secret.vault`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from coop_contracts.permission import Permission


class Document(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A configuration document: unique by organisation, kind and id."""

    id: str


class ScalarType(StrEnum):
    USER_ID = "USER_ID"
    ID = "ID"
    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    NUMBER = "NUMBER"
    AUDIO = "AUDIO"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    DATETIME = "DATETIME"
    GEOHASH = "GEOHASH"
    RELATED_ITEM = "RELATED_ITEM"
    URL = "URL"
    POLICY_ID = "POLICY_ID"
    IP_ADDRESS = "IP_ADDRESS"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    MEDIA = "MEDIA"


ContainerType = Literal["ARRAY", "MAP"]
# msgspec decodes no union of an enumeration and a literal; values compare equal to both.
FieldType = Annotated[str, Meta(pattern=f"^({'|'.join([*ScalarType, 'ARRAY', 'MAP'])})$")]
ItemKind = Literal["CONTENT", "USER", "THREAD"]


class Container(Struct, frozen=True, kw_only=True, rename="camel"):
    container_type: ContainerType
    value_scalar_type: ScalarType
    key_scalar_type: ScalarType | None = None


class Field(Struct, frozen=True, kw_only=True, rename="camel"):
    """One field of an item type. `type` is a scalar type, or the container's type."""

    name: str
    type: FieldType
    required: bool = False
    container: Container | None = None


class FieldRoles(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Which field plays which role; each value is a field name."""

    creator_id: str | None = None
    thread_id: str | None = None
    parent_id: str | None = None
    created_at: str | None = None
    display_name: str | None = None
    is_deleted: str | None = None
    ip_address: str | None = None
    profile_icon: str | None = None
    background_image: str | None = None
    email: str | None = None


class ItemType(Document, frozen=True, kw_only=True):
    """`version` is the UTC time of the change, `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""

    name: str
    kind: ItemKind
    fields: tuple[Field, ...]
    version: str
    description: str = ""
    field_roles: FieldRoles = FieldRoles()
    hidden_fields: tuple[str, ...] = ()
    is_default_user_type: bool = False


class Policy(Document, frozen=True, kw_only=True):
    """`review_within_minutes` is a clock that the law sets: a job under this policy is to be
    decided so long after its first cause (1 h, 24 h, 48 h)."""

    name: str
    parent_id: str | None = None
    policy_text: str = ""
    enforcement_guidelines: str = ""
    policy_type: str | None = None
    user_strike_count: int = 1
    apply_strikes_to_sub_policies: bool = False
    penalty: Literal["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"] = "NONE"
    review_within_minutes: int | None = None


class ActionType(StrEnum):
    CUSTOM_ACTION = "CUSTOM_ACTION"
    ENQUEUE_TO_MRT = "ENQUEUE_TO_MRT"
    ENQUEUE_AUTHOR_TO_MRT = "ENQUEUE_AUTHOR_TO_MRT"
    ENQUEUE_TO_NCMEC = "ENQUEUE_TO_NCMEC"


class ParameterOption(Struct, frozen=True, kw_only=True, rename="camel"):
    value: str
    label: str


class ActionParameter(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str
    display_name: str
    type: Literal["STRING", "NUMBER", "BOOLEAN", "SELECT", "MULTISELECT"]
    description: str = ""
    required: bool = False
    options: tuple[ParameterOption, ...] = ()
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    default_value: Any = None


class Action(Document, frozen=True, kw_only=True):
    """What can be done to an item. Header values may be secrets, hence `callback_url_headers` is
    the ciphertext of a JSON object of strings, or null. `reverse_action_id` names the action that
    takes this one back."""

    name: str
    action_type: ActionType = ActionType.CUSTOM_ACTION
    description: str = ""
    item_type_ids: tuple[str, ...] = ()
    applies_to_all_items_of_kind: tuple[ItemKind, ...] = ()
    callback_url: str | None = None
    callback_url_headers: str | None = None
    callback_url_body: dict[str, Any] = {}
    parameters: tuple[ActionParameter, ...] = ()
    apply_user_strikes: bool = False
    penalty: str = "NONE"
    reverse_action_id: str | None = None


class RuleStatus(StrEnum):
    DRAFT = "DRAFT"
    BACKGROUND = "BACKGROUND"
    LIVE = "LIVE"
    DEPRECATED = "DEPRECATED"
    ARCHIVED = "ARCHIVED"


class Rule(Document, frozen=True, kw_only=True):
    """`condition_set` is Coop's condition JSON as it is (`coop_rules.language` reads and
    checks it).

    `action_parameters` are values by action id and parameter name. `max_daily_actions` is the
    number of submissions a UTC day on which the rule acts. `max_actions_per_minute` and
    `max_users_per_hour` are the ceilings of its blast radius (None: the organisation's).
    """

    name: str
    status: RuleStatus
    item_type_ids: tuple[str, ...]
    condition_set: dict[str, Any]
    description: str = ""
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    max_daily_actions: int | None = None
    expiration_time: datetime | None = None
    action_parameters: dict[str, dict[str, Any]] = {}
    max_actions_per_minute: int | None = None
    max_users_per_hour: int | None = None


class RoutingRule(Document, frozen=True, kw_only=True):
    """Routing rules are tried in order of `sequence_number`; the first that passes wins."""

    name: str
    sequence_number: int
    item_type_ids: tuple[str, ...]
    condition_set: dict[str, Any]
    destination_queue_id: str
    status: Literal["LIVE", "DRAFT"] = "LIVE"
    description: str = ""
    for_appeals: bool = False


class QueueOrder(StrEnum):
    """Which job of a queue is the next one."""

    OLDEST_FIRST = "OLDEST_FIRST"
    MOST_REPORTS = "MOST_REPORTS"
    WEIGHTED = "WEIGHTED"
    EARLIEST_DEADLINE = "EARLIEST_DEADLINE"


class QueueWeights(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a WEIGHTED queue puts forward: how many minutes of waiting a further report, a further
    reporter, and a step of severity (the penalty of the job's policies, 0 to 4) are worth."""

    report: float = 0.0
    reporter: float = 0.0
    severity: float = 0.0


class Queue(Document, frozen=True, kw_only=True):
    """Who edits queues sees all; of the others those review here whom `reviewer_ids` or, by their
    role, `reviewer_roles` name, and with `open_to_everyone` all who review. A document from before
    that field says by naming nobody that it is open to everyone.

    `target_minutes` is the service level: how long a job may wait for its decision. While
    `is_paused` jobs come in and none is handed out. `auto_close_jobs` closes those whose item was
    deleted. `clear_reports_*`: what becomes of the other pending jobs of a user when one of the
    trigger actions is decided here. `second_review_share` of its decisions, from 0 to 1, are
    reviewed again by another person who does not see the first decision; `golden_share` of what
    those people get are items whose right decision is known."""

    name: str
    description: str = ""
    is_default_queue: bool = False
    is_appeals_queue: bool = False
    hidden_action_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    reviewer_roles: tuple[str, ...] = ()
    open_to_everyone: bool | None = None
    order: QueueOrder = QueueOrder.OLDEST_FIRST
    weights: QueueWeights = QueueWeights()
    target_minutes: int | None = None
    is_paused: bool = False
    auto_close_jobs: bool = False
    clear_reports_disposition: Literal["AUTOMATIC_CLOSE", "IGNORE", "SAME_ACTION"] | None = None
    clear_reports_scope: Literal["CURRENT_QUEUE", "ALL_QUEUES"] = "CURRENT_QUEUE"
    clear_reports_trigger_action_ids: tuple[str, ...] = ()
    second_review_share: float = 0.0
    golden_share: float = 0.0

    def __post_init__(self) -> None:
        if self.open_to_everyone is None:
            force_setattr(self, "open_to_everyone", not (self.reviewer_ids or self.reviewer_roles))


class TextBank(Document, frozen=True, kw_only=True):
    """Its entries are `strings`, and then those of its chunks in their order: what is too large for
    one message is split. A chunk's id is made of its content, and chunks are published before the
    bank that names them, so a bank is never seen half changed."""

    name: str
    type: Literal["STRING", "REGEX"]
    strings: tuple[str, ...]
    description: str = ""
    chunk_ids: tuple[str, ...] = ()


class Point(Struct, frozen=True, kw_only=True, rename="camel"):
    """Degrees, WGS 84."""

    lat: float
    lng: float


class Bounds(Struct, frozen=True, kw_only=True, rename="camel"):
    northeast_corner: Point
    southwest_corner: Point


class Geometry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`radius` is in miles, as Coop's; None where the bounds say it all."""

    center: Point
    radius: float | None = None


class GooglePlace(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A place of Google Maps by its place id. `resolved_at`: when the provider said what its area
    is; `problem`: why the last question gave nothing."""

    id: str
    resolved_at: datetime | None = None
    problem: str = ""


class Location(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A circle, or a rectangle where `bounds` are given. With a `geohash`, geometry and bounds are
    those of its cell. With `google_place_info` they are the provider's; while they are not known,
    the geometry is a point without an area, which says nothing."""

    id: str
    geometry: Geometry
    name: str = ""
    bounds: Bounds | None = None
    geohash: str | None = None
    google_place_info: GooglePlace | None = None


class BankChunk(Document, frozen=True, kw_only=True):
    """A part of a text or location bank, with the id `<bank id>/<digest of the content>`."""

    bank_id: str
    strings: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()


class LocationBank(Document, frozen=True, kw_only=True):
    """Its locations are `locations`, and then those of its chunks (see `TextBank`)."""

    name: str
    locations: tuple[Location, ...]
    description: str = ""
    chunk_ids: tuple[str, ...] = ()


class HashBank(Document, frozen=True, kw_only=True):
    """A bank of media hashes; its contents live in the Hasher-Matcher-Actioner as `hma_name`. One
    that is `known_good` has what is harmless: no rule passes by it, and what is in it by its very
    hash is not taken for what other banks have nearly."""

    name: str
    hma_name: str
    description: str = ""
    enabled_ratio: float = 1.0
    known_good: bool = False


class Integration(Document, frozen=True, kw_only=True):
    """An organisation's account with a provider of signals. The id is the integration's (`OPEN_AI`,
    `GOOGLE_CONTENT_SAFETY_API`, `ZENTROPI`, or a plugin's); `credential` is the ciphertext of a
    JSON object of strings, `config` what is no secret."""

    credential: str | None = None
    config: dict[str, Any] = {}
    enabled: bool = True


class ApiScope(StrEnum):
    """What an API key may be used for."""

    ITEMS_WRITE = "items:write"
    ITEMS_READ = "items:read"
    REPORTS_WRITE = "reports:write"
    APPEALS_WRITE = "appeals:write"
    ACTIONS_WRITE = "actions:write"
    POLICIES_READ = "policies:read"


class ApiKey(Document, frozen=True, kw_only=True):
    """`key_hash` is the SHA-256 of the key, in hex; the key is shown once and never stored. With
    no `scopes` it may be used for everything. `replaced_by` is the key that a rotation made in its
    place; it is good until `expires_at`. `created_by`: who was shown it."""

    name: str
    key_hash: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    scopes: tuple[ApiScope, ...] = ()
    description: str = ""
    replaced_by: str | None = None
    created_by: str | None = None


class RoleDefinition(Document, frozen=True, kw_only=True):
    """A role of an organisation. The ids of the seven that it starts with are their names
    (`permission.Role`); without a document those hold their default permissions."""

    name: str
    permissions: tuple[Permission, ...]
    description: str = ""


class IdentityProvider(Document, frozen=True, kw_only=True):
    """Where an organisation's people sign in. SAML: `entity_id`, `sso_url` and the PEM
    `certificates` that sign its assertions. OIDC: `issuer`, `client_id`, and `client_secret` as
    ciphertext. `email_attribute` is the assertion's attribute (absent: its name identifier) or the
    claim that holds the e-mail address."""

    scheme: Literal["SAML", "OIDC"]
    name: str
    enabled: bool = True
    email_attribute: str | None = None
    entity_id: str | None = None
    sso_url: str | None = None
    certificates: tuple[str, ...] = ()
    metadata_url: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


class WebhookKey(Document, frozen=True, kw_only=True):
    """A key that signs webhooks. `secret` is ciphertext: a PKCS#8 PEM (RSA_SHA256) or a `whsec_`
    string (STANDARD_WEBHOOKS). The newest ACTIVE one signs; RETIRING ones still sign Standard
    Webhooks beside it during rotation."""

    scheme: Literal["RSA_SHA256", "STANDARD_WEBHOOKS"]
    secret: str
    created_at: datetime
    status: Literal["ACTIVE", "RETIRING", "REVOKED"] = "ACTIVE"
    public_key: str | None = None


class StrikeThreshold(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Reaching `threshold` strikes runs the actions, on the user."""

    threshold: int
    action_ids: tuple[str, ...]
    action_parameters: dict[str, dict[str, Any]] = {}


class Wellness(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How media are veiled. `blur_level` is from 0 (the thinnest veil) to 6; `veil_text` veils
    words too. A veil that was lifted comes back after `veil_after` seconds. A break is advised
    after so many graphic reveals, or minutes without a pause. 0: not at all."""

    mute_video: bool = True
    mute_audio: bool = True
    grayscale: bool = True
    sepia: bool = False
    blur_level: Annotated[int, Meta(ge=0, le=6)] = 4
    veil_text: bool = False
    veil_after: Annotated[int, Meta(ge=0, le=600)] = 20
    break_after_reveals: Annotated[int, Meta(ge=0, le=1000)] = 0
    break_after_minutes: Annotated[int, Meta(ge=0, le=480)] = 0


class OrgSettings(Document, frozen=True, kw_only=True):
    """One document per organisation, with the id `settings`.

    `undo_window` is in seconds; `bulk_confirmation_above` a number of items; `evaluation_sample`
    the share of evaluations without a match that are recorded whole, from 0 to 1. With
    `requires_single_sign_on` a password opens only the accounts that are marked for emergencies.
    `session_hours` and `session_idle_minutes` shorten what the operator allows. Versions of items
    are kept for `item_history_days`; 0: only of what something was done about, and profiles.
    What a closed job says is kept for `closed_job_days`; None: for ever. What people wrote into
    decisions and comments, and the items that something was done about, for `record_days`; None:
    for ever.
    `time_zone` is a name of the IANA database, in which days begin where nobody asks for another.
    `suspended_at` is the operator's word: since then nothing is accepted, nobody signs in, and
    nothing is delivered; what waits goes on when it is None again.
    A job is kept for somebody for `max_hold_hours` at most.
    A change by which a rule is expected to act on more than `rule_approval_above` items a day needs
    a second person; None: no change does.
    """

    name: str
    email: str | None = None
    has_reporting_rules_enabled: bool = False
    has_appeals_enabled: bool = False
    appeal_callback_url: str | None = None
    appeal_callback_headers: str | None = None  # ciphertext
    appeal_callback_body: dict[str, Any] = {}
    ignore_callback_url: str | None = None
    requires_policy_for_decisions: bool = False
    requires_decision_reason: bool = False
    requires_decision_reason_on_ignore: bool = False
    allow_multiple_policies_per_action: bool = True
    requests_per_second: int | None = None  # None: the operator's default
    ncmec_queue_id: str | None = None
    user_strike_ttl_days: int = 90
    user_strike_thresholds: tuple[StrikeThreshold, ...] = ()
    undo_window: float = 10.0
    max_hold_hours: int = 72
    bulk_confirmation_above: int = 100
    evaluation_sample: float = 0.01
    rule_max_actions_per_minute: int | None = None
    rule_max_users_per_hour: int | None = None
    rule_approval_above: int | None = None
    website_url: str | None = None
    on_call_alert_email: str | None = None
    is_demo_org: bool = False
    partial_items_endpoint: str | None = None
    partial_items_headers: str | None = None  # ciphertext
    ignore_callback_headers: str | None = None  # ciphertext
    hide_skip_button_for_non_admins: bool = False
    preview_jobs_view_enabled: bool = True
    default_wellness: Wellness = Wellness()
    requires_second_factor: bool = False
    requires_single_sign_on: bool = False
    session_hours: float | None = None
    session_idle_minutes: float | None = None
    item_history_days: int = 30
    closed_job_days: int | None = None
    record_days: int | None = None
    item_text_search: bool = False
    time_zone: str = "UTC"
    suspended_at: datetime | None = None


InternetDetail = Literal[
    "WEB_PAGE",
    "EMAIL",
    "NEWSGROUP",
    "CHAT_IM",
    "ONLINE_GAMING",
    "CELL_PHONE",
    "NON_INTERNET",
    "PEER_TO_PEER",
]


class LegalContact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whom law enforcement asks."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""


class NcmecSettings(Document, frozen=True, kw_only=True):
    """How an organisation reports to NCMEC; one document, with the id `settings`.

    `password` is ciphertext, and so are both headers. `company_report_name` is how the company is
    called in reports. Reports decided in one of `production_queue_ids` may be real ones, where the
    operator allows it; all others are tests. Enabled, it is complete: `missing` is empty.
    `minimum_media`: so many media are looked at before a report; None: all of them.
    """

    enabled: bool = False
    username: str = ""
    password: str | None = None
    company_report_name: str = ""
    legal_url: str = ""
    contact_email: str = ""
    terms_of_service: str = ""
    contact_person: LegalContact | None = None
    more_info_url: str = ""
    internet_detail: InternetDetail | None = None
    additional_info_endpoint: str | None = None
    additional_info_headers: str | None = None
    preservation_endpoint: str | None = None
    preservation_headers: str | None = None
    minimum_media: Annotated[int, Meta(ge=0, le=1000)] | None = None
    production_queue_ids: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """What has to be there before anything is filed, by the names of the wire."""
        needed = {
            "username": self.username,
            "password": self.password,
            "companyReportName": self.company_report_name,
            "legalUrl": self.legal_url,
            "contactEmail": self.contact_email,
        }
        return tuple(name for name, value in needed.items() if not value)


class LogHead(Document, frozen=True, kw_only=True):
    """Says that the config topic holds the configuration log up to here (org `_system`, id `head`).

    A service that has not seen it does not know whether the topic is whole, and is not ready.
    """

    published_at: datetime


SYSTEM_ORG = "_system"


class Kind(StrEnum):
    ITEM_TYPE = "item-type"
    ITEM_TYPE_VERSION = "item-type-version"  # id `<item type>@<version>`: kept for old submissions
    POLICY = "policy"
    ACTION = "action"
    RULE = "rule"
    ROUTING_RULE = "routing-rule"
    QUEUE = "queue"
    TEXT_BANK = "text-bank"
    LOCATION_BANK = "location-bank"
    HASH_BANK = "hash-bank"
    BANK_CHUNK = "bank-chunk"
    INTEGRATION = "integration"
    API_KEY = "api-key"
    WEBHOOK_KEY = "webhook-key"
    ROLE = "role"
    IDENTITY_PROVIDER = "identity-provider"
    SETTINGS = "settings"
    NCMEC_SETTINGS = "ncmec-settings"
    LOG_HEAD = "log-head"


DOCUMENT_TYPES: dict[Kind, type[Document]] = {
    Kind.ITEM_TYPE: ItemType,
    Kind.ITEM_TYPE_VERSION: ItemType,
    Kind.POLICY: Policy,
    Kind.ACTION: Action,
    Kind.RULE: Rule,
    Kind.ROUTING_RULE: RoutingRule,
    Kind.QUEUE: Queue,
    Kind.TEXT_BANK: TextBank,
    Kind.LOCATION_BANK: LocationBank,
    Kind.HASH_BANK: HashBank,
    Kind.BANK_CHUNK: BankChunk,
    Kind.INTEGRATION: Integration,
    Kind.API_KEY: ApiKey,
    Kind.WEBHOOK_KEY: WebhookKey,
    Kind.ROLE: RoleDefinition,
    Kind.IDENTITY_PROVIDER: IdentityProvider,
    Kind.SETTINGS: OrgSettings,
    Kind.NCMEC_SETTINGS: NcmecSettings,
    Kind.LOG_HEAD: LogHead,
}
