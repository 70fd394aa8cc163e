"""`GET /policies/`: the organisation's policies, from the configuration in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from coop_contracts.config import ApiScope, Kind, Policy
from coop_ingest.answer import Answer, json_answer
from coop_ingest.body import read_head
from coop_ingest.gate import RequestGate
from coop_ingest.wire import Policies, PolicyEntry
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.asgi import Receive


class PoliciesRoute:
    """Wired once."""

    needs: ClassVar = ApiScope.POLICIES_READ

    def __init__(self, *, gate: RequestGate, table: ConfigTable) -> None:
        self._gate = gate
        self._table = table

    async def handle(self, scope: Mapping[str, Any], _receive: Receive, _request_id: str) -> Answer:
        """The policies by name. Raises Refusal."""
        org_id = await self._gate.admit(read_head(scope), needs=self.needs)
        policies = [
            PolicyEntry(policy.id, policy.name, policy.parent_id)
            for policy in self._table.all(org_id, Kind.POLICY).values()
            if isinstance(policy, Policy)
        ]
        return json_answer(200, Policies(sorted(policies, key=lambda policy: policy.name)))
