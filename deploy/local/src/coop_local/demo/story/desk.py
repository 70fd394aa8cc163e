"""The story's reviewers: each decides a few named jobs, through review-api as a person would.

Guarantees: a job that somebody decided already is left alone, so that it can be done again.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, Final

import msgspec

from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.state import DemoState

_WAIT_S: Final = 120
_POLL_S: Final = 0.5


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person with the role `by` says of an item: an action, or that its author is looked
    at by child safety; without either: no violation."""

    item: str
    by: str
    action: str | None = None
    policy: str | None = None
    reason: str | None = None
    escalates: bool = False


class Tip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user whom the person with the role `by` reports to NCMEC, for the pictures of an item."""

    user: str
    item: str
    by: str
    incident: str
    classification: str
    note: str


class Appeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `by` says of what was done about their item, so many hours ago."""

    item: str
    by: str
    action: str
    reason: str
    ago: float


class StoryDesk:
    """All reviewers of the story, for the organisation of `state`."""

    def __init__(self, review_url: str, state: DemoState) -> None:
        self._review_url = review_url
        self._state = state
        text = resources.files("coop_local.demo.story").joinpath("decisions.toml").read_text()
        read = tomllib.loads(text)
        self._verdicts = msgspec.convert(read["decision"], list[Verdict])
        self._tips = msgspec.convert(read["cybertip"], list[Tip])
        self._appeals = msgspec.convert(read["appeal"], list[Appeal])

    async def decide(self) -> None:
        """Every verdict, once its job is there. Raises ConsoleError."""
        async with AsyncExitStack() as open_consoles:
            signed_in: dict[str, ConsoleClient] = {}
            for verdict in self._verdicts:
                if verdict.by not in signed_in:
                    console = await open_consoles.enter_async_context(
                        ConsoleClient(self._review_url)
                    )
                    user = self._state.user(verdict.by)
                    await console.log_in(user.email, user.password)
                    signed_in[verdict.by] = console
                await self._decide(signed_in[verdict.by], verdict)

    async def report(self) -> None:
        """Every report to NCMEC, once the job about its user is there. Raises ConsoleError."""
        for tip in self._tips:
            async with ConsoleClient(self._review_url) as console:
                user = self._state.user(tip.by)
                await console.log_in(user.email, user.password)
                await self._report(console, tip)

    async def _report(self, console: ConsoleClient, tip: Tip) -> None:
        job = await self._job_of(console, tip.user, kind="NCMEC")
        if job["state"] != "PENDING":
            return
        claim = await console.call("POST", f"/v1/jobs/{job['id']}/claims")
        media = (await console.call("GET", f"/v1/jobs/{job['id']}/user-media"))["items"]
        pictures = [one for one in media if one["item"]["id"] == tip.item]
        for one in pictures:
            # What is classified was looked at whole.
            seen = {"stage": "clear", "jobId": job["id"]}
            await console.call("POST", f"/v1/media/{one['ref']}/reveal", seen)
        report = {
            "incident": tip.incident,
            "environment": "TEST",
            "confirmedUserId": tip.user,
            "additionalInfo": tip.note,
            "media": [
                {
                    "item": one["item"],
                    "pointer": one["pointer"],
                    "classification": tip.classification,
                }
                for one in pictures
            ],
        }
        await console.call(
            "POST",
            f"/v1/jobs/{job['id']}/decisions",
            {
                "leaseToken": claim["lease"]["token"],
                "components": [{"type": "SUBMIT_NCMEC_REPORT", "report": report}],
            },
        )

    async def appeals(self, items: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """What is appealed, as the platform sends it. `items` by id."""
        ids, now = self._state.ids, datetime.now(UTC)
        return [
            {
                "appealId": f"appeal-{one.item}",
                "appealedBy": {"id": one.by, "typeId": ids["item-types"]["Profile"]},
                "appealedAt": (now - timedelta(hours=one.ago)).isoformat(),
                "actionedItem": items[one.item],
                "actionsTaken": [ids["actions"][one.action]],
                "appealReason": one.reason,
            }
            for one in self._appeals
        ]

    async def _decide(self, console: ConsoleClient, verdict: Verdict) -> None:
        job = await self._job_of(console, verdict.item)
        if job["state"] != "PENDING":
            return
        claim = await console.call("POST", f"/v1/jobs/{job['id']}/claims")
        await console.call(
            "POST",
            f"/v1/jobs/{job['id']}/decisions",
            {"leaseToken": claim["lease"]["token"], **self._said(verdict)},
        )

    async def _job_of(
        self, console: ConsoleClient, item: str, *, kind: str = "DEFAULT"
    ) -> dict[str, Any]:
        """The item's newest job of that kind; it may take a moment until it is there. Raises
        TimeoutError."""
        async with asyncio.timeout(_WAIT_S):
            while True:
                found = await console.call("GET", f"/v1/jobs?itemId={item}&kind={kind}&limit=1")
                if found["items"]:
                    job: dict[str, Any] = found["items"][0]
                    return job
                await asyncio.sleep(_POLL_S)

    def _said(self, verdict: Verdict) -> dict[str, Any]:
        if verdict.escalates:
            return {"components": [{"type": "ESCALATE_TO_NCMEC"}], "reason": verdict.reason}
        if verdict.action is None:
            return {"components": [{"type": "IGNORE"}]}
        ids = self._state.ids
        component = {
            "type": "CUSTOM_ACTION",
            "actionIds": [ids["actions"][verdict.action]],
            "policyIds": [ids["policies"][verdict.policy]] if verdict.policy else [],
        }
        return {"components": [component], "reason": verdict.reason}
