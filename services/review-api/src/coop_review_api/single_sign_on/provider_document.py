"""Identity providers as documents.

Guarantees: a client's secret is kept as ciphertext only; whoever changes a provider holds all that
anybody of the organisation holds; where single sign-on is required, there is something to sign in
with. (What a document may say: `provider_check`.)
"""

from __future__ import annotations

from typing import Final

from coop_contracts.config import IdentityProvider, Kind
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.single_sign_on import certificate, requirement
from coop_review_api.single_sign_on.certificate import CertificateError


async def _provider(sent: SentDocument[IdentityProvider]) -> IdentityProvider:
    return sent.to(
        IdentityProvider,
        certificates=[_normal(pem) for pem in sent.fields["certificates"]],
        clientSecret=_secret(sent),
    )


def _secret(sent: SentDocument[IdentityProvider]) -> str | None:
    """None keeps what is stored, while the scheme stays; an empty text forgets it."""
    secret, previous = sent.fields["clientSecret"], sent.previous
    if secret is None:
        kept = previous is not None and previous.scheme == sent.fields["scheme"]
        return previous.client_secret if previous is not None and kept else None
    if not secret:
        return None
    org_id = sent.configuration.org_id
    context = bound_to(org_id, Kind.IDENTITY_PROVIDER, sent.document_id)
    return sent.vault.encrypt(secret, context=context)


def _normal(pem: str) -> str:
    """As it is kept; what cannot be read stays for the check to report."""
    try:
        return certificate.normal(pem)
    except CertificateError:
        return pem


async def _require_all(change: DocumentChange[IdentityProvider]) -> None:
    await requirement.check_may_set_up(change.configuration, change.principal)


async def _check_possible(change: DocumentChange[IdentityProvider]) -> None:
    await requirement.check_possible(change.configuration)


IDENTITY_PROVIDERS: Final = DocumentKind(
    kind=Kind.IDENTITY_PROVIDER,
    type=IdentityProvider,
    noun="IdentityProvider",
    build=_provider,
    guard=_require_all,
    saved=_check_possible,
)
