"""The libraries that read what identity providers send. A process loads them when somebody first
signs in through a provider, or looks after one: they are six megabytes, and most organisations
have no provider.

Guarantees: a route that depends on `libraries` has them, loaded in a thread.
Must not: be imported from by anything outside this slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coop_runtime.process.late import Late, loaded

__all__ = [
    "algorithms",
    "etree",
    "exceptions",
    "jwt",
    "libraries",
    "serialization",
    "verifier",
    "x509",
]

if TYPE_CHECKING:
    import jwt
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from lxml import etree
    from signxml import algorithms, exceptions, verifier
else:
    etree = Late("lxml.etree")
    jwt = Late("jwt")
    algorithms = Late("signxml.algorithms")
    exceptions = Late("signxml.exceptions")
    verifier = Late("signxml.verifier")
    x509 = Late("cryptography.x509")
    serialization = Late("cryptography.hazmat.primitives.serialization")


async def libraries() -> None:
    """Loads all of them in a thread, once."""
    await loaded(x509, serialization, etree, jwt, algorithms, exceptions, verifier)
