"""XML in the order in which it is put; what cannot be put is noted instead.

Guarantees: no empty element for what is not known; a value that its element cannot hold (too long,
no address, not past) is told in words where the document has room for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from coop_ncmec_reporter.text import clean, cut

MARGIN: Final = timedelta(seconds=60)
"""A time has to be past by the receiver's clocks, of which one may be late."""

_SCHEMA_AT: Final = "https://report.cybertip.org/ispws/xsd"  # named by documents, never asked
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


class Notes:
    """What has no element of its own, in words."""

    def __init__(self, given: Iterable[str] = ()) -> None:
        self.lines = [text for text in map(clean, given) if text.strip()]

    def add(self, name: str, value: str) -> None:
        """One thing more."""
        self.lines.append(f"{name}: {clean(value)}")

    def text(self) -> str | None:
        """All of it."""
        return "\n".join(self.lines) or None


def document(root: str) -> etree._Element:
    """A new one."""
    made = etree.Element(root, nsmap={"xsi": _XSI})
    made.set(f"{{{_XSI}}}noNamespaceSchemaLocation", _SCHEMA_AT)
    return made


def written(root: etree._Element) -> bytes:
    """Its bytes."""
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def put(parent: etree._Element, name: str, value: str | bool | int | None) -> None:
    """An element, where there is something to say."""
    if value is None:
        return
    text = _said(value) if not isinstance(value, str) else clean(value)
    if text.strip():
        etree.SubElement(parent, name).text = text


def fitted(
    parent: etree._Element, name: str, value: str | None, most: int, notes: Notes | None = None
) -> None:
    """As `put`; what is too long is cut, and whole among the notes."""
    if value is None:
        return
    text = clean(value)
    if len(text) > most and notes is not None:
        notes.add(f"{name} in full", text)
    put(parent, name, cut(text, most))


def flags(parent: etree._Element, name: str, chosen: Iterable[str]) -> None:
    """Empty elements, each once."""
    names = list(dict.fromkeys(chosen))
    if names:
        element = etree.SubElement(parent, name)
        for one in names:
            etree.SubElement(element, one)


def moment(value: datetime) -> str:
    """With its zone, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_past(value: datetime | None, now: datetime) -> bool:
    """Past by every clock."""
    return value is not None and value <= now - MARGIN


def attribute(element: etree._Element, name: str, value: bool | datetime | str | None) -> None:
    """An attribute, where there is something to say."""
    if isinstance(value, datetime):
        element.set(name, moment(value))
    elif value is not None:
        element.set(name, _said(value) if isinstance(value, bool) else value)


def _said(value: bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
