"""Documents are checked before anything is sent: by the rules always, by the schema where it is.

Guarantees: every fault is found, with its place; without the schema's file that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import xmlschema
from lxml import etree

from coop_ncmec_reporter.fingerprint import fingerprint, version
from coop_ncmec_reporter.text import is_email, is_ip, is_url
from coop_ncmec_reporter.tree import MARGIN

_MOST: Final = {
    "platform": 256,
    "escalateToHighPriority": 3000,
    "incidentDateTimeDescription": 3000,
    "chatClient": 255,
    "chatRoomName": 255,
    "espIdentifier": 255,
    "espService": 100,
    "screenName": 256,
    "displayName": 255,
    "groupIdentifier": 255,
    "firstName": 100,
    "lastName": 100,
    "city": 100,
    "region": 100,
    "originalFileName": 2056,
    "idType": 100,
    "idValue": 255,
    "termsOfService": 3000,
}
_TIMES: Final = frozenset({"incidentDateTime", "dateTime", "uploadedToEspTimestamp"})
_TIMED: Final = frozenset({"disabledDate", "verificationDate", "timestamp"})
_URLS: Final = frozenset({"url", "profileUrl", "legalURL", "locationOfFile"})
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class DocumentCheck:
    """Checks documents. `schema` is the file that NCMEC serves at `GET /xsd`."""

    def __init__(self, schema: Path | None) -> None:
        self._schema = None if schema is None else xmlschema.XMLSchema(str(schema))
        self.fingerprint = None if schema is None else fingerprint(schema.read_bytes())
        """Of the schema, where there is one."""
        self.version = None if schema is None else version(schema.read_bytes())
        """By which the schema calls itself, if it does."""

    @property
    def has_schema(self) -> bool:
        """Whether the schema is checked as well."""
        return self._schema is not None

    def faults(self, document: bytes, *, now: datetime) -> list[str]:
        """What is wrong with it; nothing of what it says is quoted."""
        root = etree.fromstring(document)
        found = list(_rules(root, now))
        if self._schema is not None:
            # Its annotation knows the other library of this interface alone.
            elements: Any = root
            for error in self._schema.iter_errors(elements):
                found.append(f"{error.path}: {_unquoted(error.reason or error.message or '')}")
        return found


def _unquoted(reason: str) -> str:
    # The validator names the value that is wrong; it may be a person's.
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason)[:200]


def _rules(root: etree._Element, now: datetime) -> Iterator[str]:
    for element in root.iter("*"):
        name, text = str(element.tag), element.text or ""
        if len(element) == 0 and len(text) > _MOST.get(name, len(text)):
            yield f"{name}: more than {_MOST[name]} characters"
        if name in _URLS and not is_url(text):
            yield f"{name}: not a URL"
        if name in ("email", "emailAddress") and not is_email(text):
            yield f"{name}: not an e-mail address"
        if name == "ipAddress" and not is_ip(text):
            yield f"{name}: not an IP address"
        if name in _TIMES and not _is_past(text, now):
            yield f"{name}: not past"
        for key, value in element.attrib.items():
            if str(key) in _TIMED and not _is_past(str(value), now):
                yield f"{name}/{key}: not past"
    yield from _report(root) if root.tag == "report" else _file(root)


def _is_past(text: str, now: datetime) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    return datetime.fromisoformat(text) <= now - MARGIN


def _report(root: etree._Element) -> Iterator[str]:
    if root.tag == "report" and root.find("reporter/reportingPerson/email") is None:
        yield "reportingPerson: an e-mail address is needed"
    if root.find("personOrUserReported/espIdentifier") is None:
        yield "personOrUserReported: who is reported?"


def _file(root: etree._Element) -> Iterator[str]:
    if root.findtext("exifViewedByEsp") == "true" and root.findtext("fileViewedByEsp") != "true":
        yield "exifViewedByEsp: only of a file that was viewed"
    if root.findtext("fileRelevance") != "Supplemental Reported":
        return
    if root.find("industryClassification") is not None:
        yield "industryClassification: only of a reported file"
    if root.find("fileAnnotations/potentialMeme") is not None:
        yield "potentialMeme: only of a reported file"
