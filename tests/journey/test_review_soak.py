"""The soak of review at a small size: what it proves, `make bench ONLY=review_soak` proves at full
size."""

from __future__ import annotations

import pytest

from coop_local.stack import EngineAddresses
from tests.bench.review_soak import Plan, faults_of, soak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.usefixtures("alone")]


def test_every_job_is_decided_once_though_everything_is_killed(
    kafka_bootstrap: str,
    postgres_admin_url: str,
    redis_url: str,
    broker_idempotence: bool,
) -> None:
    """Reviewers who give back, skip and vanish, Redis flushed, each process killed with -9: every
    job is decided exactly once, nobody holds another's, every effect arrives once, in turn."""
    addresses = EngineAddresses(
        kafka=kafka_bootstrap,
        kafka_idempotence=broker_idempotence,
        redis=redis_url,
        postgres_admin=postgres_admin_url,
    )
    plan = Plan(reviewers=12, queues=5, jobs=600, flushes=2, deadline=300.0)
    report = soak(addresses, plan)
    assert faults_of(plan, report) == []
    assert min(report.kills.values()) >= 1
    assert report.executions == 300
