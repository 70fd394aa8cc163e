"""Passwords: argon2id hashes, checked in constant work.

Guarantees: an unknown account costs the same work as a wrong password; at most `parallel` hashes
are computed at once and a bounded number wait, so that logins cannot exhaust memory (each takes
64 MiB) or starve the rest; a password fits from whichever keyboard it is typed: one that another
machine composes of other code points is the same (RFC 8265, OpaqueString).
Must not: log, keep or return a password.

Parameters: RFC 9106, section 4, second recommended option (t=3, m=64 MiB, p=4).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from precis_i18n import get_profile

from coop_review_api.kernel.error import Fault, Unavailable

MIN_LENGTH = 12
MAX_LENGTH = 256
_MAX_WAITING = 32
_MIN_DISTINCT = 5
_MIN_SCORE = 3  # of 0 to 4
_JUDGED = 72  # characters: judging takes a time that grows faster than the length
_SHORT = 2  # characters: such words are in everything
_WORD = re.compile(r"\w+")
_opaque = get_profile("OpaqueString")

R = TypeVar("R")


class Passwords:
    """Hashes and verifies in threads of its own."""

    def __init__(self, *, parallel: int = 2) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        # Verified in place of a hash that does not exist.
        self._nobody = self._hasher.hash("no account has this password")
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="argon2")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(prepared(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; None (no such account) costs the same and never fits."""
        return await self._run(lambda: self._verify(stored, password))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str | None, password: str) -> bool:
        # Hashes from before passwords were prepared are of what was typed. How many are tried
        # depends on what is typed alone, and not on whether there is an account.
        for form in dict.fromkeys((prepared(password), password)):
            if self._fits(stored or self._nobody, form):
                return stored is not None
        return False

    def _fits(self, stored: str, form: str) -> bool:
        try:
            return self._hasher.verify(stored, form)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], R]) -> R:
        if self._waiting >= _MAX_WAITING:
            raise Unavailable("too many logins at once", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def prepared(password: str) -> str:
    """The form that is hashed (RFC 8265, 4.2): composed, every kind of blank as a space, nothing
    else changed. What a password may not have stays as it is: it can be one from before."""
    try:
        return str(_opaque.enforce(password))
    except UnicodeError:
        return password


def check_password(
    password: str, *, email: str, known: Iterable[str] = (), at: str = "/password"
) -> list[Fault]:
    """Faults of a new password. Length and how soon it would be guessed decide, no mixture rules
    (NIST SP 800-63B, 3.1.1.2). `known` are words that anybody would try: names of person and
    organisation."""
    faults = []
    try:
        password = str(_opaque.enforce(password)) if password else password
    except UnicodeError:
        faults.append(Fault(at, "has characters that cannot be seen, or are not known"))
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        faults.append(Fault(at, f"{MIN_LENGTH} to {MAX_LENGTH} characters"))
    if len(set(password)) < _MIN_DISTINCT:
        faults.append(Fault(at, f"at least {_MIN_DISTINCT} different characters"))
    if email and (email.casefold() in password.casefold()):
        faults.append(Fault(at, "must not contain the e-mail address"))
    if not faults and _is_guessable(password, [email, *known]):
        faults.append(Fault(at, "too easy to guess: words and patterns like these are tried first"))
    return faults


def _is_guessable(password: str, known: Iterable[str]) -> bool:
    """Whether fewer than 10^8 guesses would do (Wheeler: zxcvbn, USENIX Security 2016)."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - 11 MiB of word lists, for a rare request

    texts = [_WORD.findall(text.lower()) for text in known]
    words = {word for text in texts for word in (*text, "".join(text)) if len(word) > _SHORT}
    judged = zxcvbn(password[:_JUDGED], user_inputs=sorted(words))  # type: ignore[no-untyped-call]
    return bool(judged["score"] < _MIN_SCORE)
