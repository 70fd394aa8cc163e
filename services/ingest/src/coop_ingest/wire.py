"""What platforms send, as msgspec structs: the shapes only.

Source: Coop's public wire format. Keys that are not named here are ignored. `Raw` parts are read
one by one, so that each has its own errors.
Must not: know item types; `item_reader` does.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Raw, Struct

Variant = Literal["original", "partial"]


class TypeSelector(Struct, rename="camel"):
    """The nested way to name an item's type. No version means the current one."""

    id: str
    version: str | None = None
    schema_variant: Variant | None = None


class Item(Struct, rename="camel"):
    """One item: its type is named by `typeId`, or by `type`, not by both."""

    id: str
    data: dict[str, Any]
    type_id: str | None = None
    type_version: str | None = None
    type_schema_variant: Variant | None = None
    type: TypeSelector | None = None


class Items(Struct, rename="camel"):
    """The body of `POST /items/async/`."""

    items: list[Raw]


class Reference(Struct, rename="camel"):
    """An item or user, by its id within its type."""

    id: str
    type_id: str


class Reporter(Struct, rename="camel"):
    """The user who reports."""

    kind: Literal["user"]
    type_id: str
    id: str


class Reason(Struct, rename="camel"):
    """Why an item is reported; `csam` asks for the child-safety path."""

    policy_id: str | None = None
    reason: str | None = None
    csam: bool | None = None


class Report(Struct, rename="camel"):
    """The body of `POST /report`. `reportedAt` is ISO 8601."""

    reporter: Reporter
    reported_at: str
    reported_item: Raw
    reported_for_reason: Reason | None = None
    reported_item_thread: list[Raw] | None = None
    reported_items_in_thread: list[Reference] | None = None
    additional_items: list[Raw] | None = None


class PolicyReference(Struct, rename="camel"):
    """A policy, by its id."""

    id: str


class Appeal(Struct, rename="camel"):
    """The body of `POST /report/appeal`. `appealedAt` is ISO 8601."""

    appeal_id: str
    appealed_by: Reference
    appealed_at: str
    actioned_item: Raw
    actions_taken: list[str]
    appeal_reason: str | None = None
    violating_policies: list[PolicyReference] | None = None
    additional_items: list[Raw] | None = None


class ActionOrder(Struct, rename="camel"):
    """The body of `POST /actions/`. `actorId` is a user of the console, for the record."""

    action_id: str
    item_id: str
    item_type_id: str
    policy_ids: list[str] | None = None
    actor_id: str | None = None
    parameters: dict[str, Any] | None = None
    note: str | None = None


class Content(Struct, rename="camel"):
    """The body of the older `POST /content/`: one item, whose type is named by its name. `userId`
    is its author, of the default user type. With `sync` the answer is what its rules say."""

    content_type: str
    content_id: str
    content: dict[str, Any]
    user_id: str | None = None
    sync: bool | None = None


class TriggeredAction(Struct, rename="camel"):
    """An action that the item's rules asked for."""

    id: str
    name: str


class ContentResult(Struct, rename="camel", omit_defaults=True):
    """The answer to `POST /content/` with `sync`. `undecided` are lanes of rules that wait for
    media or for a model: what they ask for comes as webhooks."""

    actions_triggered: list[TriggeredAction]
    derived_fields: dict[str, Any]
    undecided: list[str] = []


class PartialResult(Struct, rename="camel"):
    """The answer to `?partial=true`: ids of the items kept, errors of the rest."""

    accepted: list[str]
    errors: list[Any]


class ReportAccepted(Struct, rename="camel"):
    """The answer to `POST /report`."""

    report_id: str


class PolicyEntry(Struct, rename="camel"):
    """One policy."""

    id: str
    name: str
    parent_id: str | None


class Policies(Struct, rename="camel"):
    """The answer to `GET /policies/`."""

    policies: list[PolicyEntry]
