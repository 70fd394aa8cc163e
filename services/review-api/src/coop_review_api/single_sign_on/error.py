"""Why a single sign-on did not become a session.

    SignOnError
                                                                                 outcome
    ├── Refused       what the identity provider sent does not hold              refused
    ├── Stale         no such attempt here: used, too old, or another browser's  expired
    ├── NoAccount     the provider vouches for somebody who may not sign in      no-account
    └── Unreachable   the provider does not answer as it should                  unavailable

Guarantees: `reason` is one word for the audit log and the tests, `str(error)` a sentence for the
operator's log; a browser is told the outcome alone.
Must not: carry an assertion, a token or a secret.
"""

from __future__ import annotations

from typing import ClassVar


class SignOnError(Exception):
    """`reason`: one word, such as `audience`."""

    outcome: ClassVar[str]

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Refused(SignOnError):
    outcome = "refused"


class Stale(SignOnError):
    outcome = "expired"


class NoAccount(SignOnError):
    outcome = "no-account"


class Unreachable(SignOnError):
    outcome = "unavailable"
