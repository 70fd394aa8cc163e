"""The live line: what the services have done since this supervisor started them.

Guarantees: a service's restart, which sets its metrics to zero, never makes a counter fall.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Counted:
    """One counter of the line: the sum of a metric's samples in one service with these labels."""

    label: str
    service: str
    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    gauge: bool = False
    """A gauge shows its value now; a counter what was added since the start."""


class Counters:
    """Reads the services' /metrics."""

    def __init__(self, counted: Sequence[Counted], metrics_urls: Mapping[str, str]) -> None:
        """`metrics_urls` by service name."""
        self._counted = counted
        self._urls = metrics_urls
        self._last = dict.fromkeys((one.label for one in counted), 0.0)
        self._total = dict.fromkeys((one.label for one in counted), 0.0)

    async def read(self, client: httpx.AsyncClient) -> dict[str, int]:
        """The counters now; a service that does not answer keeps its last value."""
        names = sorted({one.service for one in self._counted} & set(self._urls))
        texts = await asyncio.gather(*(_text(client, self._urls[name]) for name in names))
        for name, text in zip(names, texts, strict=True):
            if text is not None:
                self._take(name, text)
        return {label: int(value) for label, value in self._total.items()}

    def _take(self, service: str, text: str) -> None:
        mine = [one for one in self._counted if one.service == service]
        now = dict.fromkeys((one.label for one in mine), 0.0)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                for one in mine:
                    if sample.name == one.metric and one.labels.items() <= sample.labels.items():
                        now[one.label] += sample.value
        for one in mine:
            value, last = now[one.label], self._last[one.label]
            if one.gauge:
                self._total[one.label] = value
            else:
                self._total[one.label] += value - last if value >= last else value
            self._last[one.label] = value


def line_of(values: Mapping[str, int]) -> str:
    """The counters as one line."""
    return "  ".join(f"{label} {value:,}" for label, value in values.items())


async def _text(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        answer = await client.get(url)
    except httpx.HTTPError:
        return None
    return answer.text if answer.status_code == 200 else None
