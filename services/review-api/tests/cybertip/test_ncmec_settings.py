"""The NCMEC settings: complete or refused, and their secrets read by nobody."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from coop_review_api.configuration.table import config_current, config_log
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

PATH = "/v1/ncmec-settings"
WHOLE = {
    "enabled": True,
    "username": "esp",
    "password": "very-secret-value",
    "companyReportName": "Example",
    "legalUrl": "https://example.com/legal",
    "contactEmail": "safety@example.com",
}


async def test_they_are_there_and_say_what_is_missing(admin: Any) -> None:
    """Before anybody saved them: not enabled, nothing in them."""
    shown = (await admin.call("GET", PATH)).json()
    assert shown["enabled"] is False
    assert shown["hasPassword"] is False
    assert shown["missing"] == [
        "username",
        "password",
        "companyReportName",
        "legalUrl",
        "contactEmail",
    ]


@pytest.mark.parametrize("left_out", sorted(WHOLE.keys() - {"enabled"}))
async def test_what_is_not_complete_is_not_enabled(admin: Any, left_out: str) -> None:
    """It is refused by the name of what is missing; saved without being enabled it may be."""
    part = {name: value for name, value in WHOLE.items() if name != left_out}
    refused = await admin.call("PUT", PATH, part)
    assert refused.status_code == 422, refused.text
    assert f"/{left_out}" in refused.text
    kept = await admin.call("PUT", PATH, {**part, "enabled": False})
    assert kept.status_code == 200, kept.text
    assert kept.json()["missing"] == [left_out]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("legalUrl", "example"),
        ("contactEmail", "safety"),
        ("additionalInfoEndpoint", "http://10.0.0.1/info"),
        ("preservationEndpoint", "ftp://example.com"),
        ("productionQueueIds", ["none"]),
        ("termsOfService", "x" * 3001),
    ],
)
async def test_what_could_not_be_used_is_refused(admin: Any, name: str, value: Any) -> None:
    """Addresses, those that this system may not ask, queues that are none, what is too long."""
    refused = await admin.call("PUT", PATH, {**WHOLE, name: value})
    assert refused.status_code in (400, 422), refused.text
    assert name in refused.text


async def test_a_queue_of_real_reports_stays(admin: Any) -> None:
    """While the settings name it, it is not deleted."""
    queue_id = (await admin.make("/v1/queues", {"name": "Real"}))["id"]
    saved = await admin.call("PUT", PATH, {**WHOLE, "productionQueueIds": [queue_id]})
    assert saved.status_code == 200, saved.text
    assert (await admin.call("DELETE", f"/v1/queues/{queue_id}")).status_code == 409


async def test_the_password_is_read_by_nobody(admin: Any, engine: Any, context: Any) -> None:
    """Not in an answer, a revision, the log or on its way to the topic; null keeps it, an empty
    text forgets it."""
    headers = {"authorization": "another-secret"}
    saved = await admin.call("PUT", PATH, {**WHOLE, "additionalInfoHeaders": headers})
    assert saved.json()["hasPassword"] is True
    assert saved.json()["additionalInfoHeaderNames"] == ["authorization"]
    answers = [
        saved.text,
        (await admin.call("GET", PATH)).text,
        (await admin.call("GET", f"{PATH}/revisions")).text,
        (await admin.call("GET", f"{PATH}/revisions/{saved.json()['revision']}/changes")).text,
    ]
    org_id = (await admin.call("GET", "/v1/session")).json()["org"]["id"]
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            select(config_current.c.document["password"].astext).where(
                config_current.c.org_id == org_id, config_current.c.kind == "ncmec-settings"
            )
        )
        log = str(list(await connection.execute(select(config_log.c.document))))
        sent = b"".join(await connection.scalars(select(outbox.c.value)))
    bound = f"{org_id}/ncmec-settings/settings"
    assert context.vault.decrypt(stored, context=bound) == "very-secret-value"
    for secret in ("very-secret-value", "another-secret", stored):
        assert all(secret not in answer for answer in answers)
    for secret in ("very-secret-value", "another-secret"):
        assert secret not in log
        assert secret.encode() not in sent
    kept = await admin.call("PUT", PATH, {**WHOLE, "password": None})
    assert kept.json()["hasPassword"] is True
    forgotten = await admin.call("PUT", PATH, {**WHOLE, "password": "", "enabled": False})
    assert forgotten.json()["hasPassword"] is False
