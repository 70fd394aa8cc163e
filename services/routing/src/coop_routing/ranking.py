"""Rankings: how each queue orders its jobs, by the configuration as it is now.

Guarantees: a ranking is made of one revision's queue and policies; a change of them is obeyed by
the next entry, and `changes` tells of it.
Must not: rank anything; `coop_queues` does.
"""

from __future__ import annotations

from coop_contracts.config import Kind, Policy, Queue
from coop_queues.ranking import Ranking
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable

RANKING_KINDS = (Kind.QUEUE, Kind.POLICY)
"""What rankings are made of."""


class Rankings:
    """Makes rankings and keeps them. Lives in one event loop."""

    def __init__(self, config: ConfigTable) -> None:
        self._config = config
        self._kept: dict[str, dict[str, Ranking]] = {}
        self._changes = 0
        config.subscribe(self._changed)

    def _changed(self, change: ConfigChange) -> None:
        if change.kind in RANKING_KINDS:
            self._kept.pop(change.org_id, None)
            self._changes += 1

    @property
    def changes(self) -> int:
        """A number that rises when any ranking could have changed."""
        return self._changes

    def of(self, org_id: str, queue_id: str) -> Ranking:
        """The ranking of a queue; of one that is gone, or never was, that of a plain one."""
        kept = self._kept.setdefault(org_id, {})
        found = kept.get(queue_id)
        if found is None:
            queue = self._config.get(org_id, Kind.QUEUE, queue_id)
            policies = self._config.all(org_id, Kind.POLICY).values()
            found = kept[queue_id] = Ranking.of(
                queue if isinstance(queue, Queue) else None,
                [policy for policy in policies if isinstance(policy, Policy)],
                revision=self._config.revision(org_id),
            )
        return found
