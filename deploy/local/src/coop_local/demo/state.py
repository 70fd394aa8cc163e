"""What is remembered of the demo organisation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

_POLL_S: Final = 1.0


class DemoUser(msgspec.Struct, rename="camel"):
    """One person who can sign in."""

    role: str
    email: str
    password: str


class DemoState(msgspec.Struct, rename="camel"):
    """How to use the demo organisation; `ids` by collection and name (a file of mode 600).
    `users` are one a role; `colleagues` are there so that these are not alone."""

    org_id: str
    api_key: str
    users: list[DemoUser]
    ids: dict[str, dict[str, str]]
    colleagues: list[DemoUser] = []

    def user(self, role: str) -> DemoUser:
        """The user with that role. Raises LookupError."""
        for user in self.users:
            if user.role == role:
                return user
        raise LookupError(f"the demo organisation has no {role}")


async def known_state(demo_file: Path) -> DemoState:
    """What the file says, once it is there."""
    while not demo_file.exists():
        await asyncio.sleep(_POLL_S)
    return msgspec.json.decode(demo_file.read_bytes(), type=DemoState)
