"""SAML 2.0 Web Browser SSO as the service provider: our request, and the provider's response.

Guarantees: a response is read as `assertion` demands; one that answers no request of ours
(identity-provider-initiated) is refused, because it could be anybody's put into anybody's browser.
Must not: sign requests: what a request asks for, the response must answer anyway.
Source: SAML 2.0 bindings (3.4, 3.5), profiles (4.1).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from datetime import UTC, datetime

from coop_contracts.config import IdentityProvider
from coop_review_api.single_sign_on import assertion
from coop_review_api.single_sign_on.address import Addresses, with_query
from coop_review_api.single_sign_on.assertion import Assertion, ExpectedAssertion
from coop_review_api.single_sign_on.attempt import BegunAttempt
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.library import etree
from coop_review_api.single_sign_on.metadata import EMAIL_FORMAT, POST
from coop_review_api.single_sign_on.xml import ASSERTION, MAX_DOCUMENT, PROTOCOL, qualified


def request_url(
    provider: IdentityProvider, addresses: Addresses, begun: BegunAttempt, *, now: datetime
) -> str:
    """Where to send the browser: the provider's address with an AuthnRequest (HTTP-Redirect)."""
    document = etree.tostring(_request(provider, addresses, begun, now))
    packed = zlib.compressobj(wbits=-15)
    deflated = packed.compress(document) + packed.flush()
    return with_query(
        provider.sso_url or "",
        {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": begun.state},
    )


def read(
    encoded: str,
    provider: IdentityProvider,
    addresses: Addresses,
    *,
    in_response_to: str,
    now: datetime,
) -> Assertion:
    """The assertion in a posted SAMLResponse. Raises `SignInRefused`."""
    if len(encoded) > MAX_DOCUMENT * 2:
        raise SignInRefused("size", "the response is too long")
    try:
        document = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignInRefused("xml", "the response is not base64") from None
    expected = ExpectedAssertion(
        issuer=provider.entity_id or "",
        certificates=provider.certificates,
        audience=addresses.metadata(provider.id),
        recipient=addresses.acs(provider.id),
        in_response_to=in_response_to,
        email_attribute=provider.email_attribute,
        now=now,
    )
    return assertion.read(document, expected)


def _request(
    provider: IdentityProvider, addresses: Addresses, begun: BegunAttempt, now: datetime
) -> etree._Element:
    found = etree.Element(
        qualified(PROTOCOL, "AuthnRequest"),
        {
            "ID": begun.message_id,
            "Version": "2.0",
            "IssueInstant": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Destination": provider.sso_url or "",
            "ProtocolBinding": POST,
            "AssertionConsumerServiceURL": addresses.acs(provider.id),
        },
        nsmap={"samlp": PROTOCOL, "saml": ASSERTION},
    )
    issuer = etree.SubElement(found, qualified(ASSERTION, "Issuer"))
    issuer.text = addresses.metadata(provider.id)
    if provider.email_attribute is None:
        etree.SubElement(found, qualified(PROTOCOL, "NameIDPolicy"), {"Format": EMAIL_FORMAT})
    return found
