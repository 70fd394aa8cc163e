"""What the documentation asks beyond the schema: lengths, times that are past, addresses.

Written by itself, not from who files reports: one is held against the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

_LONGEST: Final[dict[str, int]] = {
    "platform": 256,
    "escalateToHighPriority": 3000,
    "incidentDateTimeDescription": 3000,
    "chatClient": 255,
    "chatRoomName": 255,
    "gameName": 255,
    "console": 255,
    "locationName": 255,
    "client": 255,
    "agencyName": 255,
    "caseNumber": 100,
    "vehicleDescription": 300,
    "espService": 100,
    "screenName": 256,
    "displayName": 255,
    "schoolName": 255,
    "groupIdentifier": 255,
    "firstName": 100,
    "lastName": 100,
    "city": 100,
    "region": 100,
    "originalFileName": 2056,
    "idType": 100,
    "idValue": 255,
    "hashType": 64,
}
_PAST: Final = frozenset(
    {
        "incidentDateTime",
        "dateTime",
        "uploadedToEspTimestamp",
        "disabledDate",
        "userNotifiedDate",
        "reenabledDate",
        "verificationDate",
        "timestamp",
    }
)
_ADDRESSES: Final = frozenset({"url", "profileUrl", "legalURL", "locationOfFile"})
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MEME: Final = frozenset({"potentialMeme"})


def broken_rules(document: etree._Element, *, now: datetime) -> list[str]:
    """What is wrong with it, each with its place."""
    found = [fault for element in document.iter("*") for fault in _of(element, now)]
    if document.tag == "report":
        found += _report(document)
    else:
        found += _file(document)
    return found


def _of(element: etree._Element, now: datetime) -> Iterator[str]:
    name, text = str(element.tag), element.text or ""
    named = [(name, text)] if len(element) == 0 else []
    named += [(str(key), str(value)) for key, value in element.attrib.items()]
    for part, value in named:
        longest = _LONGEST.get(part)
        if part == "espIdentifier":
            longest = 256 if _parent(element) == "associatedAccount" else 255
        if longest is not None and len(value) > longest:
            yield f"{part}: more than {longest} characters"
        if part in _PAST:
            yield from _past(part, value, now)
    if name in _ADDRESSES:
        yield from _address(name, text)
    if name in ("email", "emailAddress") and not _EMAIL.fullmatch(text):
        yield f"{name}: not an e-mail address"
    if name == "ipAddress":
        try:
            ip_address(text)
        except ValueError:
            yield "ipAddress: not an address"
    if name == "age" and not 0 <= int(text) <= 150:
        yield "age: from 0 to 150"
    if name == "escalateToHighPriority" and not text.strip():
        yield "escalateToHighPriority: a reason"


def _parent(element: etree._Element) -> str:
    found = element.getparent()
    return "" if found is None else str(found.tag)


def _past(name: str, value: str, now: datetime) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        yield f"{name}: not a time"
        return
    if moment.tzinfo is None:
        yield f"{name}: without a zone"
    elif moment >= now:
        yield f"{name}: must be in the past"


def _address(name: str, text: str) -> Iterator[str]:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole or len(text) > 2083 or re.search(r"[\s\x00-\x1f\x7f]", text):
        yield f"{name}: not a URL"


def _report(document: etree._Element) -> Iterator[str]:
    if document.find("reporter/reportingPerson/email") is None:
        yield "reportingPerson: an e-mail address is required"
    if len(document.findall("personOrUserReported")) > 1:
        yield "personOrUserReported: one, but in a batched report"
    if document.find("batchedReport") is not None:
        yield "batchedReport: not taken here"
    known = {one.text for one in document.iter("email")}
    for one in document.iter("emailAddress"):
        if one.text not in known:
            yield "emailAddress: must be of a person of the report"


def _file(document: etree._Element) -> Iterator[str]:
    if not (document.findtext("fileId") or "").strip():
        yield "fileId: must not be blank"
    viewed = document.findtext("fileViewedByEsp")
    if document.findtext("exifViewedByEsp") == "true" and viewed != "true":
        yield "exifViewedByEsp: only of a file that was viewed"
    if document.findtext("fileRelevance") == "Supplemental Reported":
        annotated = {str(one.tag) for one in document.findall("fileAnnotations/*")}
        if document.find("industryClassification") is not None or annotated & _MEME:
            yield "fileRelevance: what is supplemental is not classified"
