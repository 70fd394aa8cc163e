"""Passwords with real hashes, of which the commonest is made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coop_review_api.people.password import Passwords

PASSWORD = "correct horse battery"


class KnownPasswords(Passwords):
    """Real hashes, but the one of `PASSWORD` is made once: every test has an organisation with it,
    and a hash costs a sixth of a second."""

    _known = ""

    async def hash(self, password: str) -> str:
        if password != PASSWORD:
            return await super().hash(password)
        self._known = self._known or await super().hash(password)
        return self._known


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    made = KnownPasswords()
    yield made
    made.close()
