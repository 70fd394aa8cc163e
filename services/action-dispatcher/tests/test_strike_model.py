"""Strikes against a plain model in memory, step by step, over histories hypothesis makes up."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.config import Kind, OrgSettings, StrikeThreshold
from coop_contracts.event import ActionRequested, ItemRef, StrikesChanged
from coop_runtime.database.engine import engine_of, transaction

pytestmark = pytest.mark.engines

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(days=10)
THRESHOLDS = (2, 5)


class Model:
    """What strikes are, said as simply as possible: no tables, everything reckoned anew."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.reversed: set[str] = set()
        self.totals: dict[User, int] = defaultdict(int)
        self.fired: dict[tuple[User, int], int] = defaultdict(int)

    def total(self, user: User, now: datetime) -> int:
        by_cause: dict[str, list[Part]] = defaultdict(list)
        for one in self.parts.values():
            if one.user == user and one.execution_id not in self.reversed:
                by_cause[one.cause_id].append(one)
        leads = [
            max(parts, key=lambda one: (one.weight, one.expires_at, one.execution_id))
            for parts in by_cause.values()
        ]
        return sum(lead.weight for lead in leads if lead.expires_at > now)

    def settle(self, user: User, now: datetime) -> int:
        """The total as it now is, having fired what was crossed on the way up."""
        before, after = self.totals[user], self.total(user, now)
        for threshold in THRESHOLDS:
            if before < threshold <= after:
                self.fired[user, threshold] += 1
        self.totals[user] = after
        return after


class StrikeMachine(RuleBasedStateMachine):
    """Drives the store and the model alike."""

    url = ""
    configuration: Any
    executions: Bundle[Part] = Bundle("executions")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = T0
        self.model = Model()
        self.engine = engine_of(self.url, application_name="test")
        prepare(self.engine)
        self.strikes = Strikes(self.configuration.table, now=lambda: self.now)

    def teardown(self) -> None:
        self.runner.run(self.engine.dispose())
        self.runner.close()

    @initialize()
    def empty(self) -> None:
        async def truncate() -> None:
            async with self.engine.begin() as connection:
                await connection.execute(
                    text(
                        """TRUNCATE dispatch.strike_users, dispatch.strikes,
                                    dispatch.strike_executions, dispatch.strike_crossings,
                                    dispatch.outbox"""
                    )
                )

        self.runner.run(truncate())

    async def apply(self, parts: list[Part], reversals: list[Reversal]) -> dict[str, int]:
        async with transaction(self.engine) as connection:
            return await self.strikes.apply(connection, parts, reversals)

    @rule(
        target=executions,
        cause=st.sampled_from("abc"),
        name=st.sampled_from(("one", "two")),
        weight=st.integers(1, 4),
    )
    def strike(self, cause: str, name: str, weight: int) -> Part:
        made = Part(
            execution_id=str(uuid.uuid4()),
            action_id="a-1",
            user=User("org-1", ItemRef(name, "u-1")),
            cause_id=cause,
            policy_id=f"p-{weight}",
            weight=weight,
            struck_at=self.now,
            expires_at=self.now + WINDOW,
            correlation_id=cause,
            event_id=str(uuid.uuid4()),
        )
        self.request([made])
        return made

    @rule(again=st.lists(executions, min_size=1, max_size=6))
    def request(self, again: list[Part]) -> None:
        """Requests that are new or come again."""
        for one in again:
            self.model.settle(one.user, self.now)
        expected: dict[str, int] = {}
        for one in again:
            self.model.parts.setdefault(one.execution_id, one)
            expected[one.execution_id] = self.model.settle(one.user, self.now)
        counts = self.runner.run(self.apply(again, []))
        assert counts == expected

    @rule(taken=st.lists(executions, min_size=1, max_size=3))
    def take_back(self, taken: list[Part]) -> None:
        self.runner.run(
            self.apply(
                [],
                [
                    Reversal(execution_id=one.execution_id, correlation_id="u", event_id="e")
                    for one in taken
                ],
            )
        )
        known = [one for one in taken if one.execution_id in self.model.parts]
        for one in known:
            self.model.settle(one.user, self.now)
        self.model.reversed |= {one.execution_id for one in taken}
        for one in known:
            self.model.settle(one.user, self.now)

    @rule(
        again=st.lists(executions, min_size=1, max_size=4),
        taken=st.lists(executions, min_size=1, max_size=4),
    )
    def request_and_take_back(self, again: list[Part], taken: list[Part]) -> None:
        """One batch of both: what was requested before is taken back first."""
        added = {one.execution_id for one in again}
        before = [one for one in taken if one.execution_id not in added]
        known = [one for one in before if one.execution_id in self.model.parts]
        for one in [*again, *known]:
            self.model.settle(one.user, self.now)
        self.model.reversed |= {one.execution_id for one in before}
        for one in known:
            self.model.settle(one.user, self.now)
        expected: dict[str, int] = {}
        for one in again:
            self.model.parts.setdefault(one.execution_id, one)
            total = self.model.settle(one.user, self.now)
            expected.setdefault(one.execution_id, total)
        self.model.reversed |= {one.execution_id for one in taken}
        for one in again:
            self.model.settle(one.user, self.now)
        reversals = [
            Reversal(execution_id=one.execution_id, correlation_id="u", event_id="e")
            for one in taken
        ]
        counts = self.runner.run(self.apply(again, reversals))
        assert counts == expected

    @rule(target=executions, cause=st.sampled_from("abc"), weight=st.integers(1, 4))
    def take_back_early(self, cause: str, weight: int) -> Part:
        """The reversal of a request that comes later, or never."""
        coming = Part(
            execution_id=str(uuid.uuid4()),
            action_id="a-1",
            user=User("org-1", ItemRef("one", "u-1")),
            cause_id=cause,
            policy_id="p-1",
            weight=weight,
            struck_at=self.now,
            expires_at=self.now + WINDOW,
            correlation_id=cause,
            event_id="e",
        )
        self.take_back([coming])
        return coming

    @rule(days=st.integers(1, 7))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def expire(self) -> None:
        async def expire() -> None:
            async with transaction(self.engine) as connection:
                await self.strikes.expire(connection, limit=10)

        self.runner.run(expire())
        for user in list(self.model.totals):
            self.model.settle(user, self.now)

    @invariant()
    def agree(self) -> None:
        """Live totals, events and fired thresholds are the model's."""

        async def read() -> tuple[dict[str, int], list[tuple[str, bytes]]]:
            async with self.engine.connect() as connection:
                live = await connection.execute(
                    text(
                        """SELECT convert_from(u.ref, 'UTF8')::jsonb ->> 'id',
                                  COALESCE(sum(s.weight) FILTER (WHERE s.expires_at > :now), 0)
                           FROM dispatch.strike_users AS u
                           LEFT JOIN dispatch.strikes AS s USING (user_digest) GROUP BY 1"""
                    ),
                    {"now": self.now},
                )
                totals = {name: int(total) for name, total in live}
                events = await connection.execute(
                    text("SELECT topic, value FROM dispatch.outbox ORDER BY id")
                )
                return totals, [(topic, bytes(value)) for topic, value in events]

        totals, events = self.runner.run(read())
        for user in list(self.model.totals):
            assert totals.get(user.ref.id, 0) == self.model.total(user, self.now)
        sums: dict[str, int] = defaultdict(int)
        fired: dict[tuple[str, str], set[str]] = defaultdict(set)
        for topic, value in events:
            if topic == StrikesChanged.topic:
                change = msgspec.json.decode(value, type=StrikesChanged)
                sums[change.user.id] += change.delta
                assert change.total == sums[change.user.id] >= 0
            else:
                request = msgspec.json.decode(value, type=ActionRequested)
                fired[request.item.id, request.action_id].add(request.execution_id)
        for user, total in self.model.totals.items():
            assert sums[user.ref.id] == total
        expected = {(user.ref.id, f"act-{t}"): n for (user, t), n in self.model.fired.items()}
        assert {key: len(ids) for key, ids in fired.items()} == expected


def test_strikes_are_what_the_model_says(dispatch_url: str, configuration: Any) -> None:
    """After any history of requests, repeats, reversals and time, totals, events and fired
    thresholds are the model's."""
    made = tuple(StrikeThreshold(threshold=t, action_ids=(f"act-{t}",)) for t in THRESHOLDS)
    configuration.put(
        Kind.SETTINGS, OrgSettings(id="settings", name="Acme", user_strike_thresholds=made)
    )
    StrikeMachine.url = dispatch_url
    StrikeMachine.configuration = configuration
    run_state_machine_as_test(
        StrikeMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
