"""The soak at a small size: what it proves, `make bench ONLY=soak` proves at full size."""

from __future__ import annotations

import pytest

from coop_local.stack import EngineAddresses
from tests.bench.delivery_soak import Plan, soak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240), pytest.mark.usefixtures("alone")]


def test_every_action_arrives_in_order_though_the_dispatcher_is_killed(
    kafka_bootstrap: str,
    postgres_admin_url: str,
    redis_url: str,
    broker_idempotence: bool,
) -> None:
    """Killed with -9 again and again, beside dead and slow endpoints, the dispatcher loses nothing:
    each action arrives, an item's in their order, and those to dead endpoints are still there."""
    addresses = EngineAddresses(
        kafka=kafka_bootstrap,
        kafka_idempotence=broker_idempotence,
        redis=redis_url,
        postgres_admin=postgres_admin_url,
    )
    plan = Plan(
        actions=1_000,
        endpoints=10,
        dead=2,
        slow=2,
        kills=3,
        slowness=0.2,
        reprieve=0.5,
        deadline=120.0,
    )
    report = soak(addresses, plan)
    assert report.kills == 3
    assert report.taken == report.expected == 800
    assert report.unordered == 0
    assert dict(report.states) == {"DELIVERED": 800, "PENDING": 200}
