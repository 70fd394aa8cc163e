"""The document that opens a report, in the schema's order.

Source: the CyberTipline Reporting API, `report`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from coop_contracts.config import InternetDetail
from coop_contracts.event import IncidentType, ReportAnnotation
from coop_ncmec_reporter.account_part import put_account, put_url
from coop_ncmec_reporter.filing import Filing
from coop_ncmec_reporter.text import clean, is_email, is_url
from coop_ncmec_reporter.tree import (
    MARGIN,
    Notes,
    attribute,
    document,
    fitted,
    flags,
    moment,
    put,
    written,
)

INCIDENTS: Final[dict[IncidentType, str]] = {
    "CHILD_PORNOGRAPHY": "Child Pornography (possession, manufacture, and distribution)",
    "CHILD_SEX_TRAFFICKING": "Child Sex Trafficking",
    "CHILD_SEX_TOURISM": "Child Sex Tourism",
    "CHILD_SEXUAL_MOLESTATION": "Child Sexual Molestation",
    "MISLEADING_DOMAIN_NAME": "Misleading Domain Name",
    "MISLEADING_WORDS_OR_IMAGES": "Misleading Words or Digital Images on the Internet",
    "ONLINE_ENTICEMENT": "Online Enticement of Children for Sexual Acts",
    "UNSOLICITED_OBSCENE_MATERIAL": "Unsolicited Obscene Material Sent to a Child",
}
_ANNOTATIONS: Final[dict[ReportAnnotation, str]] = {
    "SEXTORTION": "sextortion",
    "CSAM_SOLICITATION": "csamSolicitation",
    "MINOR_TO_MINOR_INTERACTION": "minorToMinorInteraction",
    "SPAM": "spam",
    "SADISTIC_ONLINE_EXPLOITATION": "sadisticOnlineExploitation",
}
_DETAILS: Final[dict[InternetDetail, str]] = {
    "WEB_PAGE": "webPageIncident",
    "EMAIL": "emailIncident",
    "NEWSGROUP": "newsgroupIncident",
    "CHAT_IM": "chatImIncident",
    "ONLINE_GAMING": "onlineGamingIncident",
    "CELL_PHONE": "cellPhoneIncident",
    "NON_INTERNET": "nonInternetIncident",
    "PEER_TO_PEER": "peer2peerIncident",
}
REFERENCE: Final = "Our reference: "


def report_document(filing: Filing) -> bytes:
    """The document's bytes: the same for the same filing."""
    now = filing.prepared_at
    report = document("report")
    # First, so that whoever reads the report can name it to us.
    notes = Notes([f"{REFERENCE}{filing.reference}", *filing.notes])
    _put_summary(report, filing, notes, now)
    _put_details(report, filing, notes)
    _put_reporter(report, filing, notes)
    service = filing.reporter.company
    put_account(report, "personOrUserReported", filing.suspect, service=service, now=now)
    for account in filing.recipients:
        put_account(report, "intendedRecipient", account, service=service, now=now)
    for account in filing.victims:
        put_account(report, "victim", account, service=service, now=now)
    put(report, "additionalInfo", notes.text())
    return written(report)


def _put_summary(report: etree._Element, filing: Filing, notes: Notes, now: datetime) -> None:
    summary = etree.SubElement(report, "incidentSummary")
    put(summary, "incidentType", INCIDENTS[filing.incident])
    fitted(summary, "platform", filing.platform, 256, notes)
    fitted(summary, "escalateToHighPriority", filing.high_priority, 3000, notes)
    flags(summary, "reportAnnotations", [_ANNOTATIONS[one] for one in filing.annotations])
    put(summary, "incidentDateTime", moment(min(filing.incident_at, now - MARGIN)))
    fitted(summary, "incidentDateTimeDescription", filing.incident_at_means, 3000)


def _put_details(report: etree._Element, filing: Filing, notes: Notes) -> None:
    pages = [page for page in dict.fromkeys(filing.pages) if is_url(page)]
    for page in dict.fromkeys(filing.pages):
        if page not in pages:
            notes.add("address as given", page)
    if pages:
        element = _detail(report, "WEB_PAGE")
        for page in pages:
            put(element, "url", page)
        attribute(element, "thirdPartyHostedContent", False)
    for conversation in filing.conversations:
        element = _detail(report, "CHAT_IM")
        fitted(element, "chatClient", filing.reporter.company, 255)
        fitted(element, "chatRoomName", conversation.room, 255, notes)
        put(element, "content", conversation.content)
    default = filing.reporter.internet_detail
    said = {"WEB_PAGE": bool(pages), "CHAT_IM": bool(filing.conversations)}
    if default is None or said.get(default):
        return
    element = _detail(report, default)
    if default in ("EMAIL", "NEWSGROUP"):
        for email in filing.suspect.emails:
            if is_email(email.address):
                put(element, "emailAddress", email.address)


def _detail(report: etree._Element, kind: InternetDetail) -> etree._Element:
    return etree.SubElement(etree.SubElement(report, "internetDetails"), _DETAILS[kind])


def _put_reporter(report: etree._Element, filing: Filing, notes: Notes) -> None:
    said = filing.reporter
    reporter = etree.SubElement(report, "reporter")
    put(etree.SubElement(reporter, "reportingPerson"), "email", said.email)
    if said.contact is not None:
        contact = etree.SubElement(reporter, "contactPerson")
        fitted(contact, "firstName", said.contact.first_name, 100, notes)
        fitted(contact, "lastName", said.contact.last_name, 100, notes)
        put(contact, "phone", said.contact.phone)
        if is_email(said.contact.email):
            put(contact, "email", said.contact.email)
        if len(contact) == 0:
            reporter.remove(contact)
    put(reporter, "companyTemplate", said.company)
    terms = clean(said.terms_of_service)
    fitted(reporter, "termsOfService", terms, 3000, notes)
    put_url(reporter, "legalURL", said.legal_url, notes)
    if said.more_info_url.strip():
        notes.add("More information", said.more_info_url)
