"""Identities: how each id is made, so that doing something twice is doing it once.

Source of the rules: docs/architecture.md, "Identities". Random ids are UUIDv7 (sortable by time);
derived ids are UUIDv5 of their cause, so that a replay arrives at the same id.
"""

from __future__ import annotations

import uuid_utils

_EXECUTION = uuid_utils.UUID("5b1f3f0e-6d4e-5b2c-9c7e-0d6a2f4b8c11")
_JOB = uuid_utils.UUID("a3a6b0f4-2f0d-5e0b-8f5e-4f1c7a9d2e22")
_SUBMISSION = uuid_utils.UUID("c9d2e7a1-73b4-5f6d-a1b8-3e5f9c0d4a33")
_DECISION = uuid_utils.UUID("e41c8b7d-5a90-5c3e-9b26-7f1d2a6c8e44")
_STRIKE = uuid_utils.UUID("6eb3f418-8ea0-5155-b40f-133c1efe9083")
_CROSSING = uuid_utils.UUID("924157b5-e72a-5044-9c86-45103880766a")
_CYBERTIP = uuid_utils.UUID("3d8a5c52-91c7-5b0e-8a4d-6f20c1b7e9a4")
_EVALUATION = uuid_utils.UUID("0b9d6c1e-4f2a-5d83-9a57-2c8e61f0b3d5")


def new_id() -> str:
    """A new UUIDv7 as 36 lower-case characters."""
    return str(uuid_utils.uuid7())


def _derived(namespace: uuid_utils.UUID, *parts: str) -> str:
    # Lengths make the join unambiguous: ("a", "b/c") and ("a/b", "c") must not meet.
    return str(uuid_utils.uuid5(namespace, "".join([f"{len(part)}:{part}" for part in parts])))


def execution_id(*, cause: str, action: str, target: str) -> str:
    """The id of one effect: a webhook, a strike or an enqueue happens once per cause and target.

    `cause` is a submission, decision, threshold crossing or bulk job id; `target` an `item_key`.
    It is also the `webhook-id` of every attempt to deliver it.
    """
    return _derived(_EXECUTION, cause, action, target)


def job_id(
    *,
    org_id: str,
    queue_id: str,
    item_type_id: str,
    item_id: str,
    generation: int,
    kind: str = "DEFAULT",
) -> str:
    """The id of a review job; `generation` rises when a job of that item and queue closes.

    Jobs of another kind (an appeal) about the same item in the same queue are counted by
    themselves, hence the kind is part of their id.
    """
    parts = (org_id, queue_id, item_type_id, item_id, str(generation))
    return _derived(_JOB, *parts, *(() if kind == "DEFAULT" else (kind,)))


def cybertip_id(*, decision_id: str) -> str:
    """The id of the report to NCMEC that a decision asks for: it is filed once."""
    return _derived(_CYBERTIP, decision_id)


def decision_id(*, job_id: str) -> str:
    """The id of the decision that closes a job: a job is decided once."""
    return _derived(_DECISION, job_id)


def strike_id(*, cause: str, user: str) -> str:
    """The id of a user's strike: one cause gives a user one strike. `user` is an `item_key`."""
    return _derived(_STRIKE, cause, user)


def crossing_id(*, user: str, threshold: int, generation: int) -> str:
    """The id of one crossing of a strike threshold, the cause of what it leads to.

    `user` is an `item_key`; `generation` rises whenever the user reaches the threshold again.
    """
    return _derived(_CROSSING, user, str(threshold), str(generation))


def evaluation_id(*, cause: str, what: str) -> str:
    """The event id of what an evaluation says: saying it again is a repeat.

    `cause` is a submission, an execution or a rule's revision; `what` the event's place in it: a
    lane, a request.
    """
    # Of every item that there is: as `_derived`, written out.
    name = f"{len(cause)}:{cause}{len(what)}:{what}"
    return str(uuid_utils.uuid5(_EVALUATION, name))


def repeatable_id(*, org_id: str, idempotency_key: str, position: int) -> str:
    """The submission id under an Idempotency-Key: the same again for a repeated request."""
    return _derived(_SUBMISSION, org_id, idempotency_key, str(position))


def item_key(org_id: str, item_type_id: str, item_id: str) -> str:
    """The Kafka key of everything about one item: it decides the partition, hence the order."""
    return f"{org_id}/{item_type_id}/{item_id}"
