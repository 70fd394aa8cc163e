"""What a policy's document may say.

Guarantees: a policy is not below itself; the clock that the law sets lies where its reader expects
it.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import Kind, Policy
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.queue import MAX_TARGET_MINUTES
from coop_review_api.kernel.error import Fault


def check_policy(policy: Policy, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of a policy."""
    within = policy.review_within_minutes
    if within is not None and not 1 <= within <= MAX_TARGET_MINUTES:
        yield Fault("/reviewWithinMinutes", f"from 1 to {MAX_TARGET_MINUTES}, or null for none")
    policies = catalogue.all(Kind.POLICY, Policy)
    seen = {policy.id}
    parent_id = policy.parent_id
    while parent_id is not None:
        if parent_id in seen:
            yield Fault("/parentId", "a policy cannot be below itself")
            return
        seen.add(parent_id)
        parent = policies.get(parent_id)
        parent_id = parent.parent_id if parent else None
