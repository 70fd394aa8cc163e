"""What a platform's functions see, and what Coop hears."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from coop_client import Answer, Claim, Delivery, Later, MemorySeen, Receiver, Verifier
from coop_client.wire import ActionWebhook, InfoAnswer, InfoQuestion, Item, ItemRef

Signed = Callable[..., tuple[dict[str, str], bytes]]
ACTION = {
    "item": {"id": "p1", "typeId": "post", "typeName": "Post"},
    "action": {"id": "remove", "name": "Remove"},
    "policies": [],
    "rules": [],
    "custom": {},
}
REF = {"id": "p1", "typeId": "post"}
TOLD = {
    "on_action": ACTION,
    "on_appeal": {
        "appealId": "a",
        "item": REF,
        "appealedBy": REF,
        "appealDecision": "REJECT",
    },
    "on_ignored": {**REF, "data": {}},
    "on_preservation": {
        "cybertipId": "c",
        "reportId": "1",
        "environment": "TEST",
        "user": REF,
        "reportedMedia": [],
    },
}


def said(answer: Answer) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("name", sorted(TOLD))
def test_each_kind_comes_to_its_function(verifier: Verifier, signed: Signed, name: str) -> None:
    """With its whole body, its id and its time; the others are not called."""
    seen: list[tuple[str, Any, Delivery]] = []

    def function(which: str) -> Callable[[Any, Delivery], None]:
        return lambda body, delivery: seen.append((which, body, delivery))

    receiver = Receiver(verifier, **{one: function(one) for one in TOLD})  # type: ignore[arg-type]
    headers, body = signed(TOLD[name])
    assert said(receiver.receive(headers, body)) == (200, {"repeated": False})
    ((which, told, delivery),) = seen
    assert (which, told, delivery.id) == (name, TOLD[name], headers["webhook-id"])
    assert delivery.sent_at is not None


def test_what_came_before_is_done_once(verifier: Verifier, signed: Signed) -> None:
    """Every attempt is answered 200; the function is called by the first alone."""
    done: list[str | None] = []
    receiver = Receiver(verifier, on_action=lambda _, delivery: done.append(delivery.id))
    request = signed(ACTION)
    answers = [said(receiver.receive(*request)) for _ in range(3)]
    assert answers == [
        (200, {"repeated": False}),
        (200, {"repeated": True}),
        (200, {"repeated": True}),
    ]
    assert len(done) == 1


def test_the_same_body_under_another_id_is_another_webhook(
    verifier: Verifier, signed: Signed
) -> None:
    """Two decisions of the same content are two."""
    done: list[str | None] = []
    receiver = Receiver(verifier, on_action=lambda _, delivery: done.append(delivery.id))
    receiver.receive(*signed(ACTION))
    receiver.receive(*signed(ACTION))
    assert len(set(done)) == 2


def test_what_failed_comes_again(verifier: Verifier, signed: Signed) -> None:
    """500 without the reason; the next attempt finds it undone."""
    tries: list[int] = []

    def fail_once(_body: ActionWebhook, _delivery: Delivery) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("database password is hunter2")

    receiver = Receiver(verifier, on_action=fail_once)
    request = signed(ACTION)
    first = receiver.receive(*request)
    assert said(first) == (500, {"error": "not done"})
    assert said(receiver.receive(*request)) == (200, {"repeated": False})
    assert len(tries) == 2


def test_a_platform_may_ask_for_time(verifier: Verifier, signed: Signed) -> None:
    """503 with Retry-After, and it is not taken for done."""

    def busy(_body: ActionWebhook, _delivery: Delivery) -> None:
        raise Later(120)

    receiver = Receiver(verifier, on_action=busy)
    request = signed(ACTION)
    for _ in range(2):
        answer = receiver.receive(*request)
        assert (answer.status, answer.headers["retry-after"]) == (503, "120")


def test_two_at_once_are_done_once(verifier: Verifier, signed: Signed) -> None:
    """While the first is under way the second is asked to come again, not told that it is done."""
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def slow(_body: ActionWebhook, _delivery: Delivery) -> None:
        begun.set()
        assert go_on.wait(10)
        done.append(1)

    receiver = Receiver(verifier, on_action=slow)
    request = signed(ACTION)
    first: list[Answer] = []
    thread = threading.Thread(target=lambda: first.append(receiver.receive(*request)))
    thread.start()
    try:
        assert begun.wait(10)
        second = receiver.receive(*request)
    finally:
        go_on.set()
        thread.join()
    assert (second.status, second.headers["retry-after"]) == (503, "5")
    assert first[0].status == 200
    assert said(receiver.receive(*request)) == (200, {"repeated": True})
    assert done == [1]


def test_nothing_is_done_for_a_trial(verifier: Verifier, signed: Signed) -> None:
    """It is answered with success, which is what is tried out."""
    done: list[int] = []
    receiver = Receiver(verifier, on_action=lambda _body, _delivery: done.append(1))
    assert said(receiver.receive(*signed({**ACTION, "trial": True}))) == (200, {"trial": True})
    assert done == []


def test_what_nobody_is_here_for_is_no_success(verifier: Verifier, signed: Signed) -> None:
    """So that it is seen, and comes again once somebody is."""
    receiver = Receiver(verifier)
    for told in [*TOLD.values(), {"items": [REF]}, {"users": [REF], "media": []}]:
        assert receiver.receive(*signed(told)).status == 501


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b"1" * 5000, b'{"a":' * 20_000], ids=["lists", "digits", "objects"]
)
def test_a_body_that_breaks_readers_is_answered(
    verifier: Verifier, signed: Signed, body: bytes
) -> None:
    """Nesting without end and numbers without end are 400, and no exception."""
    assert Receiver(verifier).receive(*signed(body)).status == 400


def test_a_stranger_is_refused_before_anything_is_read(verifier: Verifier, signed: Signed) -> None:
    """401, whatever the body is."""
    done: list[int] = []
    receiver = Receiver(verifier, on_action=lambda _body, _delivery: done.append(1))
    headers, body = signed(ACTION)
    altered = body.replace(b"p1", b"p2")
    assert receiver.receive(headers, altered).status == 401
    assert receiver.receive({}, b"[" * 100_000).status == 401
    assert done == []


def test_a_question_about_items_is_answered_with_what_was_asked_for(
    verifier: Verifier, signed: Signed
) -> None:
    """Of either form; what is no more is left out, and what was not asked for as well."""

    def known(asked: list[ItemRef]) -> list[Item]:
        assert asked == [REF, {"id": "p2", "typeId": "post"}, {"id": "gone", "typeId": "post"}]
        return [
            {"id": "p1", "typeId": "post", "data": {"text": "ä"}},
            {"id": "p2", "type": {"id": "post"}, "data": {}},
            {"id": "p1", "typeId": "user", "data": {"not": "asked for"}},
        ]

    asked = [REF, {"id": "p2", "typeId": "post"}, {"id": "gone", "typeId": "post"}]
    request = signed({"items": asked})
    receiver = Receiver(verifier, items=known)
    expected = {
        "items": [
            {"id": "p1", "typeId": "post", "data": {"text": "ä"}},
            {"id": "p2", "type": {"id": "post"}, "data": {}},
        ]
    }
    assert said(receiver.receive(*request)) == (200, expected)
    assert said(receiver.receive(*request)) == (200, expected)


def test_additional_information_names_nobody_who_was_not_asked_for(
    verifier: Verifier, signed: Signed
) -> None:
    """A mistake of the platform's does not put a stranger into a report."""

    def known(_question: InfoQuestion) -> InfoAnswer:
        return {
            "users": [
                {"id": "u1", "typeId": "user", "screenName": "one"},
                {"id": "u2", "typeId": "user", "screenName": "two"},
            ],
            "media": [{"id": "p1", "typeId": "post", "publiclyAvailable": True}],
            "additionalInfo": "seen twice",
        }

    request = signed({"users": [{"id": "u1", "typeId": "user"}], "media": [REF]})
    status, answer = said(Receiver(verifier, additional_info=known).receive(*request))
    assert status == 200
    assert answer == {
        "users": [{"id": "u1", "typeId": "user", "screenName": "one"}],
        "media": [{"id": "p1", "typeId": "post", "publiclyAvailable": True}],
        "additionalInfo": "seen twice",
    }


def test_a_claim_ends_when_whoever_had_it_is_gone() -> None:
    """And what was done stays done for as long as Coop may send it."""
    clock = Clock()
    seen = MemorySeen(claimed=60, kept=1000, now=clock)
    assert seen.claim("a") is Claim.NEW
    assert seen.claim("a") is Claim.BUSY
    clock.now = 61
    assert seen.claim("a") is Claim.NEW
    seen.done("a")
    clock.now = 1060
    assert seen.claim("a") is Claim.DONE
    clock.now = 1062
    assert seen.claim("a") is Claim.NEW


def test_a_flood_of_ids_does_not_grow_for_ever() -> None:
    """The oldest go first."""
    seen = MemorySeen(limit=10)
    for number in range(1000):
        assert seen.claim(str(number)) is Claim.NEW
        seen.done(str(number))
    assert len(seen._until) == 10
    assert seen.claim("999") is Claim.DONE
