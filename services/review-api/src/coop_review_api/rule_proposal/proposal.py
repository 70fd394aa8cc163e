"""A change of a rule that one person asks for and another one answers.

    OPEN ──approve──▶ APPROVED    saved, in the same transaction
      ├────decline──▶ DECLINED
      ├───withdraw──▶ WITHDRAWN   by who asked
      ├────(a week)─▶ EXPIRED     said when it is looked at
      ├─(rule moved)▶ OUTDATED    said when it is looked at
      └─(asked anew)▶ REPLACED

Guarantees: every step is under the organisation's lock, so of two answers one counts; nobody
answers their own proposal; who asked and who approves both hold the permission when the rule is
saved; what is saved is what was shown, on the revision that it was made of, with every check of
saving. A step, its audit row, its news and the rule's revision are one transaction.
Must not: change a rule but by `DocumentKind.commit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from coop_contracts.config import Kind, Rule
from coop_contracts.ids import new_id
from coop_review_api.configuration import log
from coop_review_api.configuration.kind import RULES
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, RevisionMismatch
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.kind import (
    NotificationKind,
    ProposalData,
    ProposalDecidedData,
)
from coop_review_api.notification.store import News, tell_people
from coop_review_api.rule_proposal import store
from coop_review_api.rule_proposal.store import State

LASTS: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class ProposedChange:
    """What somebody asks for: the rule as it would be, the revision it was made of (0: it was
    deleted), and why."""

    rule: Rule
    base: int
    note: str


async def propose(
    configuration: LockedConfiguration, principal: Principal, asked: ProposedChange, *, mail: bool
) -> Row[Any]:
    """Ask for a second person. Raises what saving would raise, and `Conflict` where nobody has to
    agree, nobody else may, or somebody asks already."""
    connection, org_id, now = configuration.connection, configuration.org_id, configuration.now
    rule = asked.rule
    if not await log.is_known(connection, org_id, Kind.RULE, rule.id):
        raise Conflict("a new rule is saved in the background first, and then proposed to be live")
    previous = await configuration.check(Kind.RULE, rule, expected=asked.base)
    needed = await configuration.approval_of(previous.document if previous else None, rule)
    if needed is None:
        raise Conflict("nobody has to approve this change: save it")
    others = await store.approvers(connection, org_id, apart=principal.user_id)
    if not others:
        raise Conflict(
            "nobody else may approve: give somebody else the permission MUTATE_LIVE_RULES, or let "
            "the rule act on fewer items a day (maxDailyActions)"
        )
    await _make_room(configuration, principal, rule.id)
    proposal_id = new_id()
    row = await store.add(
        connection,
        proposal_id=proposal_id,
        org_id=org_id,
        rule_id=rule.id,
        base_revision=asked.base,
        rule=msgspec.json.encode(rule).decode(),
        expected=needed.forecast.items,
        basis=needed.forecast.basis,
        above=needed.above,
        note=asked.note,
        state="OPEN",
        proposed_by=principal.user_id,
        proposed_at=now,
        expires_at=now + LASTS,
    )
    await _record(configuration, principal, row, "proposed")
    data = ProposalData(
        proposal_id=proposal_id,
        rule_id=rule.id,
        proposed_rule=rule.name,
        by_id=principal.user_id,
        by_name=principal.name,
        expected=needed.forecast.items,
    )
    news = News(
        org_id=org_id,
        cause_id=f"rule-proposal {proposal_id}",
        kind=NotificationKind.RULE_PROPOSED,
        data=data,
        at=now,
    )
    await tell_people(connection, news, others, mail=mail)
    return row


async def approve(
    configuration: LockedConfiguration, principal: Principal, proposal_id: str, *, mail: bool
) -> Row[Any]:
    """Save the rule as it was proposed. The same person again gets the same answer. Raises what
    saving would raise, `RevisionMismatch` where the rule was changed since, `Conflict`."""
    connection, org_id = configuration.connection, configuration.org_id
    row = await store.get(connection, org_id, proposal_id)
    if row.state == "APPROVED" and row.decided_by == principal.user_id:
        return row
    await _check_open(configuration, row)
    if row.proposed_by == principal.user_id:
        raise Conflict("somebody else has to approve what you proposed")
    if not await store.may_change_live(connection, org_id, row.proposed_by):
        raise Conflict("who proposed this may no longer change live rules: somebody asks again")
    before = await log.read(connection, org_id, Kind.RULE, Rule, row.rule_id)
    entry = await RULES.commit(
        configuration,
        principal,
        before=before.document if before else None,
        after=msgspec.json.decode(row.rule, type=Rule),
        expected=row.base_revision,
        approved=True,
    )
    decided = await _decide(configuration, principal, row, "APPROVED", revision=entry.revision)
    await _tell_proposer(configuration, principal, decided, mail=mail)
    return decided


async def decline(
    configuration: LockedConfiguration,
    principal: Principal,
    proposal_id: str,
    *,
    reason: str,
    mail: bool,
) -> Row[Any]:
    """Leave the rule as it is. Raises `Conflict`."""
    row = await store.get(configuration.connection, configuration.org_id, proposal_id)
    await _check_open(configuration, row, moved=True)
    if row.proposed_by == principal.user_id:
        raise Conflict("withdraw what you proposed yourself")
    decided = await _decide(configuration, principal, row, "DECLINED", reason=reason)
    await _tell_proposer(configuration, principal, decided, mail=mail)
    return decided


async def withdraw(
    configuration: LockedConfiguration, principal: Principal, proposal_id: str
) -> Row[Any]:
    """Take one's own back. Raises `Conflict`."""
    row = await store.get(configuration.connection, configuration.org_id, proposal_id)
    await _check_open(configuration, row, moved=True)
    if row.proposed_by != principal.user_id:
        raise Conflict("only who proposed it withdraws it: decline it")
    return await _decide(configuration, principal, row, "WITHDRAWN")


async def _make_room(
    configuration: LockedConfiguration, principal: Principal, rule_id: str
) -> None:
    """One is open at a time: one's own, or one that nobody can approve any more, is replaced."""
    waiting = await store.waiting(configuration.connection, configuration.org_id, rule_id)
    if waiting is None:
        return
    state = await store.state_of(configuration.connection, waiting, now=configuration.now)
    if state == "OPEN" and waiting.proposed_by != principal.user_id:
        raise Conflict("somebody else proposed a change of this rule: answer that one first")
    await store.settle(
        configuration.connection,
        waiting.proposal_id,
        state="REPLACED",
        decided_by=principal.user_id,
        decided_at=configuration.now,
    )


async def _check_open(
    configuration: LockedConfiguration, row: Row[Any], *, moved: bool = False
) -> None:
    """`moved`: it may be of an earlier revision of the rule. Raises `Conflict`, or
    `RevisionMismatch`."""
    state = await store.state_of(configuration.connection, row, now=configuration.now)
    if state == "OUTDATED" and not moved:
        current = await store.revision_of(configuration.connection, row)
        raise RevisionMismatch(expected=row.base_revision, current=current)
    if state not in ("OPEN", "OUTDATED"):
        raise Conflict(f"this proposal is not open any more: it is {state.lower()}")


async def _decide(
    configuration: LockedConfiguration,
    principal: Principal,
    row: Row[Any],
    state: State,
    *,
    reason: str | None = None,
    revision: int | None = None,
) -> Row[Any]:
    decided = await store.settle(
        configuration.connection,
        row.proposal_id,
        state=state,
        decided_by=principal.user_id,
        decided_at=configuration.now,
        reason=reason,
        revision=revision,
    )
    await _record(configuration, principal, decided, state.lower())
    return decided


async def _tell_proposer(
    configuration: LockedConfiguration, principal: Principal, row: Row[Any], *, mail: bool
) -> None:
    rule = msgspec.json.decode(row.rule, type=Rule)
    data = ProposalDecidedData(
        proposal_id=row.proposal_id,
        rule_id=row.rule_id,
        proposed_rule=rule.name,
        by_id=principal.user_id,
        by_name=principal.name,
        approved=row.state == "APPROVED",
    )
    news = News(
        org_id=row.org_id,
        cause_id=f"rule-proposal {row.proposal_id} decided",
        kind=NotificationKind.RULE_PROPOSAL_DECIDED,
        data=data,
        at=configuration.now,
    )
    await tell_people(configuration.connection, news, [row.proposed_by], mail=mail)


async def _record(
    configuration: LockedConfiguration, principal: Principal, row: Row[Any], deed: str
) -> None:
    await audit.record(
        configuration.connection,
        org_id=row.org_id,
        actor=principal.user_id,
        action=f"rule-proposal.{deed}",
        target=(str(Kind.RULE), row.rule_id),
        detail={
            "proposal": row.proposal_id,
            "proposedBy": row.proposed_by,
            "expected": row.expected,
            "above": row.above,
            "revision": row.revision,
        },
        time=configuration.now,
    )
