"""Zentropi: labelers that an organisation has made of its own policies.

Guarantees: the score is 0 for surely not, 0.5 for unsure, 1 for surely: the confidence where the
label is 1, one minus it where the label is 0.
Must not: choose a labeler: the condition's subcategory names its version.

POST /v1/label `{"content_text", "labeler_version_id"}` gives `{"label": 0 or 1, "confidence"}`;
https://docs.zentropi.ai/
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coop_rules.language.need import Need
from coop_signals.api import Api, bearer
from coop_signals.error import InputRefused, UnexpectedAnswer
from coop_signals.provider import (
    Answer,
    Call,
    CallLimits,
    Provider,
    ProviderQuestion,
    Score,
    text_of,
)

INTEGRATION = "ZENTROPI"


class _Labelled(Struct, frozen=True):
    label: Literal[0, 1, "0", "1"]
    confidence: float


class Zentropi(Provider):
    """A score from 0 to 1."""

    id = "ZENTROPI"
    integration_id = INTEGRATION
    requires_account = True
    signals = frozenset({"ZENTROPI_LABELER"})
    limits = CallLimits(timeout=5.0, concurrency=16)

    def __init__(self, api: Api, *, limits: CallLimits | None = None) -> None:
        self.limits = limits or self.limits
        self._api = api

    def question(self, need: Need, value: object) -> ProviderQuestion:
        if not need.subcategory:
            raise InputRefused("the condition names no labeler version")
        return ProviderQuestion("label", text_of(value), need.subcategory)

    async def fetch(self, call: Call) -> Answer:
        answer = await self._api.post(
            "/v1/label",
            _Labelled,
            headers=bearer(call.account),
            timeout=self.limits.timeout,
            json={
                "content_text": call.question.content,
                "labeler_version_id": call.question.argument,
            },
        )
        if not 0 <= answer.confidence <= 1:
            raise UnexpectedAnswer("Zentropi gave a confidence that is none")
        return answer.confidence if int(answer.label) == 1 else 1 - answer.confidence

    def score(self, need: Need, answer: Answer) -> Score:  # noqa: ARG002
        if not isinstance(answer, float | int):
            raise UnexpectedAnswer("Zentropi gave no score")
        return float(answer)
