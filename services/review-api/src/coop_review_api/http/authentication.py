"""Who makes the request, and whether they may: the one gate of every route.

Guarantees: every route depends on an `Access` (a test walks them all), made by `requires`,
`signed_in`, `watching`, `enrolling` or `public`; a request that changes something in a session
needs that session's CSRF token; a missing permission is 403, another organisation's document 404;
whoever has to set up a second factor first may do that, and sign out.
Must not: be bypassed by a dependency of its own in a route.
"""

from __future__ import annotations

from fastapi import Request

from coop_contracts.permission import Permission
from coop_review_api.http.context import context_of
from coop_review_api.http.csrf import csrf_matches
from coop_review_api.kernel.error import (
    CsrfMismatch,
    LacksPermission,
    NeedsSecondFactor,
    Unauthenticated,
)
from coop_review_api.kernel.principal import Principal
from coop_review_api.settings import Settings
from coop_runtime.database.engine import transaction

COOKIE = "coop_session"  # see `cookie_name`
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """A route's demand: nobody (`public`), anyone signed in, or one of some permissions.
    `while_enrolling`: open before a required second factor is set up. `keeps_alive`: a request of a
    person, not one that a page makes by itself."""

    def __init__(
        self,
        *any_of: Permission,
        is_public: bool = False,
        while_enrolling: bool = False,
        keeps_alive: bool = True,
    ) -> None:
        self.any_of = frozenset(any_of)
        self.is_public = is_public
        self.while_enrolling = while_enrolling
        self.keeps_alive = keeps_alive

    async def __call__(self, request: Request) -> Principal:
        principal = await authenticate(request, touch=self.keeps_alive)
        self.check(principal)
        request.state.principal = principal  # for what is done to the answer
        return principal

    def check(self, principal: Principal) -> None:
        """Raises `Forbidden` without one of the permissions, or the second factor."""
        if principal.must_enrol and not self.while_enrolling:
            raise NeedsSecondFactor("set up a second factor first")
        if self.any_of and not self.any_of & principal.permissions:
            raise LacksPermission(*self.any_of)


class _Public(Access):
    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        """Anyone may."""


def requires(*any_of: Permission) -> Access:
    """Signed in, with at least one of these permissions."""
    if not any_of:
        raise ValueError("name a permission, or say signed_in")
    return Access(*any_of)


signed_in = Access()
watching = Access(keeps_alive=False)
enrolling = Access(while_enrolling=True)
public = _Public(is_public=True)


def cookie_name(settings: Settings, name: str = COOKIE) -> str:
    """The name that browsers know a cookie by. Over TLS it has the prefix with which no other host
    of the domain can set it, and nobody plants a session of theirs (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if settings.review_secure_cookies else name


def token_of(request: Request, settings: Settings) -> str | None:
    """The session token that the browser sent."""
    return request.cookies.get(cookie_name(settings))


async def authenticate(request: Request, *, touch: bool = True) -> Principal:
    """The session's user; with `touch` the session is in use. Raises `Unauthenticated`, and
    `Forbidden` without the CSRF token."""
    context = context_of(request)
    token = token_of(request, context.settings)
    if not token:
        raise Unauthenticated("sign in first")
    async with transaction(context.engine) as connection:
        principal = await context.find_session(
            connection, token, now=context.clock(), limits=context.session_limits, touch=touch
        )
    if principal is None:
        raise Unauthenticated("the session is over: sign in again")
    if request.method not in _SAFE_METHODS and not csrf_matches(
        token, request.headers.get(CSRF_HEADER)
    ):
        raise CsrfMismatch(f"the header {CSRF_HEADER} does not fit the session")
    return principal
