"""Why a single sign-on did not become a session.

    SignOnError
                                                                                outcome
    ├── SignInRefused        what the identity provider sent does not hold      refused
    ├── AttemptExpired       no such attempt here: used, too old, or another    expired
    │                        browser's
    ├── NoAccount            the provider vouches for somebody who may not      no-account
    │                        sign in
    └── ProviderUnreachable  the provider does not answer as it should          unavailable

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


class SignInRefused(SignOnError):
    outcome = "refused"


class AttemptExpired(SignOnError):
    outcome = "expired"


class NoAccount(SignOnError):
    outcome = "no-account"


class ProviderUnreachable(SignOnError):
    outcome = "unavailable"
