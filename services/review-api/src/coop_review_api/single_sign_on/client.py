"""What a process needs to deal with identity providers: our addresses, and the way to theirs.

Guarantees: there is one way out, through the egress guard.
Must not: decide who signs in; `sign_on` does.
"""

from __future__ import annotations

from typing import Self

from coop_review_api.kernel.clock import Clock
from coop_review_api.settings import Settings
from coop_review_api.single_sign_on.address import Addresses
from coop_review_api.single_sign_on.fetch import Fetch
from coop_review_api.single_sign_on.oidc import Oidc
from coop_runtime.egress.guard import EgressGuard


class SingleSignOn:
    """One for each process; lives in one event loop. Close it with `aclose`."""

    def __init__(self, addresses: Addresses, guard: EgressGuard, clock: Clock) -> None:
        self.addresses = addresses
        self.guard = guard
        self.fetch = Fetch(guard)
        self.oidc = Oidc(self.fetch, clock)

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> Self:
        addresses = Addresses(api=settings.review_public_url, console=settings.console_url)
        return cls(addresses, EgressGuard.of(settings), clock)

    async def aclose(self) -> None:
        await self.fetch.aclose()
