"""Why a signal has no value, by what can be done about it.

    SignalError
    ├── NotConfigured    the organisation has no usable account: nothing is called
    ├── AccountRefused   the provider refuses the account (key, quota): called again after a pause,
    │                    or at once when the account changes
    ├── InputRefused     this input can have no value; another try changes nothing
    └── Unavailable      slow, down, broken: another try may succeed
        ├── TimedOut           no answer in time
        ├── RateLimited        the provider asks for a pause
        ├── UnexpectedAnswer   the provider answers in another form: perhaps it is somebody else
        ├── MediaUnavailable   the platform's medium cannot be had: not the provider's fault
        └── Fault              the code that asks it failed

Guarantees: the text of each is one line that a person may read: no secret, no content of an item,
nothing that another side wrote. `outcome` is its name in metrics.
Must not: be raised out of `Providers.values`; it becomes the `error` of a value.
"""

from __future__ import annotations

from typing import ClassVar


class SignalError(Exception):
    """A signal has no value; the text says why."""

    outcome: ClassVar[str]


class NotConfigured(SignalError):
    """The organisation has not set the integration up, or switched it off."""

    outcome = "not_configured"


class AccountRefused(SignalError):
    """The provider does not take the organisation's key, or its quota is used up."""

    outcome = "account_refused"


class InputRefused(SignalError):
    """No value can be had of this input, however often it is tried."""

    outcome = "input_refused"


class Unavailable(SignalError):
    """No value now. `retry` says whether another attempt within the same call makes sense."""

    outcome = "unavailable"

    def __init__(self, text: str, *, retry: bool = True) -> None:
        super().__init__(text)
        self.retry = retry


class TimedOut(Unavailable):
    """No answer in time."""

    outcome = "timeout"


class RateLimited(Unavailable):
    """The provider takes no calls for `pause` seconds; None where it did not say how long."""

    outcome = "rate_limited"

    def __init__(self, text: str, *, pause: float | None = None) -> None:
        super().__init__(text)
        self.pause = pause


class UnexpectedAnswer(Unavailable):
    """The answer is not of the form that the provider's has."""


class MediaUnavailable(Unavailable):
    """The image or video cannot be downloaded from the platform now."""

    outcome = "media_unavailable"


class ProviderFault(Unavailable):
    """The code that asks the provider failed: a bug, ours or a plugin's."""

    outcome = "error"

    def __init__(self, text: str) -> None:
        super().__init__(text, retry=False)
