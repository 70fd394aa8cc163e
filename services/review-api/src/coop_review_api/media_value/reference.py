"""What a page asks for a medium by: not its address, but where it is, and a code of ours.

    <base64url of [job, submission, type, item, pointer, digest, second review]>.<code>

    job          the job in which it was shown; empty: it was looked up, or decided again
    submission   of which version of the item, in the history; empty: it is in the job itself
    digest       of the medium's address: another picture in its place is another medium
    second review    in which it was shown, blind: of the job nothing is said

Guarantees: only who holds the operator's keys makes one, for one organisation; the same medium in
the same place has the same reference, so that a browser may keep it. It opens nothing by itself:
whether the person may see what it names is asked each time.
Must not: hold the address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

import msgspec

from coop_contracts.event import ItemRef
from coop_review_api.kernel.error import NotFound
from coop_runtime.secret.vault import SecretError, Vault

MAX_LENGTH: Final = 5000


class MediaReference(msgspec.Struct, frozen=True, array_like=True):
    """What a reference says."""

    job_id: str
    submission_id: str
    type_id: str
    item_id: str
    pointer: str
    digest: str
    second_review_id: str = ""

    @property
    def item(self) -> ItemRef:
        """Whose medium it is."""
        return ItemRef(id=self.item_id, type_id=self.type_id)


_decoder = msgspec.json.Decoder(MediaReference)


def digest_of(url: str) -> str:
    """What a reference knows of an address."""
    return hashlib.blake2s(url.encode(), digest_size=16).hexdigest()


def signed(vault: Vault, org_id: str, reference: MediaReference) -> str:
    """The reference as pages have it."""
    said = base64.urlsafe_b64encode(msgspec.json.encode(reference)).decode().rstrip("=")
    return f"{said}.{vault.authenticate(said, context=_context(org_id))}"


def opened(vault: Vault, org_id: str, text: str) -> MediaReference:
    """What it says. Raises `NotFound` for one that was not made for this organisation."""
    said, _, code = text.partition(".")
    try:
        if vault.authentic(said, code, context=_context(org_id)):
            padded = said + "=" * (-len(said) % 4)
            return _decoder.decode(base64.urlsafe_b64decode(padded))
    except (SecretError, binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        pass
    raise NotFound("no such medium")


def _context(org_id: str) -> str:
    return f"{org_id}/media-reference"
