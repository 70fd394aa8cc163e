"""E-mail addresses: how they are kept, and by what two of them are the same.

    kept        "Ada.Löwe@Bücher.example"  → ada.löwe@xn--bcher-kva.example   mails go here
    compared    as kept, compatibility forms folded (NFKC, casefold), and letters of other scripts
                that look Latin read as Latin, in local parts that are not ASCII

Guarantees: two addresses that look the same are compared as one, so that only one of them has an
account; what is compared is never what a mail is sent to, so that no look-alike gets the mail of
another's account. Whatever is given is brought to some form: nothing raises.
Must not: decide whose account it is.

Local parts: PRECIS UsernameCaseMapped (RFC 8265, 3.3), domains: IDNA 2008 with the mapping of
UTS #46, look-alikes: UTS #39.
"""

from __future__ import annotations

import re
import unicodedata

import idna
from precis_i18n import get_profile

from coop_review_api.kernel.error import Fault
from coop_rules.matching.confusable import LETTERS

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_local_part = get_profile("UsernameCaseMapped")


def normalize_email(email: str) -> str:
    """The form in which an address is kept, and mails are sent to it."""
    local, at, domain = email.strip().rpartition("@")
    return f"{_kept(local)}{at}{ascii_domain(domain)}"


def comparable(email: str) -> str:
    """What is equal for addresses that are, or look, the same."""
    local, at, domain = normalize_email(email).rpartition("@")
    if not local.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local).casefold())
        local = "".join(LETTERS.get(character, character) for character in folded)
    return f"{local}{at}{domain}"


def domain_of(email: str) -> str:
    """The domain of an address, in the form in which domains are kept."""
    return normalize_email(email).rpartition("@")[2]


def ascii_domain(domain: str) -> str:
    """A domain in lower-case ASCII, as the name service knows it; what is none stays as it is, in
    lower case."""
    plain = domain.strip().rstrip(".\u3002\uff0e\uff61")
    if plain.isascii():
        return plain.lower()
    try:
        return idna.encode(plain, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return unicodedata.normalize("NFKC", plain).lower()


def is_domain(domain: str) -> bool:
    """Whether this is a domain in the form in which domains are kept."""
    return _DOMAIN.fullmatch(domain) is not None


def check_email(email: str, at: str = "/email") -> list[Fault]:
    """Faults of a new address, in the form in which it is kept."""
    local, _, domain = email.rpartition("@")
    if not _EMAIL.fullmatch(email) or not domain.isascii():
        return [Fault(at, "not an e-mail address")]
    if not local.isascii() and not _is_plain(local):
        return [Fault(at, "has characters that cannot be seen, or can be taken for others")]
    return []


def _kept(local: str) -> str:
    if local.isascii():
        return local.lower()
    try:
        return str(_local_part.enforce(local))
    except UnicodeError:
        return unicodedata.normalize("NFC", local).lower()


def _is_plain(local: str) -> bool:
    try:
        return str(_local_part.enforce(local)) == local
    except UnicodeError:
        return False
