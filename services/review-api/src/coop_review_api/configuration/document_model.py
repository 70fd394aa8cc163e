"""Configuration documents on this API's wire: what comes in (`…Body`) and what goes out (`…View`).

Guarantees: bodies hold no field that a caller may not set (versions, hashes, built-in flags), and
ids of new documents alone;
views hold no secret, not even as ciphertext.
Must not: check what needs other documents; `configuration.check` does, under the lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, JsonValue

from coop_contracts.config import ActionType, ItemKind, Kind, RuleStatus, ScalarType
from coop_review_api.configuration.condition_shape import ConditionSetJson, SentConditionSet
from coop_review_api.http.body import Body, Model
from coop_review_api.http.person_view import PersonBeside

Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
Text255 = Annotated[str, Field(max_length=255)]
Text2000 = Annotated[str, Field(max_length=2000)]
LongText = Annotated[str, Field(max_length=50_000)]
Id = Annotated[str, Field(min_length=1, max_length=128)]
GivenId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Ids = Annotated[list[Id], Field(max_length=500)]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
Penalty = Literal["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"]


class UsedByView(Model):
    """A document that refers to this one."""

    kind: Kind
    id: str
    name: str


class Stamped(Model):
    """What every document's view has. `revision` is that of its last change: send it as
    If-Match. When and by whom it was made is null of past revisions, and of what nobody saved.
    `usedBy` are the first 50 documents that refer to it and that I may read, of `usedByCount`;
    both are null where they were not asked for."""

    id: str
    revision: int
    updated_at: datetime
    updated_by: str
    updated_by_person: PersonBeside = None
    created_at: datetime | None = None
    created_by: str | None = None
    created_by_person: PersonBeside = None
    used_by: list[UsedByView] | None = None
    used_by_count: int | None = None


class WarningView(Model):
    """What the author should know of a document, though it is saved; `pointer` is into it."""

    pointer: str
    reason: str


class DocumentBody(Body):
    """What every document's body has. `id`: of a new document, where the caller has one (whoever
    moves over keeps theirs); left out, one is made."""

    id: GivenId | None = None


class ContainerFields(Body):
    container_type: Literal["ARRAY", "MAP"]
    value_scalar_type: ScalarType
    key_scalar_type: ScalarType | None = None


class FieldFields(Body):
    name: Name
    type: ScalarType | Literal["ARRAY", "MAP"]
    required: bool = False
    container: ContainerFields | None = None


class FieldRolesFields(Body):
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


class ItemTypeBody(DocumentBody):
    """A kind of item, its fields and the roles they play."""

    name: Name
    kind: ItemKind
    fields: Annotated[list[FieldFields], Field(min_length=1, max_length=500)]
    description: Text255 = ""
    field_roles: FieldRolesFields = FieldRolesFields()
    hidden_fields: Annotated[list[str], Field(max_length=500)] = Field(default_factory=list)


class ItemTypeView(Stamped):
    name: str
    kind: ItemKind
    fields: list[FieldFields]
    description: str = ""
    field_roles: FieldRolesFields = FieldRolesFields()
    hidden_fields: list[str] = Field(default_factory=list)
    is_default_user_type: bool = False
    version: str


PolicyType = Literal[
    "HATE",
    "VIOLENCE",
    "HARRASSMENT",
    "SEXUAL_CONTENT",
    "SPAM",
    "DRUG_SALES",
    "WEAPON_SALES",
    "TERRORISM",
    "SEXUAL_EXPLOITATION",
    "SELF_HARM_AND_SUICIDE",
    "GROOMING",
    "PROFANITY",
    "PRIVACY",
    "FRAUD_AND_DECEPTION",
]


class PolicyBody(DocumentBody):
    """What is not allowed, in the organisation's words. `reviewWithinMinutes` is a clock that the
    law sets: so long after its first cause a job under this policy is to be decided."""

    name: Name
    parent_id: Id | None = None
    policy_text: LongText = ""
    enforcement_guidelines: LongText = ""
    policy_type: PolicyType | None = None
    user_strike_count: Annotated[int, Field(ge=0, le=1000)] = 1
    apply_strikes_to_sub_policies: bool = False
    penalty: Penalty = "NONE"
    review_within_minutes: int | None = None


class PolicyView(Stamped):
    name: str
    parent_id: str | None = None
    policy_text: str = ""
    enforcement_guidelines: str = ""
    policy_type: PolicyType | None = None
    user_strike_count: int = 1
    apply_strikes_to_sub_policies: bool = False
    penalty: Penalty = "NONE"
    review_within_minutes: int | None = None


class OptionFields(Body):
    value: str
    label: str


class ParameterFields(Body):
    name: str
    display_name: str
    type: Literal["STRING", "NUMBER", "BOOLEAN", "SELECT", "MULTISELECT"]
    description: str = ""
    required: bool = False
    options: list[OptionFields] = Field(default_factory=list)
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    default_value: JsonValue = None


class ActionBody(DocumentBody):
    """What the platform does to an item when Coop calls it.

    `callbackUrlHeaders` may hold secrets and is never returned. Leave it out to keep what is
    stored; a null value keeps that header's stored value; an empty object removes all.
    """

    name: Name
    action_type: Literal["CUSTOM_ACTION"] = "CUSTOM_ACTION"
    description: Text2000 = ""
    item_type_ids: Ids = Field(default_factory=list)
    applies_to_all_items_of_kind: Annotated[list[ItemKind], Field(max_length=3)] = Field(
        default_factory=list
    )
    callback_url: Url
    callback_url_headers: dict[str, str | None] | None = None
    callback_url_body: dict[str, JsonValue] = Field(default_factory=dict)
    parameters: list[ParameterFields] = Field(default_factory=list)
    apply_user_strikes: bool = False
    penalty: Penalty = "NONE"
    reverse_action_id: Id | None = None


class ActionView(Stamped):
    """Callback address, body and header names are null for those who may not manage actions."""

    name: str
    action_type: ActionType
    description: str = ""
    item_type_ids: list[str] = Field(default_factory=list)
    applies_to_all_items_of_kind: list[ItemKind] = Field(default_factory=list)
    callback_url: str | None = None
    callback_url_header_names: list[str] | None = None
    callback_url_body: dict[str, Any] | None = None
    parameters: list[ParameterFields] = Field(default_factory=list)
    apply_user_strikes: bool = False
    penalty: Penalty = "NONE"
    reverse_action_id: str | None = None


ParameterValues = dict[str, dict[str, JsonValue]]
Ceiling = Annotated[int, Field(ge=1, le=1_000_000_000)]


class RuleBody(DocumentBody):
    """A condition, and what follows when it is true. `conditionSet` is Coop's condition JSON,
    `actionParameters` are values by action id, then by parameter name. `maxDailyActions` limits the
    submissions on which the rule acts on a UTC day; beyond `maxActionsPerMinute` or
    `maxUsersPerHour` (null: the organisation's) it stops until somebody says otherwise."""

    name: Name
    status: RuleStatus
    item_type_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]
    condition_set: SentConditionSet
    description: Text2000 = ""
    action_ids: Ids = Field(default_factory=list)
    policy_ids: Ids = Field(default_factory=list)
    tags: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    max_daily_actions: Ceiling | None = None
    expiration_time: AwareDatetime | None = None
    action_parameters: ParameterValues = Field(default_factory=dict)
    max_actions_per_minute: Ceiling | None = None
    max_users_per_hour: Ceiling | None = None


class RuleCostView(Model):
    """Milliseconds of processor time an item of the type, the mean over the `items` that came last:
    of the rule `alone`, and of all enabled rules of the type `together` with it."""

    item_type_id: str
    items: int
    alone: float
    together: float


class RuleView(Stamped):
    """`warnings` is null in lists and of past revisions; `cost` is there in the answer that saves
    the rule, for the item types that have items yet."""

    name: str
    status: RuleStatus
    item_type_ids: list[str]
    condition_set: ConditionSetJson
    description: str = ""
    action_ids: list[str] = Field(default_factory=list)
    policy_ids: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    max_daily_actions: int | None = None
    expiration_time: datetime | None = None
    action_parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    max_actions_per_minute: int | None = None
    max_users_per_hour: int | None = None
    warnings: list[WarningView] | None = None
    cost: list[RuleCostView] | None = None


class RoutingRuleBody(DocumentBody):
    """Which queue a job goes to. Left out, `sequenceNumber` puts a new rule last."""

    name: Name
    item_type_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]
    condition_set: SentConditionSet
    destination_queue_id: Id
    sequence_number: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    status: Literal["LIVE", "DRAFT"] = "LIVE"
    description: Text2000 = ""
    for_appeals: bool = False


class RoutingRuleView(Stamped):
    """`warnings` is null in lists and of past revisions."""

    name: str
    item_type_ids: list[str]
    condition_set: ConditionSetJson
    destination_queue_id: str
    sequence_number: int
    status: Literal["LIVE", "DRAFT"] = "LIVE"
    description: str = ""
    for_appeals: bool = False
    warnings: list[WarningView] | None = None
