"""An organisation whose people decide, and what its figures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class World:
    """An organisation whose people decide."""

    admin: Any
    moderator: Any
    org_id: str
    post: str
    queue: str
    other: str
    policies: list[str]
    remove: str
    engine: Any

    @property
    def act(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "CUSTOM_ACTION",
                "actionIds": [self.remove],
                "policyIds": self.policies,
            }
        ]

    async def decide(self, components: Any, person: Any = None, queue: str = "") -> str:
        """Decides the next job; the decision's id."""
        decision_id: str = await (person or self.moderator).decide(queue or self.queue, components)
        return decision_id

    async def ask(self, path: str, person: Any = None, **asked: Any) -> dict[str, Any]:
        answer = await (person or self.admin).call("GET", f"/v1/analytics/{path}", params=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def counts(self, path: str, person: Any = None, **asked: Any) -> dict[Any, int]:
        """By key, of the whole time."""
        found = await self.ask(path, person, **asked)
        return {point["key"]: point["count"] for point in found["points"]}
