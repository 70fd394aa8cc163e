"""What Coop sends, taken: verified, read, done once, answered.

    request ─▶ signatures ─▶ what it is ─▶ told already? ─▶ the platform's own function ─▶ 200
                401, 413       400           200, 503         500 or `Later`: Coop tries again

Guarantees: no function of the platform's sees what was not verified, a trial, or a webhook that was
done; 200 is said after the function returned, so that what failed comes again; an answer to a
question names nothing that was not asked for.
Must not: say to Coop why a function failed; that is logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from coop_client.seen import Claim, MemorySeen, Seen
from coop_client.signature import Headers, Refused, Verified, Verifier
from coop_client.webhook import Kind, Unreadable, Webhook, read
from coop_client.wire import (
    ActionWebhook,
    AppealWebhook,
    IgnoredWebhook,
    InfoAnswer,
    InfoQuestion,
    Item,
    ItemRef,
    PreservationWebhook,
)

_BUSY_SECONDS: Final = 5

_log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """How a webhook came. `id` is the same on every attempt, and the `id` of the action in
    `Coop.item`; None for one of Coop itself (`Verifier`'s `unstamped`)."""

    id: str | None
    sent_at: datetime | None


class Answer(NamedTuple):
    """What to answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Later(Exception):
    """Raised by a function of the platform: not now, try again, in so many seconds at the soonest.

    Coop keeps its own schedule too, and follows whichever is later.
    """

    def __init__(self, seconds: int = 60) -> None:
        super().__init__(f"not before {seconds} s")
        self.seconds = seconds


class Receiver:
    """Takes what Coop sends to any of the platform's addresses. Safe in threads, as `seen` is.

    The functions for what is told get the body and its `Delivery`, and act. They may see one twice,
    if the process dies between the deed and its record: a `Seen` in the same transaction ends that.
    Those for questions give what is known: `items` in any order, without those that are no more;
    `additional_info` each user and medium. What has no function is answered with 501.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        seen: Seen | None = None,
        on_action: Callable[[ActionWebhook, Delivery], None] | None = None,
        on_appeal: Callable[[AppealWebhook, Delivery], None] | None = None,
        on_ignored: Callable[[IgnoredWebhook, Delivery], None] | None = None,
        on_preservation: Callable[[PreservationWebhook, Delivery], None] | None = None,
        items: Callable[[list[ItemRef]], Iterable[Item]] | None = None,
        additional_info: Callable[[InfoQuestion], InfoAnswer] | None = None,
    ) -> None:
        self._verifier = verifier
        self._seen = MemorySeen() if seen is None else seen
        self._told: dict[Kind, Callable[[Any, Delivery], None] | None] = {
            "action": on_action,
            "appeal": on_appeal,
            "ignored": on_ignored,
            "preservation": on_preservation,
        }
        self._items = items
        self._additional_info = additional_info

    def receive(self, headers: Headers, body: bytes) -> Answer:
        """The answer to a POST. `body` as it came: read again and written anew it verifies no more.

        Never raises an ordinary exception; blocks as long as the platform's function does.
        """
        try:
            verified = self._verifier.verify(headers, body)
            webhook = read(verified.body)
        except Refused as refused:
            _log.warning("a request that claims to be Coop's: %s", refused.reason)
            return _said(refused.status, {"error": refused.reason})
        except Unreadable as unreadable:
            _log.warning("Coop said what is not known here: %s", unreadable)
            return _said(400, {"error": str(unreadable)})
        try:
            return self._hand_on(webhook, verified)
        except Later as later:
            return _again(later.seconds)
        except Exception:  # noqa: BLE001 - logged, and answered: Coop tries again
            _log.exception("a webhook was not done", extra={"webhook_id": verified.id})
            return _said(500, {"error": "not done"})

    def _hand_on(self, webhook: Webhook, verified: Verified) -> Answer:
        if webhook.kind == "items" and self._items is not None:
            return self._answer_items(webhook.body, self._items)
        if webhook.kind == "additional-info" and self._additional_info is not None:
            return self._answer_info(webhook.body, self._additional_info)
        if webhook.body.get("trial") is True:
            return _said(200, {"trial": True})
        function = self._told.get(webhook.kind)
        if function is None:
            return _said(501, {"error": f"nobody is here for {webhook.kind}"})
        return self._once(function, webhook, verified)

    def _once(
        self, function: Callable[[Any, Delivery], None], webhook: Webhook, verified: Verified
    ) -> Answer:
        delivery = Delivery(verified.id, verified.sent_at)
        if verified.id is None:
            function(webhook.body, delivery)
            return _said(200, {"repeated": False})
        claim = self._seen.claim(verified.id)
        if claim is Claim.DONE:
            return _said(200, {"repeated": True})
        if claim is Claim.BUSY:
            return _again(_BUSY_SECONDS)
        try:
            function(webhook.body, delivery)
        except BaseException:
            self._seen.release(verified.id)
            raise
        self._seen.done(verified.id)
        return _said(200, {"repeated": False})

    def _answer_items(
        self, question: dict[str, Any], known: Callable[[list[ItemRef]], Iterable[Item]]
    ) -> Answer:
        asked = [_reference(one) for one in question["items"]]
        wanted = {(one["typeId"], one["id"]) for one in asked}
        found = [one for one in known(asked) if (_type_of(one), one["id"]) in wanted]
        return _said(200, {"items": found})

    def _answer_info(
        self, question: dict[str, Any], known: Callable[[InfoQuestion], InfoAnswer]
    ) -> Answer:
        asked: InfoQuestion = {
            "users": [_reference(one) for one in question["users"]],
            "media": [_reference(one) for one in question["media"]],
        }
        told: dict[str, Any] = dict(known(asked))
        for part, references in (("users", asked["users"]), ("media", asked["media"])):
            wanted = {(one["typeId"], one["id"]) for one in references}
            entries = told.get(part, [])
            told[part] = [one for one in entries if (one["typeId"], one["id"]) in wanted]
        return _said(200, told)


def _reference(told: dict[str, Any]) -> ItemRef:
    return {"id": told["id"], "typeId": told["typeId"]}


def _type_of(item: Item) -> str | None:
    nested = item.get("type")
    return item.get("typeId") if nested is None else nested["id"]


def _again(seconds: int) -> Answer:
    return _said(503, {"error": "not now"}, {"retry-after": str(seconds)})


def _said(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, encoded, {"content-type": "application/json", **(headers or {})})
