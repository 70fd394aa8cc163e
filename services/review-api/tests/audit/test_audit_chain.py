"""The audit chain: what was written is verified, what was altered is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_audit.chain import Report, verify
from coop_contracts.ids import new_id
from coop_review_api.audit.anchor import Anchorer
from coop_review_api.kernel import audit
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.secret.vault import Vault

pytestmark = pytest.mark.engines

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


async def write(connection: AsyncConnection, org_id: str, action: str = "thing.done") -> None:
    await audit.record(
        connection,
        org_id=org_id,
        actor="somebody",
        action=action,
        target=("thing", "ä\u2028 ✓"),
        detail={"number": 1.50, "nothing": None, "text": 'a "quoted" ü'},
        time=NOW,
    )


@pytest.fixture
async def chain(engine: AsyncEngine) -> str:
    """The id of an organisation with seven audit rows."""
    org_id = new_id()
    for number in range(7):
        async with transaction(engine) as connection:
            await write(connection, org_id, f"thing.done{number}")
    return org_id


@pytest.fixture
async def superuser(review_admin_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(review_admin_url, pool_size=2, application_name="test")
    yield made
    await made.dispose()


@asynccontextmanager
async def tampering(superuser: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction of somebody who may do everything in the database: no trigger stops them."""
    async with superuser.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


async def faults(engine: AsyncEngine, org_id: str, vault: Vault | None = None) -> list[Any]:
    report = await verify(engine, vault, org_id=org_id)
    return [(fault.kind, fault.sequence) for fault in report.faults]


async def test_what_was_written_is_verified(engine: AsyncEngine, chain: str, vault: Vault) -> None:
    """Rows of every shape verify; the head moves with each of them."""
    report = await verify(engine, vault, org_id=chain)
    assert report.faults == []
    assert report.entries == 7
    assert report.heads[chain][0] == 7


async def test_configuration_is_in_the_same_chain(
    admin: Any, org: Any, engine: AsyncEngine, vault: Vault
) -> None:
    """A configuration change, and a sign-in, are entries of the organisation's one chain."""
    before = await verify(engine, vault, org_id=org.org_id)
    await admin.make("/v1/policies", {"name": "Chained — ünïcode"})
    after = await verify(engine, vault, org_id=org.org_id)
    assert (before.faults, after.faults) == ([], [])
    assert after.entries > before.entries
    async with engine.connect() as connection:
        sources = await connection.scalars(
            text("SELECT DISTINCT source FROM review.audit_chain WHERE chain = :org"),
            {"org": org.org_id},
        )
    assert set(sources) == {"AUDIT", "CONFIG"}


async def test_the_audit_log_is_read_in_the_chains_order(
    admin: Any, org: Any, engine: AsyncEngine, vault: Vault
) -> None:
    """The API shows deeds in the chain's order, by pages, with the hashes that the verification
    computes; whoever reads it leaves an entry."""
    policy = await admin.make("/v1/policies", {"name": "Seen"})
    listed = (await admin.call("GET", "/v1/audit-log", params={"limit": 3})).json()
    entries = listed["items"]
    while listed["nextCursor"]:
        path = "/v1/audit-log"
        listed = (
            await admin.call("GET", path, params={"limit": 3, "cursor": listed["nextCursor"]})
        ).json()
        entries += listed["items"]
    sequences = [entry["sequence"] for entry in entries]
    assert sequences == sorted(set(sequences), reverse=True)
    saved = [entry for entry in entries if entry["targetId"] == policy["id"]]
    assert [(one["action"], one["actor"]) for one in saved] == [("config.saved", admin.user_id)]
    report = await verify(engine, vault, org_id=org.org_id)
    newest = (await admin.call("GET", "/v1/audit-log", params={"action": "audit-log.read"})).json()
    assert newest["items"][0]["sequence"] == report.heads[org.org_id][0]
    assert newest["items"][0]["hash"] == report.heads[org.org_id][1]
    nothing = await admin.call("GET", "/v1/audit-log", params={"actor": "nobody"})
    assert nothing.json() == {"items": [], "nextCursor": None}


async def test_nothing_of_a_transaction_that_failed_is_chained(
    engine: AsyncEngine, chain: str
) -> None:
    """A rollback leaves neither a row nor a place in the chain."""

    async def fail() -> None:
        async with transaction(engine) as connection:
            await write(connection, chain)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await verify(engine, None, org_id=chain)).heads[chain][0] == 7


async def test_many_at_once_are_one_chain(engine: AsyncEngine, chain: str) -> None:
    """Forty concurrent transactions, two rows each, leave a whole chain without a deadlock."""

    async def one() -> None:
        async with transaction(engine) as connection:
            await write(connection, chain)
            await write(connection, chain)

    await asyncio.gather(*(one() for _ in range(40)))
    report = await verify(engine, None, org_id=chain)
    assert report.faults == []
    assert report.heads[chain][0] == 87


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'another'"),
        ("action", "'thing.undone'"),
        ("target_id", "NULL"),
        ("time", "time + interval '1 microsecond'"),
        ("detail", "detail || '{\"more\": 1}'"),
        ("org_id", "'other'"),
    ],
)
async def test_a_changed_row_is_found(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str, column: str, value: str
) -> None:
    """Whatever of a row is changed, the chain breaks at its place and nowhere else."""
    async with tampering(superuser) as connection:
        await connection.execute(
            text(
                f"UPDATE review.audit_log SET {column} = {value}"
                " WHERE org_id = :org AND action = 'thing.done3'"
            ),
            {"org": chain},
        )
    assert ("CHANGED", 4) in await faults(engine, chain)
    assert len(await faults(engine, chain)) == 1


async def test_a_deleted_row_is_found(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str
) -> None:
    """A row that is gone is named, whether its entry of the chain went with it or not."""
    async with tampering(superuser) as connection:
        gone = await connection.scalar(
            text(
                "DELETE FROM review.audit_log WHERE org_id = :org AND action = 'thing.done3'"
                " RETURNING audit_id"
            ),
            {"org": chain},
        )
    assert await faults(engine, chain) == [("DELETED", 4)]
    async with tampering(superuser) as connection:
        await connection.execute(
            text("DELETE FROM review.audit_chain WHERE source = 'AUDIT' AND row_id = :id"),
            {"id": gone},
        )
    assert await faults(engine, chain) == [("MISSING", 4)]


async def test_another_order_is_found(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str
) -> None:
    """Two entries that changed places break the chain at both."""
    async with tampering(superuser) as connection:
        for of, to in ((3, -3), (5, 3), (-3, 5)):
            await connection.execute(
                text(
                    "UPDATE review.audit_chain SET sequence = :to"
                    " WHERE chain = :org AND sequence = :of"
                ),
                {"org": chain, "of": of, "to": to},
            )
    found = await faults(engine, chain)
    assert ("CHANGED", 3) in found
    assert ("CHANGED", 5) in found


async def test_a_row_beside_the_chain_is_found(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str
) -> None:
    """A row put in while the triggers were off is not in the chain, and that is said."""
    async with tampering(superuser) as connection:
        await write(connection, chain, "thing.invented")
    assert await faults(engine, chain) == [("UNCHAINED", None)]


async def test_a_chain_computed_anew_contradicts_its_anchor(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str, vault: Vault
) -> None:
    """Whoever changes a row and computes the whole chain again is found by the anchor, and cannot
    make another anchor."""
    await anchor_all(engine, vault)
    async with tampering(superuser) as connection:
        await connection.execute(
            text(
                "UPDATE review.audit_log SET actor = 'another'"
                " WHERE org_id = :org AND action = 'thing.done3'"
            ),
            {"org": chain},
        )
        await connection.execute(
            text("DELETE FROM review.audit_chain WHERE chain = :org"), {"org": chain}
        )
        await connection.execute(text("SELECT set_config('test.org', :org, true)"), {"org": chain})
        await connection.execute(text(CHAIN_AGAIN))
    assert await faults(engine, chain, vault) == [("ANCHOR", 7)]
    async with tampering(superuser) as connection:
        await connection.execute(
            text(
                """
                UPDATE review.audit_anchors n SET hash = c.hash FROM review.audit_chain c
                 WHERE n.chain = :org AND c.chain = n.chain AND c.sequence = n.sequence
                """
            ),
            {"org": chain},
        )
    assert await faults(engine, chain) == []  # without the key, of one chain alone, nothing is seen
    assert await faults(engine, chain, vault) == [("ANCHOR", 7)]


async def test_a_chain_cut_short_contradicts_its_anchor(
    engine: AsyncEngine, superuser: AsyncEngine, chain: str, vault: Vault
) -> None:
    """The newest rows and their entries deleted together are missed by the anchor."""
    await anchor_all(engine, vault)
    async with tampering(superuser) as connection:
        await connection.execute(
            text(
                """
                WITH cut AS (DELETE FROM review.audit_chain
                              WHERE chain = :org AND sequence > 5 RETURNING row_id)
                DELETE FROM review.audit_log a USING cut WHERE a.audit_id = cut.row_id
                """
            ),
            {"org": chain},
        )
    assert await faults(engine, chain, vault) == [("ANCHOR", 7)]


async def test_a_head_is_anchored_once(engine: AsyncEngine, chain: str, vault: Vault) -> None:
    """Two that anchor at the same time make one anchor of a head; a head that stays, none."""
    anchorer = Anchorer(engine, vault, clock=lambda: NOW)
    await asyncio.gather(anchorer.anchor(), anchorer.anchor())
    report: Report = await verify(engine, vault, org_id=chain)
    assert (report.anchors, report.faults) == (1, [])


@pytest.mark.parametrize("table", ["audit_log", "config_log", "audit_chain", "audit_anchors"])
@pytest.mark.parametrize("change", ["DELETE FROM review.{}", "TRUNCATE review.{} CASCADE"])
async def test_the_service_itself_cannot_change_the_past(
    engine: AsyncEngine, chain: str, table: str, change: str
) -> None:
    """The service's role may append, and no more."""
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        async with engine.begin() as connection:
            await connection.execute(text(change.format(table)))


async def anchor_all(engine: AsyncEngine, vault: Vault) -> None:
    anchorer = Anchorer(engine, vault, clock=lambda: NOW)
    while await anchorer.anchor():
        pass


CHAIN_AGAIN = """
DO $$
DECLARE
    r review.audit_log;
BEGIN
    FOR r IN SELECT * FROM review.audit_log
              WHERE org_id = current_setting('test.org') ORDER BY audit_id LOOP
        PERFORM review.chain_append(r.org_id, 'AUDIT', r.audit_id, sha256(review.chain_fields(
            'AUDIT', r.audit_id::text, r.org_id, review.chain_time(r.time), r.actor, r.action,
            r.target_kind, r.target_id, r.detail::text)));
    END LOOP;
END
$$
"""
