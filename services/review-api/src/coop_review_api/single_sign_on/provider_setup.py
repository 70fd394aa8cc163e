"""What is looked up before an identity provider is saved: its metadata, and whether it answers.

    SAML   metadata pasted, or fetched ─▶ entity id, sign-in address, certificates; one valid now
    OIDC   asked what it can do, unless it is turned off or was asked before

Guarantees: metadata is fetched through the egress guard; a provider that is turned on could sign
somebody in at that moment (one that is away does not keep what else is said of it from being
changed); each fault names the field.
Must not: be called with the organisation's lock held, or save anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from coop_contracts.config import IdentityProvider
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.single_sign_on import certificate, metadata
from coop_review_api.single_sign_on.certificate import CertificateError
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.single_sign_on.error import SignOnError
from coop_review_api.single_sign_on.metadata import ProviderMetadata
from coop_review_api.single_sign_on.web_address import is_safe
from coop_runtime.egress.guard import EgressRefused


async def resolved(
    client: SingleSignOn,
    sent: IdentityProvider,
    *,
    metadata_xml: str | None,
    stored: IdentityProvider | None,
    now: datetime,
) -> IdentityProvider:
    """The provider as it was sent (its secret in clear text), with what its metadata says filled
    in; `stored` is what it replaces. Raises `Invalid`."""
    if sent.issuer is not None:
        _check_egress(client, sent.issuer, "the issuer")
        asked = stored is not None and stored.enabled and stored.issuer == sent.issuer
        if sent.scheme == "OIDC" and sent.enabled and not asked:
            await _examine(client, sent, sent.issuer)
    if metadata_xml is None and sent.metadata_url is None:
        _check_time(sent, sent.certificates, "/certificates", now=now)
        return sent
    if sent.entity_id is not None or sent.sso_url is not None or sent.certificates:
        raise Invalid(
            [Fault("/entityId", "with metadata, leave entityId, ssoUrl and certificates out")]
        )
    taken = await taken_of(client, xml=metadata_xml, url=sent.metadata_url)
    pointer = "/metadataXml" if sent.metadata_url is None else "/metadataUrl"
    _check_time(sent, taken.certificates, pointer, now=now)
    return msgspec.structs.replace(
        sent,
        entity_id=taken.entity_id,
        sso_url=taken.sso_url,
        certificates=taken.certificates,
    )


async def taken_of(client: SingleSignOn, *, xml: str | None, url: str | None) -> ProviderMetadata:
    """What metadata says, pasted or to be fetched: one of the two. Raises `Invalid`."""
    if (xml is None) == (url is None):
        raise Invalid([Fault("/metadataXml", "give one: metadataXml or metadataUrl")])
    try:
        if url is None:
            return metadata.read((xml or "").encode())
        return metadata.read(await client.fetch.document(url))
    except SignOnError as error:
        at = "/metadataXml" if url is None else "/metadataUrl"
        raise Invalid([Fault(at, str(error))]) from None


async def _examine(client: SingleSignOn, sent: IdentityProvider, issuer: str) -> None:
    """Ask an OpenID provider whether anybody could sign in. Raises `Invalid`, naming the field."""
    if not is_safe(issuer):
        return  # the check of the document says so
    try:
        found = await client.oidc.examine(issuer)
    except SignOnError as error:
        reason = f"the provider cannot be used as it is: {error}"
        raise Invalid([Fault("/issuer", reason)]) from None
    _check_egress(client, found.token, "token_endpoint")
    if found.userinfo is not None:
        _check_egress(client, found.userinfo, "userinfo_endpoint")
    if sent.client_secret and not found.takes_secret:
        reason = (
            "the provider takes no client's secret, neither as basic authentication nor by post"
        )
        raise Invalid([Fault("/clientSecret", reason)])


def _check_egress(client: SingleSignOn, url: str, what: str) -> None:
    try:
        client.guard.check(url)
    except EgressRefused as error:
        raise Invalid([Fault("/issuer", f"{what}: {error}")]) from None


def _check_time(
    sent: IdentityProvider, pems: Sequence[str], pointer: str, *, now: datetime
) -> None:
    """Raises `Invalid` where a provider is turned on whose certificates are all over, or none has
    begun."""
    try:
        found = [certificate.describe(pem) for pem in pems]
    except CertificateError:
        return  # the check of the document says so
    if sent.enabled and found and not any(one.not_before <= now < one.not_after for one in found):
        raise Invalid([Fault(pointer, "no certificate of the provider is valid now")])
