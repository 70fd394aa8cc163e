"""The receiver of Coop's webhooks, as a process: killed, fed twice, flooded, lied to."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ..moving.coop_world import RSA_KEY
from .both import DEADLINE, STRANGER, Receiving, receiving_at, webhook


async def test_a_webhook_is_kept_without_what_people_wrote(lasting: Receiving) -> None:
    """Item, action and rules; no data of the item, no address, no words."""
    body = webhook("p1", "spam", "spam", custom={"reason": "secret words"}, actorEmail="a@b.c")
    answer = await lasting.post(body)
    assert (answer.status_code, answer.json()) == (200, {"kept": True})
    line = next(one for one in lasting.lines() if one["itemId"] == "p1")
    assert (line["itemTypeId"], line["itemId"], line["actionId"]) == ("post", "p1", "remove")
    assert line["ruleIds"] == ["spam"]
    assert line.keys() == {
        *("kind", "at", "digest", "itemTypeId", "itemId", "actionId", "ruleIds"),
    }
    assert (lasting.file.stat().st_mode & 0o777) == 0o600


async def test_the_same_webhook_twice_is_there_once(receiving: Receiving) -> None:
    """At once, one after the other, and to a receiver that was killed in between."""
    body = webhook("p1", "spam")
    answers = await asyncio.gather(*(receiving.post(body) for _ in range(20)))
    assert {one.status_code for one in answers} == {200}
    again = await receiving.post(body)
    assert again.json() == {"kept": False, "reason": "came a moment ago"}
    receiving.kill()
    receiving.start()
    assert (await receiving.post(body)).json()["kept"] is False
    assert len(receiving.lines()) == 1


async def test_killed_it_loses_nothing_that_it_acknowledged(receiving: Receiving) -> None:
    """Kill -9 in a stream of webhooks: each that was answered with 2xx is in the file, and the next
    receiver goes on behind whole lines."""
    acknowledged: set[str] = set()
    enough = asyncio.Event()

    async def stream(sender: int) -> None:
        async with httpx.AsyncClient(timeout=DEADLINE) as client:
            for number in range(10_000):
                item_id = f"{sender}-{number}"
                answer = await receiving.post_by(client, webhook(item_id, "spam"))
                assert answer.status_code == 200
                acknowledged.add(item_id)
                if len(acknowledged) >= 100:
                    enough.set()

    async def killed() -> None:
        await enough.wait()
        await asyncio.to_thread(receiving.kill)

    with suppress(httpx.HTTPError, ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            for sender in range(8):
                group.create_task(stream(sender))
            group.create_task(killed())
    assert len(acknowledged) >= 100
    with receiving.file.open("ab") as file:  # as if it had been cut off within a line
        file.write(b'{"kind":"webhook","at":"2026')
    receiving.start()
    assert (await receiving.post(webhook("after", "spam"))).json() == {"kept": True}
    receiving.stop()
    kept = [one["itemId"] for one in receiving.lines()]
    assert acknowledged | {"after"} <= set(kept)
    assert len(kept) == len(set(kept))
    assert [one["what"] for one in receiving.lines("presence")][-2:] == ["started", "stopped"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (webhook("p"), {"coop-signature": "bm8="}, 401, "none of this body"),
        (webhook("p"), {"coop-signature": "ÿ" * 3}, 401, "none of this body"),
        (b"[1]", {}, 400, "cannot be read"),
        (b"\xff\xfe", {}, 400, "cannot be read"),
        (b'{"item":' + b"[" * 100_000, {}, 400, "cannot be read"),
        (json.dumps({"item": {"id": "p"}, "action": {"id": "a"}}).encode(), {}, 400, "typeId"),
        (webhook("p" * 513), {}, 400, "length"),
        (webhook("p", *(str(one) for one in range(1001))), {}, 400, "length"),
        (webhook("p", custom={"x": "y" * 1024 * 1024}), {}, 413, "1048576 bytes"),
    ],
    ids=["signature", "no-base64", "list", "bytes", "deep", "half", "id", "rules", "large"],
)
async def test_what_is_none_of_coops_is_refused(
    lasting: Receiving, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    """With the reason, and nothing of it is kept; the next one is taken."""
    before = lasting.lines()
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await lasting.post(body, **encoded)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert lasting.lines() == before
    assert (await lasting.post(webhook(reason, "spam", str(len(body))))).status_code == 200


async def test_a_stranger_and_another_algorithm_are_refused(lasting: Receiving) -> None:
    """Neither another key, nor PSS with the right one, nor a signature of another body."""
    body, before = webhook("strange", "spam"), lasting.lines()
    assert (await lasting.post(body, key=STRANGER)).status_code == 401
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signed = base64.b64encode(RSA_KEY.sign(body, pss, hashes.SHA256())).decode()
    assert (await lasting.post(body, **{"coop-signature": signed})).status_code == 401
    async with httpx.AsyncClient() as client:
        assert (await client.post(lasting.address, content=body)).status_code == 401
        assert (await client.get(lasting.address)).status_code == 405
    assert lasting.lines() == before


async def test_what_is_no_action_is_answered_and_not_kept(lasting: Receiving) -> None:
    """An appeal's outcome and an ignored item come to the same address."""
    before = lasting.lines()
    for body in (b'{"appealId":"a","item":{"id":"p","typeId":"post"}}', b'{"id":"p","data":{}}'):
        answer = await lasting.post(body)
        assert (answer.status_code, answer.json()["kept"]) == (200, False)
    assert lasting.lines() == before


async def test_a_body_without_an_end_is_cut_off(lasting: Receiving) -> None:
    """No more than some megabytes are read of a body in chunks, whatever its sender says."""

    async def endless() -> object:
        while True:
            yield b"x" * 65_536

    async with httpx.AsyncClient(timeout=DEADLINE) as client:
        with suppress(httpx.NetworkError):  # the answer comes while it still sends
            answer = await client.post(
                lasting.address,
                content=endless(),  # type: ignore[arg-type]
                headers={"coop-signature": "bm8="},
            )
            assert answer.status_code == 413
    assert (await lasting.post(webhook("next", "spam"))).status_code == 200


async def test_many_that_say_nothing_are_in_nobodys_way(lasting: Receiving) -> None:
    """Of six hundred connections without a request the oldest make room for a webhook."""
    host, port = lasting.address.removeprefix("http://").split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(600)]
    try:
        assert (await lasting.post(webhook("p1", "spam"))).status_code == 200
    finally:
        for one in silent:
            one.close()


async def test_a_full_file_and_a_second_receiver_are_told(tmp_path: Path) -> None:
    """503 with Retry-After where there is no room, and one writer for a file."""
    receiving = receiving_at(tmp_path, "--max-file", "600")
    receiving.start()
    try:
        for number in range(3):
            answer = await receiving.post(webhook(f"p{number}", "spam"))
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "60"
        assert "600 bytes" in answer.json()["error"]
        assert receiving.file.stat().st_size <= 600
        other = receiving_at(tmp_path)
        with pytest.raises(AssertionError, match="another receiver"):
            other.start()
    finally:
        receiving.kill()
