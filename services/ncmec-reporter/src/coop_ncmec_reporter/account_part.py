"""A user within a report: the suspect, a recipient, a victim, in the schema's order.

Source: the CyberTipline Reporting API, `personOrUserReported`, `intendedRecipient`, `victim`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from lxml import etree

from coop_ncmec_reporter.filing import Account, Device, IpEvent
from coop_ncmec_reporter.text import clean, is_email, is_ip, is_url
from coop_ncmec_reporter.tree import Notes, attribute, fitted, is_past, moment, put

Part = Literal["personOrUserReported", "intendedRecipient", "victim"]

_PERSON: Final[dict[Part, str]] = {
    "personOrUserReported": "personOrUserReportedPerson",
    "intendedRecipient": "intendedRecipientPerson",
    "victim": "victimPerson",
}
_OLDEST: Final = 150


def put_account(
    report: etree._Element, part: Part, account: Account, *, service: str, now: datetime
) -> None:
    """The element, and in it everything that is known."""
    notes = Notes(account.notes)
    element = etree.SubElement(report, part)
    person = etree.SubElement(element, _PERSON[part])
    _put_person(person, account, notes, now)
    # A victim's person has to be there, whatever is known of it.
    if len(person) == 0 and part != "victim":
        element.remove(person)
    fitted(element, "espIdentifier", account.id, 255, notes)
    fitted(element, "espService", service, 100)
    put(element, "compromisedAccount", account.compromised)
    fitted(element, "screenName", account.screen_name, 256, notes)
    for name in account.display_names:
        fitted(element, "displayName", name, 255, notes)
    for url in account.profile_urls:
        put_url(element, "profileUrl", url, notes)
    put(element, "profileBio", account.profile_bio)
    for event in account.ip_events:
        put_ip(element, event, notes, now)
    for device in account.devices:
        put_device(element, device, notes, now)
    for number in account.prior_reports:
        put(element, "priorCTReports", number)
    if part != "victim":
        fitted(element, "groupIdentifier", account.group, 255, notes)
    elif account.group:
        notes.add("group", account.group)
    _put_disabled(element, account, notes, now)
    _put_place(element, account, notes, now)
    put(element, "additionalInfo", notes.text())


def put_url(parent: etree._Element, name: str, url: str, notes: Notes) -> None:
    """A URL, or a note of what was given for one."""
    if is_url(url):
        put(parent, name, url)
    elif url.strip():
        notes.add(f"{name} as given", url)


def put_ip(parent: etree._Element, event: IpEvent, notes: Notes, now: datetime) -> None:
    """One event, or a note of it."""
    if not is_ip(event.ip_address):
        notes.add("IP address as given", event.ip_address)
        return
    element = etree.SubElement(parent, "ipCaptureEvent")
    put(element, "ipAddress", event.ip_address)
    _put_seen(element, event.event_name, event.at, f"event of {event.ip_address}", notes, now)
    put(element, "possibleProxy", event.possible_proxy)
    if event.port is not None and 0 <= event.port <= 65535:
        put(element, "port", event.port)


def put_device(parent: etree._Element, device: Device, notes: Notes, now: datetime) -> None:
    """One device, or a note of it."""
    kind, value = clean(device.id_type).strip(), clean(device.id_value).strip()
    if not kind or not value:
        return
    if len(kind) > 100 or len(value) > 255:
        notes.add("device as given", f"{kind} {value}")
        return
    element = etree.SubElement(parent, "deviceId")
    put(element, "idType", kind)
    put(element, "idValue", value)
    _put_seen(element, device.event_name, device.at, "event of a device", notes, now)


def _put_seen(
    element: etree._Element,
    name: str | None,
    at: datetime | None,
    what: str,
    notes: Notes,
    now: datetime,
) -> None:
    put(element, "eventName", name)
    if at is None:
        return
    if is_past(at, now):
        put(element, "dateTime", moment(at))
    else:
        notes.add(f"time of the {what} as given", moment(at))


def _put_person(person: etree._Element, account: Account, notes: Notes, now: datetime) -> None:
    fitted(person, "firstName", account.first_name, 100, notes)
    fitted(person, "lastName", account.last_name, 100, notes)
    for phone in account.phones:
        number = clean(phone.number).strip()
        if not number:
            continue
        put(person, "phone", number)
        attribute(person[-1], "verified", phone.verified)
    for email in account.emails:
        if not is_email(email.address):
            notes.add("e-mail address as given", email.address)
            continue
        put(person, "email", email.address)
        attribute(person[-1], "type", email.kind)
        attribute(person[-1], "verified", email.verified)
        if is_past(email.verified_at, now):
            attribute(person[-1], "verificationDate", email.verified_at)
    if account.age is not None and 0 <= account.age <= _OLDEST:
        put(person, "age", account.age)
    elif account.age is not None:
        notes.add("age as given", str(account.age))
    if account.date_of_birth:
        _put_birth(person, account.date_of_birth, notes, now)


def _put_birth(person: etree._Element, given: str, notes: Notes, now: datetime) -> None:
    try:
        born = date.fromisoformat(given)
    except ValueError:
        notes.add("date of birth as given", given)
        return
    if born < now.date():
        put(person, "dateOfBirth", born.isoformat())
    else:
        notes.add("date of birth as given", given)


def _put_disabled(element: etree._Element, account: Account, notes: Notes, now: datetime) -> None:
    if account.disabled is None:
        return
    permanently = account.disabled == "PERMANENTLY"
    put(element, f"account{'Permanently' if permanently else 'Temporarily'}Disabled", True)
    if is_past(account.disabled_at, now):
        attribute(element[-1], "disabledDate", account.disabled_at)
    elif account.disabled_at is not None:
        notes.add("account disabled at", moment(account.disabled_at))


def _put_place(element: etree._Element, account: Account, notes: Notes, now: datetime) -> None:
    place = account.place
    if place is None:
        return
    found = etree.SubElement(element, "estimatedLocation")
    attribute(found, "verified", place.verified)
    if is_past(place.at, now):
        attribute(found, "timestamp", place.at)
    fitted(found, "city", place.city, 100, notes)
    fitted(found, "region", place.region, 100, notes)
    if place.country_code in COUNTRIES:
        put(found, "countryCode", place.country_code)
    elif place.country_code:
        notes.add("country as given", place.country_code)
    if len(found) == 0:
        element.remove(found)


_LISTED: Final = (
    "A1 A2 O1 AD AE AF AG AI AL AM AN AO AP AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH "
    "BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU "
    "CV CX CW CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET EU FI FJ FK FM FO FR FX GA GB "
    "GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
    "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT "
    "LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC "
    "NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO "
    "RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK "
    "YE YT ZA ZM ZW "
)
COUNTRIES: Final = frozenset(_LISTED.split())
"""ISO 3166-1, and the nine more that the interface lists."""
