"""What people wrote is read in another language, and what is about child safety does not leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from coop_contracts.event import SignalValue
from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_review_api.signal.signals import Accounts, Signals
from coop_review_api.translation.translator import Translator
from coop_rules.language.need import Need
from coop_signals.strike import StrikeReader

pytestmark = pytest.mark.engines

PATH = "/v1/translations"


class Provider:
    """A provider that turns texts around; `asked` is every text that left."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.problem: str | None = None

    def gives(self, signal: str) -> bool:
        return True

    async def aclose(self) -> None:
        pass

    async def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Sequence[SignalValue]:
        is_text = not need.signal.name.endswith("LANGUAGE")
        if is_text:
            self.asked += map(str, inputs)
        return [
            SignalValue(
                key=need.key,
                signal=need.signal.name,
                position=place,
                score=None
                if self.problem
                else (f"{str(text)[::-1]} ({need.subcategory})" if is_text else "pt"),
                error=self.problem,
            )
            for place, text in enumerate(inputs)
        ]


@pytest.fixture
def provider(
    context: Any, installed_signals: Any, redis: Any, redis_url: str, vault: Any
) -> Provider:
    made = Provider()
    signals = Signals(installed_signals, made, Accounts(), StrikeReader.of(redis_url))
    context.parts[Signals] = signals
    context.parts[Translator] = Translator(signals, redis, vault)
    return made


@pytest.fixture
async def post(admin: Any, kit: Any) -> str:
    return str((await admin.make("/v1/item-types", kit.item_type()))["id"])


def body(job: str, *pointers: str, to: str = "en", **item: Any) -> dict[str, Any]:
    return {"jobId": job, "to": to, "passages": [{"pointer": one, **item} for one in pointers]}


async def test_passages_of_a_job_are_translated_once(
    admin: Any, org: Any, place: Any, post: str, provider: Provider, redis: Any
) -> None:
    """Texts of the payload come back in their order with their language; asked again, nothing
    leaves; what is remembered says nothing to whoever reads Redis."""
    job = await place(org.default_queue_id, post)
    asked = body(job, "/item/data/text", "/entries/0/report/reason")
    first = await admin.call("POST", PATH, asked)
    assert first.status_code == 200, first.text
    assert first.json()["items"] == [
        {"language": "pt", "text": "\0 won yub (en)", "problem": None},
        {"language": "pt", "text": "maps (en)", "problem": None},
    ]
    assert (await admin.call("POST", PATH, asked)).json() == first.json()
    assert provider.asked == ["buy now \0", "spam"]
    kept = [await redis.get(key) async for key in redis.scan_iter("coop:translation:*")]
    assert len(kept) == 2
    assert not any(b"spam" in one or b"maps" in one for one in map(bytes, kept))


async def test_another_language_is_another_translation(
    admin: Any, org: Any, place: Any, post: str, provider: Provider
) -> None:
    """A text is asked for in each language by itself."""
    job = await place(org.default_queue_id, post)
    for to in ("en", "pt-BR"):
        answer = await admin.call("POST", PATH, body(job, "/item/data/text", to=to))
        assert answer.json()["items"][0]["text"].endswith(f"({to})")
    assert len(provider.asked) == 2


async def test_what_cannot_be_translated_says_why(
    admin: Any, org: Any, place: Any, post: str, provider: Provider
) -> None:
    """A provider's problem is told for the passage, and is not remembered."""
    job = await place(org.default_queue_id, post)
    provider.problem = "OpenAI does not answer"
    failed = (await admin.call("POST", PATH, body(job, "/item/data/text"))).json()["items"]
    assert failed == [{"language": None, "text": None, "problem": "OpenAI does not answer"}]
    provider.problem = None
    assert (await admin.call("POST", PATH, body(job, "/item/data/text"))).json()["items"][0]["text"]


async def test_a_pointer_to_nothing_is_named(
    admin: Any, org: Any, place: Any, post: str, provider: Provider
) -> None:
    """Where no text is, the fault names the passage; nothing leaves."""
    job = await place(org.default_queue_id, post)
    asked = body(job, "/item/data/text", "/item/data/none", "/entries/7/report/reason", "/item")
    answer = await admin.call("POST", PATH, asked)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        "/passages/1/pointer",
        "/passages/2/pointer",
        "/passages/3/pointer",
    ]
    unknown = body(job, "/text", item={"id": "nobody", "typeId": post})
    assert (await admin.call("POST", PATH, unknown)).status_code == 422
    assert provider.asked == []


async def test_child_safety_does_not_leave(
    admin: Any, sign_in: Any, org: Any, place: Any, post: str, provider: Provider
) -> None:
    """Nobody has a passage of such a job translated, with the permission or without, nor one of
    its item through another job."""
    safety = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    other = await place(org.default_queue_id, post, "item-1")
    beside = await place(org.default_queue_id, post, "item-2")
    grave = await place(org.default_queue_id, post, "item-1", kind=JobKind.NCMEC, csam=True)
    for person in (admin, safety):
        for job in (grave, other):
            answer = await person.call("POST", PATH, body(job, "/item/data/text"))
            assert answer.status_code in (403, 404), answer.text
        named = body(beside, "/text", item={"id": "item-1", "typeId": post})
        assert (await person.call("POST", PATH, named)).status_code == 403
    assert provider.asked == []


async def test_without_redis_it_is_asked_again(
    admin: Any, org: Any, place: Any, post: str, context: Any, provider: Provider, vault: Any
) -> None:
    """Nothing is remembered, and all goes on."""
    away = Redis(host="127.0.0.1", port=1)
    context.parts[Translator] = Translator(context.part(Signals), away, vault)
    job = await place(org.default_queue_id, post)
    for _ in range(2):
        answer = await admin.call("POST", PATH, body(job, "/item/data/text"))
        assert answer.status_code == 200
    assert len(provider.asked) == 2


async def test_a_foreign_job_is_not_there(
    sign_in: Any,
    organisations: Any,
    context: Any,
    org: Any,
    place: Any,
    post: str,
    provider: Provider,
) -> None:
    """Another organisation's job is 404."""
    job = await place(org.default_queue_id, post)
    other = await organisations.make(context)
    stranger = await sign_in(Role.ADMIN, other.org_id)
    answer = await stranger.call("POST", PATH, body(job, "/item/data/text"))
    assert answer.status_code == 404
    assert provider.asked == []
