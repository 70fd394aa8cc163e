"""What contradicts an audit chain that is whole in itself: the ledger of its anchors, a copy kept
elsewhere, and the configuration in force. Each test has a database to tamper with of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_audit.chain import verify
from coop_audit.witness import Head
from coop_local.testing import Databases
from coop_review_api.audit.anchor import Anchorer
from coop_review_api.kernel import audit
from coop_review_api.organisation import creation as organisation
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.secret.vault import Vault

from ..world.database import migrated

pytestmark = pytest.mark.engines

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VICTIM, OTHER = "victim", "other"


@pytest.fixture
async def own(databases: Databases) -> AsyncIterator[AsyncEngine]:
    """A superuser's engine of a new database whose triggers are off: whoever owns it."""
    url = databases.make(migrated)
    engine = engine_of(url, pool_size=2, application_name="test")
    yield engine
    await engine.dispose()
    databases.drop(url)


async def write(engine: AsyncEngine, org_id: str) -> None:
    async with transaction(engine) as connection:
        await audit.record(
            connection, org_id=org_id, actor="somebody", action="thing.done", time=NOW
        )


async def tamper(engine: AsyncEngine, *statements: str) -> None:
    """As somebody who owns the database: no trigger stops them."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await connection.execute(text(statement))


@pytest.fixture
async def anchored(own: AsyncEngine, vault: Vault) -> AsyncEngine:
    """Four passes: of both organisations, of the victim's alone, of the other's, of both."""
    anchorer = Anchorer(own, vault, clock=lambda: NOW)
    for orgs in ((VICTIM, OTHER), (VICTIM,), (OTHER,), (VICTIM, OTHER)):
        for org_id in orgs:
            await write(own, org_id)
        assert await anchorer.anchor() == len(orgs)
    return own


async def kinds(engine: AsyncEngine, vault: Vault | None, **more: Any) -> set[tuple[str, Any]]:
    report = await verify(engine, vault, **more)
    return {(fault.kind, fault.sequence) for fault in report.faults}


async def test_a_whole_ledger_has_no_fault(anchored: AsyncEngine, vault: Vault) -> None:
    """Every anchor is counted once, the ledger's rows not; what came after the last is said."""
    report = await verify(anchored, vault)
    assert (report.faults, report.anchors, report.unanchored) == ([], 6, 0)
    await write(anchored, VICTIM)
    await write(anchored, VICTIM)
    assert (await verify(anchored, vault)).unanchored == 2
    assert await kinds(anchored, None) == set()


CUT = (
    "DELETE FROM review.audit_log a USING review.audit_chain c WHERE c.source = 'AUDIT'"
    " AND c.row_id = a.audit_id AND c.chain = 'victim' AND c.sequence > {0}",
    "DELETE FROM review.audit_chain WHERE chain = 'victim' AND sequence > {0}",
    "DELETE FROM review.audit_anchors WHERE chain = 'victim' AND sequence > {0}",
)


@pytest.mark.parametrize("kept", [2, 1, 0])
async def test_newest_rows_deleted_with_their_anchors(
    anchored: AsyncEngine, vault: Vault, kept: int
) -> None:
    """The newest rows of an organisation, or all of them, gone from log, chain and anchors alike:
    the passes that they were in do not add up, also after the relay went on."""
    await tamper(anchored, *(statement.format(kept) for statement in CUT))
    gone = {("LEDGER", number) for number in (1, 2, 4)[kept:]}
    assert await kinds(anchored, vault) == gone
    await write(anchored, VICTIM)
    await Anchorer(anchored, vault, clock=lambda: NOW).anchor()
    assert await kinds(anchored, vault) == gone


async def test_a_ledger_cut_short(anchored: AsyncEngine, vault: Vault) -> None:
    """Its newest passes deleted, the anchors of others remain beside it; a pass deleted in the
    midst is missed; one that was made without the key is told."""
    await tamper(
        anchored,
        *(statement.format(0) for statement in CUT),
        "DELETE FROM review.audit_anchors WHERE chain = 'anchors'",
    )
    assert await kinds(anchored, vault) == {("LEDGER", 1)}


async def test_a_pass_deleted_or_forged(anchored: AsyncEngine, vault: Vault) -> None:
    """A pass deleted with all its anchors is missed; a ledger that was computed anew lacks the
    key."""
    await tamper(
        anchored,
        "UPDATE review.audit_anchors SET mac = 'v1.00000000.00' WHERE chain = 'anchors'"
        " AND sequence = 4",
    )
    assert await kinds(anchored, vault) == {("LEDGER", 4)}
    await tamper(
        anchored,
        "DELETE FROM review.audit_anchors a USING review.audit_anchors p WHERE p.chain = 'anchors'"
        " AND p.sequence = 2 AND a.anchored_at = p.anchored_at",
    )
    assert ("LEDGER", 2) in await kinds(anchored, vault)


async def test_everything_since_a_moment_deleted(anchored: AsyncEngine, vault: Vault) -> None:
    """Of everybody, ledger included, as a backup put back would leave it: a copy of the heads that
    was kept elsewhere tells, a copy from before that moment does not object."""
    heads = [
        Head(chain=chain, sequence=sequence, hash=head)
        for chain, (sequence, head) in (await verify(anchored, vault)).heads.items()
    ]
    await tamper(
        anchored,
        *(statement.format(2) for statement in CUT),
        *(statement.format(2).replace("victim", "other") for statement in CUT),
        "DELETE FROM review.audit_anchors WHERE chain = 'anchors' AND sequence = 4",
    )
    assert await kinds(anchored, vault) == set()
    assert await kinds(anchored, vault, known=heads) == {("KNOWN", 3)}
    now = (await verify(anchored, vault)).heads
    earlier = [Head(chain=chain, sequence=at[0], hash=at[1]) for chain, at in now.items()]
    assert await kinds(anchored, vault, known=earlier) == set()
    wrong = [Head(chain=VICTIM, sequence=1, hash="00")]
    assert await kinds(anchored, vault, known=wrong) == {("KNOWN", 1)}


async def test_configuration_changed_beside_the_log(
    own: AsyncEngine, vault: Vault, passwords: Any, clock: Any
) -> None:
    """What is in force and what the log says last are the same: a document changed or taken away
    in the one alone is named."""
    async with transaction(own) as connection:
        await organisation.create(
            connection,
            name="Acme",
            admin_email="admin@acme.example",
            admin_password="correct horse battery",
            vault=vault,
            passwords=passwords,
            clock=clock,
        )
    assert await kinds(own, vault) == set()
    for statement in (
        'UPDATE review.config_current SET document = document || \'{"name": "X"}\''
        " WHERE kind = 'settings'",
        "DELETE FROM review.config_current WHERE kind = 'settings'",
    ):
        await tamper(own, statement)
        assert await kinds(own, vault) == {("CURRENT", None)}


async def test_keys_are_rotated(anchored: AsyncEngine, vault: Vault) -> None:
    """Anchors under an older key of COOP_SECRET_KEYS are good as long as it is in the list; without
    it that they cannot be checked is a fault, not silence."""
    newer = Vault([b"n" * 32, b"k" * 32])
    await write(anchored, VICTIM)
    await Anchorer(anchored, newer, clock=lambda: NOW).anchor()
    assert await kinds(anchored, newer) == set()
    assert await kinds(anchored, None) == set()
    faults = (await verify(anchored, Vault([b"n" * 32]))).faults
    assert {fault.kind for fault in faults} == {"ANCHOR", "LEDGER"}
    assert all("no key with the id" in fault.what for fault in faults)


async def test_a_hundred_thousand_rows(own: AsyncEngine, vault: Vault) -> None:
    """Are verified within a minute, in pages."""
    many = (
        "INSERT INTO review.audit_log (org_id, actor, action, time, detail)"
        " SELECT 'org-' || n % 7, 'somebody', 'thing.done', now(), jsonb_build_object('n', n)"
        " FROM generate_series({0}, {0} + 9999) AS n"
    )
    for first in range(0, 100_000, 10_000):
        async with own.begin() as connection:
            await connection.execute(text(many.format(first)))
    began = time.monotonic()
    report = await verify(own, vault)
    assert (report.entries, report.faults) == (100_000, [])
    assert time.monotonic() - began < 60
