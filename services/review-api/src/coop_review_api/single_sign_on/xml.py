"""XML that strangers send, made a tree or refused.

Guarantees: no document type, so no entity of any kind, no external file, no expansion; UTF-8 only,
so that what was searched is what is parsed; no comment and no processing instruction, because
canonicalisation drops comments, and with one in the middle `a@b.example<!---->.evil` has two
readings; no `ID` twice. Sizes are bounded.
Must not: trust anything it read: `signature` says what was signed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TypeAlias

from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.library import etree

MAX_DOCUMENT = 256 * 1024  # bytes

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"

Element: TypeAlias = "etree._Element"

_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)


def qualified(namespace: str, name: str) -> str:
    """lxml's name of an element."""
    return f"{{{namespace}}}{name}"


def parse(data: bytes) -> Element:
    """The document's root. Raises `SignInRefused`."""
    if len(data) > MAX_DOCUMENT:
        raise SignInRefused("size", f"the document has {len(data)} bytes, more than {MAX_DOCUMENT}")
    data = data.removeprefix(codecs.BOM_UTF8).strip()
    _check_text(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise SignInRefused("xml", f"not well-formed: {error}") from None
    _check_tree(root)
    return root


def children(parent: Element, namespace: str, name: str) -> list[Element]:
    """The direct children of that name."""
    return list(parent.iterchildren(qualified(namespace, name)))


def only(parent: Element, namespace: str, name: str) -> Element:
    """The one child of that name. Raises `SignInRefused` when there is none, or another."""
    found = children(parent, namespace, name)
    if len(found) != 1:
        raise SignInRefused("shape", f"{len(found)} elements {name} where there must be one")
    return found[0]


def text_of(element: Element) -> str:
    """All of an element's text, without space around. Raises `SignInRefused` if it has elements in
    it."""
    if len(element):
        raise SignInRefused("shape", f"{etree.QName(element).localname} must hold text alone")
    return (element.text or "").strip()


def within(root: Element, namespace: str, name: str) -> Iterator[Element]:
    """Every element of that name, at whatever depth, the root included."""
    return root.iter(qualified(namespace, name))


def _check_text(data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SignInRefused("xml", "the document is not UTF-8") from None
    declared = _DECLARED_ENCODING.match(data)
    if declared is not None and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        raise SignInRefused("xml", "the document declares another encoding than UTF-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SignInRefused("doctype", "a document type is not allowed")


def _check_tree(root: Element) -> None:
    docinfo = root.getroottree().docinfo
    if docinfo.internalDTD is not None or docinfo.externalDTD is not None:
        raise SignInRefused("doctype", "a document type is not allowed")
    seen: set[str] = set()
    for node in root.getroottree().iter():
        if not isinstance(node.tag, str):
            raise SignInRefused("comment", "comments and processing instructions are not allowed")
        identifier = node.get("ID")
        if identifier is not None and identifier in seen:
            raise SignInRefused("shape", "two elements have the same ID")
        if identifier is not None:
            seen.add(identifier)
    # A comment or an instruction beside the root is none of its descendants.
    if root.getprevious() is not None or root.getnext() is not None:
        raise SignInRefused("comment", "comments and processing instructions are not allowed")
