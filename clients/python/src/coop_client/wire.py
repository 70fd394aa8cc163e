"""The public wire format, by `make clients-api` from `clients/openapi.json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class ActionOrder(TypedDict):
    """
    The body of `POST /actions/`. `actorId` is a user of the console, for the record.
    """

    actionId: str
    actorId: NotRequired[str | None]
    itemId: str
    itemTypeId: str
    note: NotRequired[str | None]
    parameters: NotRequired[dict[str, Any] | None]
    policyIds: NotRequired[list[str] | None]


class Content(TypedDict):
    """
    The body of the older `POST /content/`: one item, whose type is named by its name. `userId`
    is its author, of the default user type. With `sync` the answer is what its rules say.
    """

    content: dict[str, Any]
    contentId: str
    contentType: str
    sync: NotRequired[bool | None]
    userId: NotRequired[str | None]


ErrorType: TypeAlias = Literal[
    "/errors/authentication-failed-or-missing",
    "/errors/authorization-failed",
    "/errors/conflict",
    "/errors/data-invalid-for-item-type",
    "/errors/field-roles-invalid-for-item-type",
    "/errors/internal-server-error",
    "/errors/invalid-user-input",
    "/errors/not-found",
    "/errors/rate-limited",
    "/errors/service-unavailable",
    "/errors/unrecognized-content-type",
]


class IgnoredWebhook(TypedDict):
    """
    A person looked at the item, and nothing is to be done.
    """

    data: dict[str, Any]
    id: str
    typeId: str


class InfoDevice(TypedDict):
    """
    A device that the platform saw.
    """

    dateTime: NotRequired[str | None]
    eventName: NotRequired[
        Literal["Login", "Other", "Purchase", "Registration", "Unknown", "Upload"] | None
    ]
    idType: str
    idValue: str


class InfoEmail(TypedDict):
    """
    An address for mail.
    """

    email: str
    type: NotRequired[Literal["Business", "Home", "Work"] | None]
    verificationDate: NotRequired[str | None]
    verified: NotRequired[bool | None]


class InfoEvent(TypedDict):
    """
    An address that the platform saw.
    """

    dateTime: NotRequired[str | None]
    eventName: NotRequired[
        Literal["Login", "Other", "Purchase", "Registration", "Unknown", "Upload"] | None
    ]
    ipAddress: str
    port: NotRequired[int | None]
    possibleProxy: NotRequired[bool | None]


class InfoFile(TypedDict):
    """
    One more file for the report.
    """

    additionalInfo: NotRequired[list[str]]
    fileName: NotRequired[str | None]
    fileUrl: str


class InfoHash(TypedDict):
    """
    A hash of the file as it was uploaded.
    """

    hash: str
    hashType: str


class InfoMedium(TypedDict):
    """
    A medium, as the platform knows it. `missing`: it is no more.
    """

    additionalInfo: NotRequired[list[str]]
    deviceId: NotRequired[list[InfoDevice]]
    exif: NotRequired[dict[str, str]]
    fileDetails: NotRequired[list[InfoHash]]
    fileName: NotRequired[str | None]
    id: str
    ipCaptureEvent: NotRequired[list[InfoEvent]]
    missing: NotRequired[bool]
    publiclyAvailable: NotRequired[bool | None]
    typeId: str
    uploadedAt: NotRequired[str | None]


class InfoPhone(TypedDict):
    """
    A number.
    """

    phone: str
    verified: NotRequired[bool | None]


class InfoPlace(TypedDict):
    """
    Where the platform thinks somebody is.
    """

    city: NotRequired[str | None]
    countryCode: NotRequired[str | None]
    region: NotRequired[str | None]
    timestamp: NotRequired[str | None]
    verified: NotRequired[bool | None]


class InfoUser(TypedDict):
    """
    A user, as the platform knows them.
    """

    deviceId: NotRequired[list[InfoDevice]]
    email: NotRequired[list[InfoEmail]]
    estimatedLocation: NotRequired[InfoPlace | None]
    id: str
    ipCaptureEvent: NotRequired[list[InfoEvent]]
    phone: NotRequired[list[InfoPhone]]
    profileUrl: NotRequired[list[str]]
    screenName: NotRequired[str | None]
    typeId: str


class ItemDecision(TypedDict):
    """
    What a review came to: `kinds` are those of its parts. `automatic`: no person decided.
    """

    actionIds: list[str]
    automatic: bool
    decidedAt: str
    id: str
    kinds: list[str]
    policyIds: list[str]


class ItemDelivery(TypedDict):
    """
    How an action was told to the platform: after so many attempts, at last with this status of
    HTTP.
    """

    attempts: int
    finishedAt: str
    state: Literal["DEAD", "DELIVERED"]
    status: int | None


class ItemRef(TypedDict):
    """
    An item or user of the platform: its id within its item type.
    """

    id: str
    typeId: str


class ItemsQuestion(TypedDict):
    """
    Which items are to be told as they are now. Those that are no more stay out of the answer.
    """

    items: list[ItemRef]


class PolicyEntry(TypedDict):
    """
    One policy.
    """

    id: str
    name: str
    parentId: str | None


class PolicyReference(TypedDict):
    """
    A policy, by its id.
    """

    id: str


class PreservedMedium(TypedDict):
    """
    A medium that was reported to NCMEC.
    """

    id: str
    typeId: str
    url: str


class Reason(TypedDict):
    """
    Why an item is reported; `csam` asks for the child-safety path.
    """

    csam: NotRequired[bool | None]
    policyId: NotRequired[str | None]
    reason: NotRequired[str | None]


class Reference(TypedDict):
    """
    An item or user, by its id within its type.
    """

    id: str
    typeId: str


class ReportAccepted(TypedDict):
    """
    The answer to `POST /report`.
    """

    reportId: str


class Reporter(TypedDict):
    """
    The user who reports.
    """

    id: str
    kind: Literal["user"]
    typeId: str


class TriggeredAction(TypedDict):
    """
    An action that the item's rules asked for.
    """

    id: str
    name: str


class TypeSelector(TypedDict):
    """
    The nested way to name an item's type. No version means the current one.
    """

    id: str
    schemaVariant: NotRequired[Literal["original", "partial"] | None]
    version: NotRequired[str | None]


class WebhookAction(TypedDict):
    """
    The action that is to be done.
    """

    id: str
    name: str


class WebhookItem(TypedDict):
    """
    The item that an action is about. `typeName` is for people.
    """

    id: str
    typeId: str
    typeName: str


class WebhookPolicy(TypedDict):
    """
    A policy for whose sake it is done.
    """

    id: str
    name: str
    penalty: Literal["HIGH", "LOW", "MEDIUM", "NONE", "SEVERE"]


class WebhookRule(TypedDict):
    """
    A rule that asked for it, by the name that it had then.
    """

    id: str
    name: str


class ActionWebhook(TypedDict):
    """
    An action to be done. `custom` is the action's configured body, with parameters; of a
    decision on a reported item also `reason` and `reportHistory`. `userStrikeCount` includes this
    one. `trial`: somebody tries the endpoint out, and nothing is to be done to the item.
    """

    action: WebhookAction
    actorEmail: NotRequired[str]
    actorNote: NotRequired[str]
    creator: NotRequired[ItemRef]
    custom: dict[str, Any]
    decisionReason: NotRequired[str]
    item: WebhookItem
    policies: list[WebhookPolicy]
    rules: list[WebhookRule]
    trial: NotRequired[bool]
    userStrikeCount: NotRequired[int]


class ApiError(TypedDict):
    """
    One error. `pointer` is an RFC 6901 JSON pointer to the exact field in the request body.
    """

    detail: NotRequired[str | None]
    pointer: NotRequired[str | None]
    requestId: NotRequired[str | None]
    status: int
    title: str
    type: list[ErrorType]


class AppealWebhook(TypedDict):
    """
    What came of an appeal. ACCEPT: the action was wrong, and is to be undone.
    """

    appealDecision: Literal["ACCEPT", "REJECT"]
    appealId: str
    appealedBy: ItemRef
    custom: NotRequired[dict[str, Any]]
    item: ItemRef


class ContentResult(TypedDict):
    """
    The answer to `POST /content/` with `sync`. `undecided` are lanes of rules that wait for
    media or for a model: what they ask for comes as webhooks.
    """

    actionsTriggered: list[TriggeredAction]
    derivedFields: dict[str, Any]
    undecided: NotRequired[list[str]]


class ErrorBody(TypedDict):
    errors: list[ApiError]


class InfoAnswer(TypedDict):
    """
    What the platform adds to a report: each user and medium that it was asked about.
    """

    additionalFiles: NotRequired[list[InfoFile]]
    additionalInfo: NotRequired[str | None]
    media: NotRequired[list[InfoMedium]]
    users: list[InfoUser]


class InfoQuestion(TypedDict):
    """
    What is known of these users and media, for a report to NCMEC.
    """

    media: list[ItemRef]
    users: list[ItemRef]


class Item(TypedDict):
    """
    One item: its type is named by `typeId`, or by `type`, not by both.
    """

    data: dict[str, Any]
    id: str
    type: NotRequired[TypeSelector | None]
    typeId: NotRequired[str | None]
    typeSchemaVariant: NotRequired[Literal["original", "partial"] | None]
    typeVersion: NotRequired[str | None]


class ItemAction(TypedDict):
    """
    An action that was asked for; `id` is its webhook's. `delivery` is None while the webhook is
    under way. `reversed`: it was taken back since.
    """

    actionId: str
    delivery: ItemDelivery | None
    id: str
    policyIds: list[str]
    requestedAt: str
    reversed: bool
    source: str


class ItemRecord(TypedDict):
    """
    An item as it was sent last, and the newest of what was done about it; `creator` is its
    author, `submission_id` that of the submission, report or appeal that brought it.
    """

    actions: list[ItemAction]
    creator: ItemRef | None
    data: Any
    decisions: list[ItemDecision]
    id: str
    submissionId: str
    submittedAt: str
    typeId: str
    typeVersion: str


class Items(TypedDict):
    """
    The body of `POST /items/async/`.
    """

    items: list[Item]


class PartialResult(TypedDict):
    """
    The answer to `?partial=true`: ids of the items kept, errors of the rest.
    """

    accepted: list[str]
    errors: list[ApiError]


class Policies(TypedDict):
    """
    The answer to `GET /policies/`.
    """

    policies: list[PolicyEntry]


class PreservationWebhook(TypedDict):
    """
    A report to NCMEC was filed: what the platform has of it is to be preserved. `reportId` is
    NCMEC's.
    """

    cybertipId: str
    environment: Literal["PRODUCTION", "TEST"]
    reportId: str | None
    reportedMedia: list[PreservedMedium]
    user: ItemRef


class Report(TypedDict):
    """
    The body of `POST /report`. `reportedAt` is ISO 8601.
    """

    additionalItems: NotRequired[list[Item]]
    reportedAt: str
    reportedForReason: NotRequired[Reason | None]
    reportedItem: Item
    reportedItemThread: NotRequired[list[Item]]
    reportedItemsInThread: NotRequired[list[Reference] | None]
    reporter: Reporter


class Appeal(TypedDict):
    """
    The body of `POST /report/appeal`. `appealedAt` is ISO 8601.
    """

    actionedItem: Item
    actionsTaken: list[str]
    additionalItems: NotRequired[list[Item]]
    appealId: str
    appealReason: NotRequired[str | None]
    appealedAt: str
    appealedBy: Reference
    violatingPolicies: NotRequired[list[PolicyReference] | None]
