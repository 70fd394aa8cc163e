"""A stand-in that is asked without a network, on a clock of the test's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from coop_ncmec_simulator.app import Simulator
from coop_ncmec_simulator.document import INTERFACE

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
USERS = {"esp": "password", "other": "password"}
REFERENCE = "0190a0b0-0000-7000-8000-000000000001"
XML = {"content-type": "text/xml; charset=utf-8"}

REPORT = f"""<?xml version="1.0" encoding="UTF-8"?>
<report>
  <incidentSummary>
    <incidentType>Child Sex Trafficking</incidentType>
    <incidentDateTime>2026-05-01T00:00:00Z</incidentDateTime>
  </incidentSummary>
  <reporter><reportingPerson><email>safety@example.com</email></reportingPerson></reporter>
  <personOrUserReported><espIdentifier>42</espIdentifier></personOrUserReported>
  <additionalInfo>Our reference: {REFERENCE}</additionalInfo>
</report>
"""


def details(report_id: int, file_id: str, more: str = "") -> str:
    """What describes a file."""
    return (
        f"<fileDetails><reportId>{report_id}</reportId><fileId>{file_id}</fileId>{more}"
        "</fileDetails>"
    )


def schema_file() -> Path:
    """NCMEC's schema, where the machine has it; else our own description of the interface."""
    return Path(os.environ.get("COOP_NCMEC_XSD") or INTERFACE)


def value(answer: httpx.Response, name: str) -> str:
    """The text of an element."""
    return answer.text.partition(f"<{name}>")[2].partition("<")[0]


@dataclass
class Caller:
    """Asks as the ESP does."""

    simulator: Simulator
    client: httpx.AsyncClient

    async def post(self, endpoint: str, document: str, **options: Any) -> httpx.Response:
        options = {"headers": XML} | options
        return await self.client.post(f"/ispws/{endpoint}", content=document.encode(), **options)

    async def form(self, endpoint: str, report_id: int, **options: Any) -> httpx.Response:
        # As documented: multipart.
        files = {"id": (None, str(report_id))}
        return await self.client.post(f"/ispws/{endpoint}", files=files, **options)

    async def upload(self, report_id: int, content: bytes, **options: Any) -> httpx.Response:
        files: dict[str, tuple[str | None, bytes | str]] = {
            "id": (None, str(report_id)),
            "file": ("picture.png", content),
        }
        return await self.client.post("/ispws/upload", files=files, **options)

    async def opened(self) -> int:
        answer = await self.post("submit", REPORT)
        assert answer.status_code == 200, answer.text
        return int(value(answer, "reportId"))

    async def plan(self, *faults: dict[str, Any]) -> None:
        answer = await self.client.post("/_sim/plan", json=list(faults))
        assert answer.status_code == 200, answer.text


def caller_of(simulator: Simulator) -> Caller:
    """Over the application itself."""
    transport = httpx.ASGITransport(simulator)
    client = httpx.AsyncClient(
        transport=transport, base_url="http://simulator", auth=("esp", "password")
    )
    return Caller(simulator, client)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    found = caller_of(Simulator(users=USERS, schema=schema_file(), clock=lambda: NOW))
    yield found
    await found.client.aclose()
