"""The document that says what a file is, in the schema's order.

Source: the CyberTipline Reporting API, `fileDetails`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from coop_contracts.event import FileAnnotation
from coop_ncmec_reporter.account_part import put_device, put_ip, put_url
from coop_ncmec_reporter.filing import FileFacts
from coop_ncmec_reporter.text import clean
from coop_ncmec_reporter.tree import Notes, document, fitted, flags, is_past, moment, put, written

_ANNOTATIONS: Final[dict[FileAnnotation, str]] = {
    "ANIME_DRAWING_VIRTUAL_HENTAI": "animeDrawingVirtualHentai",
    "POTENTIAL_MEME": "potentialMeme",
    "VIRAL": "viral",
    "POSSIBLE_SELF_PRODUCTION": "possibleSelfProduction",
    "PHYSICAL_HARM": "physicalHarm",
    "VIOLENCE_GORE": "violenceGore",
    "BESTIALITY": "bestiality",
    "LIVE_STREAMING": "liveStreaming",
    "INFANT": "infant",
    "GENERATIVE_AI": "generativeAi",
}


def file_document(facts: FileFacts, *, report_id: int, file_id: str, now: datetime) -> bytes:
    """The document's bytes. What is supplemental has no class and is no meme, whatever was
    chosen."""
    reported = facts.relevance == "REPORTED"
    notes = Notes(facts.notes)
    root = document("fileDetails")
    put(root, "reportId", report_id)
    put(root, "fileId", file_id)
    fitted(root, "originalFileName", facts.name, 2056, notes)
    if is_past(facts.uploaded_at, now) and facts.uploaded_at is not None:
        put(root, "uploadedToEspTimestamp", moment(facts.uploaded_at))
    if facts.location:
        put_url(root, "locationOfFile", facts.location, notes)
    put(root, "fileViewedByEsp", facts.viewed)
    put(root, "exifViewedByEsp", facts.exif_viewed and facts.viewed)
    put(root, "publiclyAvailable", facts.publicly_available)
    put(root, "fileRelevance", "Reported" if reported else "Supplemental Reported")
    chosen = [one for one in facts.annotations if reported or one != "POTENTIAL_MEME"]
    flags(root, "fileAnnotations", [_ANNOTATIONS[one] for one in chosen])
    if reported:
        put(root, "industryClassification", facts.classification)
    for kind, digest in facts.hashes.items():
        _put_hash(root, kind, digest)
    if facts.ip_event is not None:
        put_ip(root, facts.ip_event, notes, now)
    for device in facts.devices:
        put_device(root, device, notes, now)
    _put_exif(root, facts, notes)
    put(root, "additionalInfo", notes.text())
    return written(root)


def _put_hash(root: etree._Element, kind: str, digest: str) -> None:
    named = clean(kind).strip().upper()
    if named and len(named) <= 64 and clean(digest).strip():
        put(root, "originalFileHash", digest)
        root[-1].set("hashType", named)


def _put_exif(root: etree._Element, facts: FileFacts, notes: Notes) -> None:
    details = etree.Element("details", type="EXIF")
    for name, value in facts.exif.items():
        named, said = clean(name).strip(), clean(value)
        if not named or not said.strip():
            continue
        if len(named) > 64:
            notes.add(named, said)
            continue
        pair = etree.SubElement(details, "nameValuePair")
        put(pair, "name", named)
        put(pair, "value", said)
    if len(details):
        root.append(details)
