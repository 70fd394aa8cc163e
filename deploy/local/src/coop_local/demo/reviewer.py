"""A scripted reviewer: empties the queues but those of appeals and of child safety as a moderator
would, through review-api. Whoever appeals is answered by a person.

Guarantees: it does only what the API lets a moderator do; it repeats a request whose answer was
lost, as a browser would after a fault, and counts on the server to do it once; after a fault it
asks what it holds, as a page does that was loaded again.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from coop_local.demo.console_client import ConsoleClient, ConsoleError
from coop_local.demo.document import CHILD_SAFETY_QUEUE

_LEFT_ALONE = ("Appeals", CHILD_SAFETY_QUEUE)
_IDLE_S = 0.25
_FAULT_PAUSE_S = 0.3
_GIVE_UP_S = 60.0
_ABUSE = ("idiot", "loser", "hate", "clown", "hurt")
_SELLING = ("call", "text", "txt", "reply", "msg", "win", "free", "prize", "cash", "http", "www")


class ScriptedReviewer:
    """`decided` maps job id → item id of every job this reviewer finished. One that `skips` leaves
    some jobs to its colleagues."""

    def __init__(
        self,
        console: ConsoleClient,
        *,
        email: str,
        password: str,
        ids: dict[str, dict[str, str]],
        skips: bool = False,
    ) -> None:
        self._console = console
        self._skips = skips
        self._email = email
        self._password = password
        self._ids = ids
        self.decided: dict[str, str] = {}
        self.moved: set[str] = set()
        self.skipped: set[str] = set()
        self._may_hold = False

    async def work(self, stop: asyncio.Event) -> None:
        """Takes job after job from its queues until `stop` is set."""
        signed_in = False
        while not stop.is_set():
            try:
                if not signed_in:
                    await self._console.log_in(self._email, self._password)
                    signed_in = True
                if self._may_hold:
                    await self._take_up()
                if not await self._one_round():
                    await asyncio.sleep(_IDLE_S)
            except httpx.TransportError:
                self._may_hold = True
                await asyncio.sleep(_FAULT_PAUSE_S)
            except ConsoleError as error:
                self._may_hold = True
                if error.status == 401:
                    signed_in = False
                elif error.status < 500 and error.status != 409:
                    raise
                await asyncio.sleep(_FAULT_PAUSE_S)

    async def _take_up(self) -> None:
        """What a claim gave whose answer was lost."""
        for held in (await self._console.call("GET", "/v1/claims"))["items"]:
            job = await self._console.call("GET", f"/v1/jobs/{held['job']['id']}")
            await self._handle({"job": job, "lease": held["lease"]}, job["queueId"])
        self._may_hold = False

    async def _one_round(self) -> bool:
        worked = False
        for name, queue_id in self._ids["queues"].items():
            if name in _LEFT_ALONE:
                continue
            claim = await self._console.call("POST", f"/v1/queues/{queue_id}/claims")
            if claim:
                await self._handle(claim, queue_id)
                worked = True
        return worked

    async def _handle(self, claim: dict[str, Any], queue_id: str) -> None:
        job, token = claim["job"], claim["lease"]["token"]
        text = str(job["payload"]["item"]["data"].get("text", "")).lower()
        item_id = job["payload"]["item"]["id"]
        if self._skips and sum(item_id.encode()) % 23 == 0:
            await self._console.call("POST", f"/v1/jobs/{job['id']}/skip", {"leaseToken": token})
            self.skipped.add(job["id"])
            return
        spam = self._ids["queues"]["Spam"]
        selling = sum(word in text for word in _SELLING) >= 2
        if selling and queue_id != spam and item_id not in self.moved:
            self.moved.add(item_id)
            components: list[dict[str, Any]] = [{"type": "MOVE", "queueId": spam}]
        elif selling:
            components = [self._act("Remove", "Unwanted advertising")]
        elif any(word in text for word in _ABUSE):
            components = [self._act("Warn author", "Insults")]
        else:
            components = [{"type": "IGNORE"}]
        await self._decide(job["id"], {"leaseToken": token, "components": components})
        if components[0]["type"] != "MOVE":
            self.decided[job["id"]] = item_id

    def _act(self, action: str, policy: str) -> dict[str, Any]:
        return {
            "type": "CUSTOM_ACTION",
            "actionIds": [self._ids["actions"][action]],
            "policyIds": [self._ids["policies"][policy]],
        }

    async def _decide(self, job_id: str, decision: dict[str, Any]) -> None:
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            try:
                await self._console.call("POST", f"/v1/jobs/{job_id}/decisions", decision)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the decision on job {job_id} was not taken") from error
                await asyncio.sleep(_FAULT_PAUSE_S)
            else:
                return
