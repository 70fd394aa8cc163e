"""Documents: whatever is decided, the schema and the rules take them, and nothing is lost.

The decisions are generated, each by its number, so that one that fails can be made again.
"""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from lxml import etree

from coop_contracts.config import InternetDetail, LegalContact
from coop_contracts.event import (
    CybertipRequested,
    FileAnnotation,
    IncidentType,
    ItemRef,
    MediumClass,
    ReportAnnotation,
    ReportedMedium,
    ReportedMessage,
    ReportedThread,
    ReportedUser,
)
from coop_ncmec_reporter import platform_answer
from coop_ncmec_reporter.assembly import facts_of, filing_of, wanted_files
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.file_document import file_document
from coop_ncmec_reporter.filing import EventName
from coop_ncmec_reporter.platform_answer import PlatformAnswer
from coop_ncmec_reporter.report_document import report_document
from coop_ncmec_simulator.document import Documents

from .conftest import medium, requested, schema_file, settings_of, thread, user

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COUNT = 500

SAID = """
    incidentType escalateToHighPriority reportAnnotations sextortion spam
    incidentDateTime incidentDateTimeDescription webPageIncident url emailIncident
    emailAddress newsgroupIncident chatImIncident chatClient chatRoomName content
    onlineGamingIncident cellPhoneIncident nonInternetIncident peer2peerIncident
    reportingPerson contactPerson companyTemplate termsOfService legalURL
    personOrUserReportedPerson firstName lastName phone email age dateOfBirth
    espIdentifier espService compromisedAccount screenName displayName profileUrl
    profileBio ipCaptureEvent ipAddress eventName dateTime possibleProxy port
    deviceId idType idValue priorCTReports groupIdentifier estimatedLocation city
    accountTemporarilyDisabled accountPermanentlyDisabled countryCode
    intendedRecipient victim victimPerson additionalInfo originalFileName
    uploadedToEspTimestamp locationOfFile fileViewedByEsp exifViewedByEsp
    publiclyAvailable fileRelevance fileAnnotations infant industryClassification
    originalFileHash details nameValuePair @verified @type @verificationDate
    @disabledDate @hashType @timestamp
"""

NASTY = (
    "",
    " ",
    "\0",
    "a\x01b\x1fc\x7f",
    "\ud800",
    "\ufffe\uffff",
    "<&>\"']]>",
    "\u202eright to left",
    "👩‍👩‍👧 ünïcödé 漢字",
    "a\r\nb\rc\td",
    "=1+1",
    "x" * 99,
    "x" * 101,
    "é" * 260,
    "long " * 1000,
)


class Chance:
    """Everything that a decision may say, and more than it should."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)

    def is_so(self) -> bool:
        return self._random.random() < 0.5

    def one(self, *of: Any) -> Any:
        return self._random.choice(of)

    def text(self) -> str:
        if self.is_so():
            return str(self.one(*NASTY))
        letters = string.printable + "äß漢👩\x00\x08\x0b"
        size = self._random.randint(0, 40)
        return "".join(self._random.choice(letters) for _ in range(size))

    def maybe(self, value: Any) -> Any:
        return value if self.is_so() else None

    def some(self, make: Any, most: int = 3) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self._random.randint(0, most)))

    def chosen(self, kinds: Any) -> tuple[Any, ...]:
        return tuple(one for one in get_args(kinds) if self.is_so())

    def time(self) -> datetime:
        return NOW + timedelta(
            seconds=self.one(-(10**8), -3600, -61, -60, -59, -1, 0, 1, 3600, 10**8)
        )

    def url(self) -> str:
        return str(
            self.one(
                "https://example.com/a",
                "https://example.com/" + "a" * 2070,
                "https://example.com/a b",
                "https://exämple.com/ü",
                "javascript:alert(1)",
                "//example.com",
                "http://[::1]:80/x",
                "https://example.com:99999/",
                "https://example.com/\x01",
                self.text(),
            )
        )

    def email(self) -> str:
        return str(self.one("a@b.co", "A@b.example", "@", "a@b", "a b@c.de", self.text()))

    def ip(self) -> str:
        return str(
            self.one(
                "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "300.1.1.1", ""
            )
        )


def account(chance: Chance, number: int) -> ReportedUser:
    return ReportedUser(
        user=ItemRef(chance.one(f"user-{number}", "u" * 300, "ü/\x00" + str(number)), "user"),
        display_names=chance.some(chance.text),
        screen_name=chance.maybe(chance.text()),
        email=chance.maybe(chance.email()),
        phone=chance.maybe(chance.text()),
        first_name=chance.maybe(chance.text()),
        last_name=chance.maybe(chance.text()),
        age=chance.maybe(chance.one(-1, 0, 13, 150, 151)),
        date_of_birth=chance.maybe(chance.one("2012-01-31", "2030-01-01", "soon", "20120131", "")),
        profile_url=chance.maybe(chance.url()),
        profile_bio=chance.maybe(chance.text()),
        ip_address=chance.maybe(chance.ip()),
        group=chance.maybe(chance.text()),
        compromised=chance.one(None, True, False),
        disabled=chance.one(None, "PERMANENTLY", "TEMPORARILY"),
        disabled_at=chance.maybe(chance.time()),
        notes=chance.maybe(chance.text()),
    )


def decision(number: int) -> tuple[CybertipRequested, PlatformAnswer, Any]:
    chance = Chance(number)

    def one_medium() -> ReportedMedium:
        return ReportedMedium(
            item=ItemRef(chance.one("post-1", "post-2", "post-3"), "post"),
            field="images",
            url=chance.url(),
            classification=chance.one(None, *get_args(MediumClass)),
            annotations=chance.chosen(FileAnnotation),
            relevance=chance.one("REPORTED", "SUPPLEMENTAL"),
            viewed=chance.is_so(),
            exif_viewed=chance.is_so(),
            submitted_at=chance.maybe(chance.time()),
            uploaded_at=chance.maybe(chance.time()),
            publicly_available=chance.one(None, True, False),
            ip_address=chance.maybe(chance.ip()),
            hashes={chance.one("md5", "pdq", "", "x" * 70): chance.one("0" * 32, "", "\x00")},
            page_url=chance.maybe(chance.url()),
        )

    def one_message() -> ReportedMessage:
        return ReportedMessage(
            item=ItemRef("m", "message"),
            text=chance.text(),
            sent_at=chance.maybe(chance.time()),
            sender=chance.maybe(ItemRef(chance.text(), "user")),
            ip_address=chance.maybe(chance.ip()),
        )

    def one_thread() -> ReportedThread:
        return ReportedThread(
            thread=ItemRef(chance.one("thread", "t" * 300, chance.text()), "thread"),
            messages=(one_message(), *chance.some(one_message)),
        )

    request = requested(
        *chance.some(one_medium),
        incident=chance.one(*get_args(IncidentType)),
        user=account(chance, 1),
        decided_at=chance.time(),
        threads=chance.some(one_thread),
        victims=chance.some(lambda: account(chance, 2)),
        recipients=chance.some(lambda: account(chance, 3)),
        annotations=chance.chosen(ReportAnnotation),
        high_priority=chance.maybe(chance.text()),
        additional_info=chance.maybe(chance.text()),
    )
    event = {
        "ipAddress": chance.ip(),
        "eventName": chance.one(*get_args(EventName), "Sneeze", None),
        "dateTime": chance.one(chance.time().isoformat(), "2026-01-01T00:00:00", "yesterday", None),
        "possibleProxy": chance.one(True, False, None),
        "port": chance.one(0, 443, 70000, None),
    }
    device = {"idType": chance.text(), "idValue": chance.text(), "eventName": "Login"}
    told = {
        "users": [
            {
                "id": request.user.user.id,
                "typeId": "user",
                "screenName": chance.maybe(chance.text()),
                "email": [
                    {
                        "email": chance.email(),
                        "type": chance.one("Home", "Nowhere", None),
                        "verified": True,
                        "verificationDate": chance.time().isoformat(),
                    }
                ],
                "phone": {"phone": chance.text()},
                "ipCaptureEvent": chance.one(event, [event, event], None),
                "deviceId": [device],
                "estimatedLocation": {
                    "city": chance.text(),
                    "countryCode": chance.one("DE", "XX", "", None),
                    "timestamp": chance.time().isoformat(),
                },
                "profileUrl": chance.url(),
            }
        ],
        "media": [
            {
                "id": "post-1",
                "typeId": "post",
                "ipCaptureEvent": [event, event],
                "additionalInfo": [chance.text()],
                "fileName": chance.maybe(chance.text()),
                "publiclyAvailable": chance.one(True, None, "yes"),
                "fileDetails": [{"hash": "ab", "hashType": chance.one("SHA1", "", "x" * 65)}],
                "deviceId": [device],
                "exif": {chance.text(): chance.text(), "Make": "Canon"},
            }
        ],
        "additionalFiles": [{"fileUrl": chance.url(), "fileName": chance.maybe(chance.text())}],
        "additionalInfo": chance.one(None, chance.text(), [chance.text()], 7),
    }
    body = msgspec.json.encode(_encodable(told))
    users = [one.user for one in (request.user, *request.victims, *request.recipients)]
    answer = platform_answer.read(body, users, [one.item for one in request.media])
    settings = settings_of(
        company_report_name=chance.one("Example", "E" * 150, "Exämple & Söhne"),
        terms_of_service=chance.one("", "T" * 3000, chance.text()),
        more_info_url=chance.one("", "https://example.com/more"),
        internet_detail=chance.one(None, *get_args(InternetDetail)),
        contact_person=chance.one(
            None,
            LegalContact(),
            LegalContact(first_name=chance.text(), email=chance.email(), phone=chance.text()),
        ),
    )
    return request, answer, settings


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list) else value


def documents(number: int) -> list[tuple[str, bytes]]:
    """Those of one decision, with their roots."""
    request, answer, settings = decision(number)
    wanted = wanted_files(request, answer)
    prior = {f"user/{request.user.user.id}": [250000001, 250000002]} if number % 3 == 0 else {}
    gone = wanted[: number % 2]
    filing = filing_of(request, settings, answer, missing=gone, prior=prior, now=NOW)
    found = [("report", report_document(filing))]
    for one in wanted:
        facts = facts_of(one, request, answer)
        found.append(("fileDetails", file_document(facts, report_id=7, file_id="0" * 32, now=NOW)))
    return found


@pytest.fixture(scope="module")
def check() -> DocumentCheck:
    return DocumentCheck(schema_file())


def hold(check: DocumentCheck, theirs: Documents) -> None:
    """Each document of each decision, by the reporter and by the stand-in, whose clock is late."""
    for number in range(COUNT):
        for root, document in documents(number):
            assert check.faults(document, now=NOW) == [], (number, document.decode())
            theirs.read(document, root, now=NOW - timedelta(seconds=19))


def test_no_decision_is_refused_by_the_rules() -> None:
    """500 decisions, every option on and off: by those of the reporter, and of the stand-in."""
    hold(DocumentCheck(None), Documents(None))


def test_no_decision_is_refused_by_the_schema(check: DocumentCheck) -> None:
    """The same 500, by two validators."""
    hold(check, Documents(schema_file()))


def test_every_element_is_made_by_some_decision() -> None:
    """What can be said, is said by one of them at least: the decisions test all of it."""
    made: set[str] = set()
    for number in range(60):
        for _, document in documents(number):
            root = etree.fromstring(document)
            made |= {str(one.tag) for one in root.iter("*")}
            made |= {f"@{name}" for one in root.iter("*") for name in map(str, one.attrib)}
    assert set(SAID.split()) <= made


def text_of(request: CybertipRequested, path: str) -> list[str]:
    filing = filing_of(request, settings_of(), PlatformAnswer(), now=NOW)
    found: Any = etree.fromstring(report_document(filing)).xpath(f"{path}/text()")
    return [str(one) for one in found]


@pytest.mark.parametrize(
    ("request_", "at", "means"),
    [
        (
            requested(medium("https://e.com/a", uploaded_at=NOW - timedelta(days=1))),
            "2026-05-31T12:00:00Z",
            "Time of the newest reported upload",
        ),
        (
            requested(medium("https://e.com/a")),
            "2026-06-01T11:00:00Z",
            "Time at which the newest reported content reached our moderation",
        ),
        (
            requested(threads=(thread("a"),)),
            "2026-06-01T10:00:00Z",
            "Time of the newest reported message",
        ),
        (
            requested(medium("https://e.com/a", uploaded_at=NOW)),
            "2026-06-01T11:59:00Z",
            "Time of the newest reported upload",
        ),
    ],
    ids=["upload", "submission", "message", "just-now"],
)
def test_the_time_of_the_incident_says_what_it_is(
    request_: CybertipRequested, at: str, means: str
) -> None:
    """None is made up; one that is too new is a minute ago, by every clock of the receiver's."""
    assert text_of(request_, "incidentSummary/incidentDateTime") == [at]
    assert text_of(request_, "incidentSummary/incidentDateTimeDescription") == [means]


def test_what_has_no_place_is_told_in_words() -> None:
    """Too long, no address, not past: among the notes, whole."""
    given = user(
        screen_name="s" * 300,
        email="no address",
        profile_url="https://example.com/a b",
        age=200,
        ip_address="300.1.1.1",
        disabled="PERMANENTLY",
        disabled_at=NOW,
    )
    (notes,) = text_of(requested(user=given), "personOrUserReported/additionalInfo")
    for said in (
        "screenName in full: " + "s" * 300,
        "e-mail address as given: no address",
        "profileUrl as given: https://example.com/a b",
        "age as given: 200",
        "IP address as given: 300.1.1.1",
        "account disabled at: 2026-06-01T12:00:00Z",
    ):
        assert said in notes


def test_viewed_is_the_truth() -> None:
    """What nobody looked at is not said to have been, and metadata only with the file."""
    for viewed, exif in ((False, True), (True, False), (True, True)):
        one = medium("https://e.com/a", viewed=viewed, exif_viewed=exif)
        request = requested(one)
        (wanted,) = wanted_files(request, PlatformAnswer())
        facts = facts_of(wanted, request, PlatformAnswer())
        root = etree.fromstring(file_document(facts, report_id=1, file_id="a", now=NOW))
        assert root.findtext("fileViewedByEsp") == str(viewed).lower()
        assert root.findtext("exifViewedByEsp") == str(viewed and exif).lower()


def test_a_table_of_messages_calculates_nothing() -> None:
    """A cell that a spreadsheet would take for a formula is text."""
    (wanted,) = wanted_files(requested(threads=(thread("=1+1", 'say "a"'),)), PlatformAnswer())
    assert wanted.content is not None
    lines = wanted.content.decode().split("\r\n")
    assert lines[0].startswith('"content","src"')
    assert lines[1].startswith('"\'=1+1","user-1"')
    assert lines[2].startswith('"say ""a"""')


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("<report><reporter/></report>", "reportingPerson: an e-mail address is needed"),
        (
            "<report><incidentSummary><incidentDateTime>2026-06-01T11:59:30Z</incidentDateTime>"
            "</incidentSummary></report>",
            "incidentDateTime: not past",
        ),
        (
            "<fileDetails><fileRelevance>Supplemental Reported</fileRelevance>"
            "<industryClassification>A1</industryClassification></fileDetails>",
            "industryClassification: only of a reported file",
        ),
        (
            "<fileDetails><exifViewedByEsp>true</exifViewedByEsp></fileDetails>",
            "exifViewedByEsp: only of a file that was viewed",
        ),
    ],
    ids=["email", "past", "class", "viewed"],
)
def test_the_rules_hold_without_the_schema(document: str, fault: str) -> None:
    """Where no file of the schema is, that is known, and the rules are kept all the same."""
    bare = DocumentCheck(None)
    assert not bare.has_schema
    assert fault in bare.faults(document.encode(), now=NOW)


def test_a_fault_by_the_schema_quotes_nothing(check: DocumentCheck) -> None:
    """The place and the kind, not what a person wrote."""
    document = report_document(
        filing_of(requested(threads=(thread("a"),)), settings_of(), PlatformAnswer(), now=NOW)
    )
    broken = document.replace(b"Child Pornography (possession", b"A secret (possession")
    (fault,) = check.faults(broken, now=NOW)
    assert fault.startswith("/report/incidentSummary/incidentType")
    assert "secret" not in fault
