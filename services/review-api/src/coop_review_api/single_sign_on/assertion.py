"""A SAML response: what it must say before anybody is believed to be somebody.

    response ─▶ one assertion in it, no more, none encrypted
             ─▶ it, or the response around it, is signed; from here on only what is signed is read
             ─▶ status, issuer, destination, and the request it answers
             ─▶ the assertion's issuer, audience, times, and a bearer confirmed for us, now, here
             ─▶ one e-mail address

Guarantees: an assertion made for another service, another request, another time or by another
provider is refused, each with its own reason.
Must not: keep anything. That an assertion is used once is `attempt`'s to see to.
Source: SAML 2.0 core (2.5, 3.2), profiles (4.1.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from coop_review_api.single_sign_on import signature
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.xml import (
    ASSERTION,
    PROTOCOL,
    SIGNATURE,
    Element,
    children,
    only,
    parse,
    qualified,
    text_of,
    within,
)

SKEW = timedelta(minutes=1)
"""How far the clocks of two machines may be apart."""

MAX_VALIDITY = timedelta(hours=24)
"""How long an assertion may be kept to be used, lest the memory of used ones grow for ever."""

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_ENTITY_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_UNDERSTOOD = frozenset(
    qualified(ASSERTION, name) for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)


@dataclass(frozen=True, kw_only=True)
class ExpectedAssertion:
    """What a response must fit. `email_attribute` None: the name identifier is the address."""

    issuer: str
    certificates: Sequence[str]
    audience: str
    recipient: str
    in_response_to: str
    email_attribute: str | None
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """Who it is about. It must not be used again before `expires_at`."""

    assertion_id: str
    email: str
    expires_at: datetime


def read(document: bytes, expected: ExpectedAssertion) -> Assertion:
    """The assertion in a response that holds. Raises `SignInRefused`."""
    root = parse(document)
    check_shape(root)
    response_signed = signature.is_signed(root)
    if response_signed:
        root = signature.verified(root, expected.certificates, now=expected.now)
    _check_response(root, expected, signed=response_signed)
    found = only(root, ASSERTION, "Assertion")
    if signature.is_signed(found):
        found = signature.verified(found, expected.certificates, now=expected.now)
    elif not response_signed:
        raise SignInRefused("unsigned", "neither the assertion nor the response is signed")
    return _assertion(found, expected)


def check_shape(root: Element) -> None:
    """A response with one assertion where it belongs, signatures where they belong, and nothing
    that could be taken for either elsewhere. Raises `SignInRefused`."""
    if root.tag != qualified(PROTOCOL, "Response"):
        raise SignInRefused("shape", "not a SAML response")
    for namespace, name in ((ASSERTION, "EncryptedAssertion"), (ASSERTION, "EncryptedID")):
        if any(True for _ in within(root, namespace, name)):
            raise SignInRefused(
                "encrypted", "encrypted assertions are not supported: turn encryption off"
            )
    found = list(within(root, ASSERTION, "Assertion"))
    responses = sum(1 for _ in within(root, PROTOCOL, "Response"))
    if responses != 1 or len(found) > 1:
        raise SignInRefused("shape", "more than one response or assertion")
    places = [root, *found]
    for one in within(root, SIGNATURE, "Signature"):
        if one.getparent() not in places:
            raise SignInRefused("shape", "a signature where SAML has none")


def _check_response(root: Element, expected: ExpectedAssertion, *, signed: bool) -> None:
    if root.get("Version") != "2.0":
        raise SignInRefused("shape", "not SAML 2.0")
    issuers = children(root, ASSERTION, "Issuer")
    if issuers:
        _check_issuer(only(root, ASSERTION, "Issuer"), expected)
    destination = root.get("Destination")
    if destination is None and signed:
        raise SignInRefused("recipient", "a signed response names its destination")
    if destination is not None and destination != expected.recipient:
        raise SignInRefused("recipient", "the response was sent to another place")
    if root.get("InResponseTo") != expected.in_response_to:
        raise SignInRefused("request", "the response answers another request, or none")
    code = only(only(root, PROTOCOL, "Status"), PROTOCOL, "StatusCode").get("Value")
    if code != _SUCCESS:
        raise SignInRefused(
            "status", f"the identity provider answered {(code or '').rpartition(':')[2]}"
        )


def _assertion(found: Element, expected: ExpectedAssertion) -> Assertion:
    identifier = found.get("ID")
    if found.get("Version") != "2.0" or not identifier:
        raise SignInRefused("shape", "not an assertion of SAML 2.0")
    _check_issuer(only(found, ASSERTION, "Issuer"), expected)
    _check_conditions(only(found, ASSERTION, "Conditions"), expected)
    _check_statements(found, expected)
    subject = only(found, ASSERTION, "Subject")
    until = _confirmed_until(subject, expected)
    if until > expected.now + MAX_VALIDITY:
        raise SignInRefused("time", "the assertion may be used for longer than a day")
    return Assertion(
        assertion_id=identifier,
        email=_email(found, subject, expected.email_attribute),
        expires_at=until + SKEW,
    )


def _check_issuer(issuer: Element, expected: ExpectedAssertion) -> None:
    if issuer.get("Format", _ENTITY_FORMAT) != _ENTITY_FORMAT:
        raise SignInRefused("issuer", "the issuer is not named as an entity")
    if text_of(issuer) != expected.issuer:
        raise SignInRefused("issuer", "another identity provider made this")


def _check_conditions(conditions: Element, expected: ExpectedAssertion) -> None:
    _check_times(conditions, expected.now)
    for condition in conditions:
        if condition.tag not in _UNDERSTOOD:
            raise SignInRefused("condition", "a condition that is not understood")
    restrictions = children(conditions, ASSERTION, "AudienceRestriction")
    if not restrictions:
        raise SignInRefused("audience", "the assertion does not say for whom it was made")
    for restriction in restrictions:
        audiences = [text_of(one) for one in children(restriction, ASSERTION, "Audience")]
        if expected.audience not in audiences:
            raise SignInRefused("audience", "the assertion was made for another service")


def _check_statements(found: Element, expected: ExpectedAssertion) -> None:
    statements = children(found, ASSERTION, "AuthnStatement")
    if not statements:
        raise SignInRefused("shape", "the assertion does not say that anybody signed in")
    for statement in statements:
        ends = statement.get("SessionNotOnOrAfter")
        if ends is not None and _time(ends) + SKEW <= expected.now:
            raise SignInRefused("time", "the session at the identity provider is over")


def _confirmed_until(subject: Element, expected: ExpectedAssertion) -> datetime:
    """When the confirmation that fits ends. Raises `SignInRefused` with the first one's fault."""
    refusal: SignInRefused | None = None
    for confirmation in children(subject, ASSERTION, "SubjectConfirmation"):
        if confirmation.get("Method") != _BEARER:
            continue
        try:
            return _bearer(only(confirmation, ASSERTION, "SubjectConfirmationData"), expected)
        except SignInRefused as error:
            refusal = refusal or error
    raise refusal or SignInRefused("recipient", "the assertion has no bearer")


def _bearer(data: Element, expected: ExpectedAssertion) -> datetime:
    if data.get("Recipient") != expected.recipient:
        raise SignInRefused("recipient", "the assertion is for another place")
    if data.get("InResponseTo") != expected.in_response_to:
        raise SignInRefused("request", "the assertion answers another request, or none")
    until = data.get("NotOnOrAfter")
    if until is None:
        raise SignInRefused("time", "the assertion does not say until when it may be used")
    _check_times(data, expected.now)
    return _time(until)


def _check_times(element: Element, now: datetime) -> None:
    before, until = element.get("NotBefore"), element.get("NotOnOrAfter")
    if before is not None and _time(before) - SKEW > now:
        raise SignInRefused("time", "the assertion is not valid yet")
    if until is not None and _time(until) + SKEW <= now:
        raise SignInRefused("time", "the assertion is no longer valid")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SignInRefused("time", "a time that cannot be read") from None
    if found.tzinfo is None:
        raise SignInRefused("time", "a time without a zone")
    return found.astimezone(UTC)


def _email(found: Element, subject: Element, attribute: str | None) -> str:
    if attribute is None:
        return text_of(only(subject, ASSERTION, "NameID"))
    named = [
        one
        for statement in children(found, ASSERTION, "AttributeStatement")
        for one in children(statement, ASSERTION, "Attribute")
        if one.get("Name") == attribute
    ]
    if len(named) != 1:
        raise SignInRefused("email", f"{len(named)} attributes {attribute} where there must be one")
    return text_of(only(named[0], ASSERTION, "AttributeValue"))
