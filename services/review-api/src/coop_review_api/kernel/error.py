"""What review-api refuses, and why.

    ReviewError
    ├── Invalid            the document or command is wrong; each fault has a JSON pointer      422
    ├── Unauthenticated    nobody is signed in, or the credentials are wrong                    401
    ├── Forbidden          not allowed, for a reason of its own                                 403
    │   ├── LacksPermission    one of `needs` would be enough
    │   ├── CsrfMismatch       the request is not from a page of this session
    │   ├── ForeignOrigin      the page is from somewhere else
    │   ├── NeedsSecondFactor  it has to be set up first
    │   ├── AwaitsApproval     the account was not approved yet
    │   └── OrganisationSuspended   by whoever runs the system
    ├── NotFound           not there, or not yours: the two must look the same                  404
    ├── Conflict           well-formed, but the present state forbids it                        409
    │   ├── QueuePaused    jobs are taken in and none is handed out
    │   ├── Held           somebody else has the job
    │   ├── AlreadyDecided the job was decided, by somebody else or otherwise
    │   └── NeedsApproval  a rule would act on so much that a second person has to agree
    ├── NotDecided         a Conflict, or a lost lease, of which the draft was kept             409
    ├── RevisionMismatch   somebody else changed the document first                             412
    ├── TooManyAttempts    slow down; `retry_after` seconds                                     429
    ├── UpstreamFailed     the organisation's own platform cannot be asked, or answers wrongly  502
    ├── MediaUnavailable   a platform's picture, film or sound cannot be shown                  502
    └── Unavailable        a dependency is down or the process is saturated; `retry_after`      503

Guarantees: messages are written for the person who made the request and carry no secret.
Must not: know HTTP; `http.problem` maps each class to its answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong with an input. `pointer` is an RFC 6901 JSON pointer into the body, `reason`
    English for people; `code` and `params` say the same to programs (left out: as
    `kernel.fault_code` reads the reason)."""

    pointer: str
    reason: str
    code: str | None = None
    params: Mapping[str, str | int | float | bool] | None = None


class ReviewError(Exception):
    """Every refusal: `str(error)` is one sentence for the caller."""


class Invalid(ReviewError):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{f.pointer or '/'}: {f.reason}" for f in faults))
        self.faults = tuple(faults)


class Unauthenticated(ReviewError):
    pass


class Forbidden(ReviewError):
    pass


class LacksPermission(Forbidden):
    """`needs`: one of these is enough. `message` where it is not for the whole route."""

    def __init__(self, *needs: str, message: str | None = None) -> None:
        super().__init__(message or f"needs {' or '.join(sorted(needs))}")
        self.needs = tuple(sorted(needs))


class CsrfMismatch(Forbidden):
    pass


class ForeignOrigin(Forbidden):
    pass


class NeedsSecondFactor(Forbidden):
    pass


class AwaitsApproval(Forbidden):
    pass


class OrganisationSuspended(Forbidden):
    pass


class NotFound(ReviewError):
    pass


class Conflict(ReviewError):
    """`used_by` names what stands in the way, such as the rules that use an action."""

    def __init__(
        self, message: str, *, faults: Sequence[Fault] = (), used_by: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.faults = tuple(faults)
        self.used_by = tuple(used_by)


class QueuePaused(Conflict):
    pass


class Held(Conflict):
    """`by` is the id, the name and the status of who has the job until `expires_at`; None for
    somebody who is nobody of the organisation."""

    def __init__(self, *, by: tuple[str, str, str] | None, expires_at: datetime) -> None:
        super().__init__("somebody else holds this job")
        self.by = by
        self.expires_at = expires_at


class AlreadyDecided(Conflict):
    def __init__(self) -> None:
        super().__init__("this job was decided already")


class NeedsApproval(Conflict):
    """The rule is expected to act on `expected` items a day (None: nobody knows), and the
    organisation wants a second person for more than `above`."""

    def __init__(self, *, expected: int | None, above: int) -> None:
        known = "nobody knows how many" if expected is None else f"some {expected}"
        super().__init__(
            f"the rule would act on {known} items a day, and above {above} a second person has to "
            "approve: propose the change, or let the rule act on fewer a day (maxDailyActions)"
        )
        self.expected = expected
        self.above = above


class NotDecided(ReviewError):
    """The decision was refused because of `cause`; what was entered is kept as a draft."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class RevisionMismatch(ReviewError):
    def __init__(self, *, expected: int, current: int) -> None:
        super().__init__(
            f"expected revision {expected}, but the document is at {current}: read it again"
        )
        self.current = current


class TooManyAttempts(ReviewError):
    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamFailed(ReviewError):
    pass


class MediaUnavailable(ReviewError):
    """`state` says why (`coop_media.fault`); it is worth asking again after `retry_after`
    seconds."""

    def __init__(self, state: str, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.state = state
        self.retry_after = retry_after


class Unavailable(ReviewError):
    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
