"""The certificates that sign an identity provider's assertions.

Guarantees: a certificate that is kept has a key strong enough to sign with; it is kept in one form.
Must not: follow a chain: a certificate counts because an administrator configured it, and for as
long as it is valid.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from coop_review_api.single_sign_on.library import serialization, x509

MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
MAX_CERTIFICATES = 10
MAX_CERTIFICATE = 16 * 1024  # characters


class CertificateError(ValueError):
    """Why a certificate cannot be used: one sentence."""


@dataclass(frozen=True, kw_only=True)
class CertificateDescription:
    """What a person compares. `fingerprint` is the SHA-256 of the certificate, in hex."""

    pem: str
    subject: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


def load(pem: str) -> x509.Certificate:
    """The certificate of a PEM. Raises `CertificateError`."""
    if len(pem) > MAX_CERTIFICATE:
        raise CertificateError(f"longer than {MAX_CERTIFICATE} characters")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError("not a certificate in PEM") from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise CertificateError(f"an RSA key has at least {MIN_RSA_BITS} bits")
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.key_size < MIN_EC_BITS:
        raise CertificateError(f"the key must be RSA, or EC of at least {MIN_EC_BITS} bits")
    return certificate


def normal(pem: str) -> str:
    """The PEM as it is kept. Raises `CertificateError`."""
    return load(pem).public_bytes(serialization.Encoding.PEM).decode()


def of_base64(text: str) -> str:
    """The PEM of what an X509Certificate element holds. Raises `CertificateError`."""
    if len(text) > MAX_CERTIFICATE:
        raise CertificateError(f"longer than {MAX_CERTIFICATE} characters")
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
        certificate = x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError):
        raise CertificateError("not a certificate in base64") from None
    return normal(certificate.public_bytes(serialization.Encoding.PEM).decode())


def describe(pem: str) -> CertificateDescription:
    """What is shown of a certificate. Raises `CertificateError`."""
    certificate = load(pem)
    try:
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        subject = ""
    return CertificateDescription(
        pem=pem,
        subject=subject,
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )
