"""What was decided, said and left waiting in Acme's Coop, with what is odd about it.

Guarantees: every text that nobody but a reviewer may read is there once (`TOLD`), so that a test
can look for it.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from .coop_world import ACME, BEFORE, OTHER, SINCE

TOLD = "words of an item that no report of the importer may hold"

IGNORED, REMOVED, MOVED, ESCALATED, FILED, CLOSED, ACCEPTED, BARE, ODD, NOTHING, TOO_OLD = (
    f"{number:08x}-0000-1000-8000-00000000000d" for number in range(1, 12)
)
THEIRS = "000000ff-0000-1000-8000-00000000000d"
WAITING, APPEALED, CHILD, LATE, HOMELESS = (
    f"{number:08x}-0000-1000-8000-00000000000e" for number in range(1, 6)
)
DAY = datetime(2026, 8, 1, 10, tzinfo=UTC)


def b(text: str) -> str:
    """As Coop writes base64: the first of each is replaced."""
    return base64.b64encode(text.encode()).decode().replace("+", "-", 1).replace("/", "_", 1)


def external(type_id: str, item_id: str, guid: str) -> str:
    return f"{b(f'{b(type_id)}.{b(item_id)}')}:{b(guid)}"


def item(item_id: str, type_id: str = "post", version: str = SINCE, **more: Any) -> dict[str, Any]:
    return {
        "submissionId": f"submission-of-{item_id}",
        "submissionTime": "2026-08-01T09:59:00.000Z",
        "itemId": item_id,
        "data": {"text": TOLD},
        "itemTypeIdentifier": {"id": type_id, "version": version, "schemaVariant": "original"},
        **more,
    }


def report(report_id: str, reporter: str, **more: Any) -> dict[str, Any]:
    return {
        "reportId": report_id,
        "reportedAt": "2026-08-01T10:00:00.000Z",
        "reporterId": {"id": reporter, "typeId": "user"},
        "reason": "spam",
        "policyId": "hate",
        **more,
    }


def job(guid: str, item_id: str, *, origin: str = "REPORT", **payload: Any) -> dict[str, Any]:
    """A job's `data`, about a post."""
    return {
        "id": external("post", item_id, guid),
        "orgId": ACME,
        "createdAt": "2026-08-01T10:00:00.000Z",
        "policyIds": ["hate"],
        "enqueueSourceInfo": {"kind": origin},
        "payload": {"kind": "DEFAULT", "item": item(item_id), **payload},
    }


def waiting() -> list[tuple[str, dict[str, Any]]]:
    """Queue and job of each that waits."""
    beside: dict[str, Any] = {
        "itemThreadContentItems": [item("before")],
        "additionalContentItems": [item("beside")],
        "reportedItems": [{"id": "said", "typeId": "post"}],
    }
    first = job(
        WAITING,
        "p-1",
        reportHistory=[report("r-2", "u-2"), report("r-1", "u-1", reportedAt="2026-07-31")],
        **beside,
    )
    appeal = job(
        APPEALED,
        "p-2",
        origin="APPEAL",
        appealId="appeal-1",
        appealerIdentifier={"id": "u-3", "typeId": "user"},
        appealReason="I did not",
        actionsTaken=["remove"],
    )
    appeal["payload"]["kind"] = "APPEAL"
    child = job(CHILD, "u-9", origin="POST_ACTIONS")
    child["payload"] |= {
        "kind": "NCMEC",
        "item": item("u-9", "user"),
        "allMediaItems": [{"contentItem": item("pic"), "isConfirmedCSAM": False}],
    }
    child["id"] = external("user", "u-9", CHILD)
    late = job(IGNORED, "p-3")  # is decided
    rule = job(LATE, "p-4", origin="RULE_EXECUTION")
    rule["enqueueSourceInfo"]["rules"] = ["spam"]
    return [
        ("main", first),
        ("main-a", appeal),
        ("main", child),
        ("main", late),
        ("gone", rule),
    ]


def put_history(url: str) -> None:
    """Writes decisions and comments into Coop's database."""
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM manual_review_tool.manual_review_decisions")
        for row in _decisions():
            connection.execute(
                "INSERT INTO manual_review_tool.manual_review_decisions (id, org_id, job_payload,"
                " queue_id, reviewer_id, decision_components, related_actions, decision_reason,"
                " created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                row,
            )
        for comment_id, job_id, author, text in _comments():
            connection.execute(
                "INSERT INTO manual_review_tool.job_comments (id, job_id, org_id, author_id,"
                " comment_text, created_at) VALUES (%s, %s, %s, %s, %s, %s)",
                (comment_id, job_id, ACME, author, text, DAY),
            )


def _decisions() -> list[tuple[Any, ...]]:
    remove = {
        "type": "CUSTOM_ACTION",
        "actions": [{"id": "remove"}],
        "policies": [{"id": "hate"}],
        "itemIds": ["p-5"],
        "itemTypeId": "post",
        "actionIdsToMrtApiParamDecisionPayload": {"remove": {"days": 3}},
    }
    related = {
        "actionIds": ["remove"],
        "itemIds": ["u-1"],
        "itemTypeId": "user",
        "policyIds": [],
    }
    move = {
        "type": "TRANSFORM_JOB_AND_RECREATE_IN_QUEUE",
        "newJobKind": "DEFAULT",
        "newQueueId": "closed",
        "originalQueueId": "main",
    }
    filed = {
        "type": "SUBMIT_NCMEC_REPORT",
        "reportedMedia": [{"id": "pic", "typeId": "post", "url": f"https://a.example/{TOLD}"}],
        "incidentType": "CHILD_PORNOGRAPHY",
    }
    child = job(FILED, "u-8")
    child["payload"] |= {"kind": "NCMEC", "item": item("u-8", "user")}
    appeal = job(
        ACCEPTED,
        "p-2",
        origin="APPEAL",
        appealId="appeal-0",
        appealerIdentifier={"id": "u-3", "typeId": "user"},
    )
    appeal["payload"]["kind"] = "APPEAL"
    bare = {"id": external("post", "p+/+/", BARE), "orgId": ACME}
    old = job(TOO_OLD, "p-10")
    reported: dict[str, Any] = {
        "reportHistory": [report("r-9", "u-1"), report("r-8", "u-2", reportedAt=None)]
    }
    versioned: dict[str, Any] = {
        "item": item("p-5", version=BEFORE, creator={"id": "u-1", "typeId": "user"})
    }
    closed = {"type": "AUTOMATIC_CLOSE", "reason": "ITEM_DELETED_BEFORE_REVIEW"}
    return [
        _row(IGNORED, job(IGNORED, "p-3", **reported), "bo", [{"type": "IGNORE"}], reason="fine"),
        _row(REMOVED, job(REMOVED, "p-5", **versioned), "bo", [remove], related=[related]),
        _row(MOVED, job(MOVED, "p-6"), "nobody-now", [move]),
        _row(ESCALATED, job(ESCALATED, "p-7"), "bo", [{**move, "newJobKind": "NCMEC"}]),
        _row(FILED, child, "bo", [filed]),
        _row(CLOSED, job(CLOSED, "p-8"), "", [closed]),
        _row(ACCEPTED, appeal, "bo", [{"type": "ACCEPT_APPEAL", "appealId": "appeal-0"}]),
        _row(BARE, bare, "bo", [{"type": "IGNORE"}]),
        _row(ODD, {"id": "?", "orgId": ACME}, "bo", [{"type": "IGNORE"}]),
        _row(NOTHING, job(NOTHING, "p-9"), "bo", [{"type": "OF_A_LATER_RELEASE"}]),
        _row(TOO_OLD, old, "bo", [{"type": "IGNORE"}], at=datetime(2023, 9, 30, tzinfo=UTC)),
        _row(THEIRS, {**job(THEIRS, "p-1"), "orgId": OTHER}, "zoe", [{"type": "IGNORE"}], OTHER),
    ]


def _row(
    guid: str,
    payload: dict[str, Any],
    reviewer: str,
    components: list[dict[str, Any]],
    org_id: str = ACME,
    *,
    related: list[dict[str, Any]] | None = None,
    reason: str | None = None,
    at: datetime = DAY,
) -> tuple[Any, ...]:
    return (
        guid,
        org_id,
        Jsonb(payload),
        "main",
        reviewer,
        [Jsonb(one) for one in components],
        [Jsonb(one) for one in related or []],
        reason,
        at,
    )


def _comments() -> list[tuple[str, str, str, str]]:
    return [
        ("c-1", external("post", "p-3", IGNORED), "bo", "I know this one"),
        ("c-2", external("post", "p-1", WAITING), "bo", "x" * 5001),
        ("c-3", external("post", "p-3", IGNORED), "nobody-now", TOLD),
        ("c-4", external("post", "p-0", HOMELESS), "bo", TOLD),
    ]


def decided_row() -> dict[str, Any]:
    """What a decision has that Coop's server writes as it likes."""
    return {
        "job_payload": job(REMOVED, "p-5", reportHistory=[report("r-1", "u-1")]),
        "queue_id": "main",
        "reviewer_id": "bo",
        "decision_components": [
            {
                "type": "CUSTOM_ACTION",
                "actions": [{"id": "remove"}],
                "policies": [{"id": "hate"}],
                "actionIdsToMrtApiParamDecisionPayload": {"remove": {"days": 3}},
            },
            {"type": "TRANSFORM_JOB_AND_RECREATE_IN_QUEUE", "newQueueId": "closed"},
            {"type": "ACCEPT_APPEAL", "appealId": "appeal-1"},
        ],
        "related_actions": [{"actionIds": ["remove"], "itemIds": ["u-1"], "itemTypeId": "user"}],
        "decision_reason": "why",
    }
