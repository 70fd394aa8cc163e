"""What a schema says, as a short text: two that accept the same by the same words are equal.

Guarantees: white space, comments, annotations, the order of attributes and the encoding change
nothing; no entity is resolved, nothing is fetched. Must not: judge whether a schema is good.
Source: Canonical XML 2.0, https://www.w3.org/TR/xml-c14n2/
"""

from __future__ import annotations

import hashlib
from typing import Final

from lxml import etree

_LONGEST: Final = 64
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"


def fingerprint(schema: bytes) -> str:
    """SHA-256 of its canonical form, in hex. Raises ValueError for what is no schema."""
    root = _root(schema)
    etree.strip_elements(root, f"{_XS}annotation", with_tail=False)
    canonical = etree.tostring(root, method="c14n2", strip_text=True)
    return hashlib.sha256(canonical).hexdigest()


def version(schema: bytes) -> str | None:
    """What it calls its own version, if it does. Raises ValueError for what is no schema."""
    return (_root(schema).get("version") or "").strip()[:_LONGEST] or None


def _root(schema: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(schema, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ValueError("no XML") from None
    if root.tag != f"{_XS}schema":
        raise ValueError("no schema")
    return root
