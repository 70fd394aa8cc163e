"""The sixteen scalars, value by value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.config import ScalarType
from coop_items.moment import format_moment, parse_moment
from coop_items.refusal import DoubtfulValue, NotAnItemValue, quote
from coop_items.scalar import check_id, scalar_coercers

COERCE = scalar_coercers({"user", "post"}.__contains__, allow_private_hosts=False)
RELATED = {"id": "u1", "typeId": "user"}


@pytest.mark.parametrize(
    ("scalar", "value", "result"),
    [
        ("ID", "a", "a"),
        ("ID", "", ""),
        ("ID", 7, "7"),
        ("ID", 7.0, "7"),
        ("ID", -0.0, "0"),
        ("ID", 1.5, "1.5"),
        ("ID", 1e21, "1e+21"),
        ("ID", 2**53 + 1, "9007199254740993"),
        ("ID", 2**63, "9223372036854775808"),
        ("ID", 12345678901234567891, "12345678901234567891"),
        ("ID", -(10**30) - 1, "-1000000000000000000000000000001"),
        ("ID", 1e-5, "0.00001"),
        ("ID", 1e-7, "1e-7"),
        ("POLICY_ID", 7, "7"),
        ("STRING", " é ", " é "),
        ("STRING", "", ""),
        ("BOOLEAN", True, True),
        ("BOOLEAN", "FALSE", False),
        ("BOOLEAN", "1", True),
        ("BOOLEAN", 1, True),
        ("BOOLEAN", 0, False),
        ("BOOLEAN", -0.0, False),
        ("NUMBER", 1.5, 1.5),
        ("NUMBER", " 12 ", 12),
        ("NUMBER", "-1.5e3", -1500.0),
        ("NUMBER", ".5", 0.5),
        ("NUMBER", 2**70, float(2**70)),
        ("NUMBER", "9007199254740993", 9007199254740993),
        ("NUMBER", "0x1F", 31),
        ("NUMBER", "0o17", 15),
        ("USER_ID", RELATED, RELATED),
        ("RELATED_ITEM", {**RELATED, "name": "N", "x": [1]}, {**RELATED, "name": "N", "x": [1]}),
        ("URL", " https://example.com/a ", "https://example.com/a"),
        ("URL", "", None),
        ("IMAGE", "http://example.com/a.png", {"url": "http://example.com/a.png"}),
        ("VIDEO", "", None),
        ("AUDIO", "http://example.com/a", {"url": "http://example.com/a"}),
        ("DATETIME", "2000-03-15T05:20:10.123Z", "2000-03-15T05:20:10.123Z"),
        ("DATETIME", "2000-03-15T05:20:10Z", "2000-03-15T05:20:10.000Z"),
        ("DATETIME", "2000-03-15T05:20:10", "2000-03-15T05:20:10.000Z"),
        ("DATETIME", "2000-03-15 05:20:10.123456+00", "2000-03-15T05:20:10.123Z"),
        ("DATETIME", "2000-03-15T05:20:10.1234567+05:30", "2000-03-14T23:50:10.123Z"),
        ("DATETIME", "2000-03-15T05:20:10-0530", "2000-03-15T10:50:10.000Z"),
        ("DATETIME", "2000-03-15", "2000-03-15T00:00:00.000Z"),
        ("DATETIME", "2026-03-01T12:00Z", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "2026-03-01T12:00", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "2026-03-01T12:00:00z", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "2026-03-01t12:00:00.5+01:00", "2026-03-01T11:00:00.500Z"),
        ("DATETIME", "2026-03-01T12:00:00,25Z", "2026-03-01T12:00:00.250Z"),
        ("DATETIME", "2026-03-01T12:00:00.1234567890123Z", "2026-03-01T12:00:00.123Z"),
        ("DATETIME", "2026-03-01T12:00:00.000 Z", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "+002026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "20260301T120000Z", "2026-03-01T12:00:00.000Z"),
        ("DATETIME", "20260301", "2026-03-01T00:00:00.000Z"),
        ("DATETIME", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("DATETIME", "2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.500Z"),
        ("DATETIME", "2026-02-28T24:00:00Z", "2026-03-01T00:00:00.000Z"),
        ("DATETIME", "2026-03-01T12:00:00\u221205:00", "2026-03-01T17:00:00.000Z"),
        ("DATETIME", 0, "1970-01-01T00:00:00.000Z"),
        ("DATETIME", -1.9, "1969-12-31T23:59:59.999Z"),
        ("DATETIME", 1714557600123, "2024-05-01T10:00:00.123Z"),
        ("DATETIME", "", None),
        ("GEOHASH", "ezs42", "ezs42"),
        ("GEOHASH", "", None),
        ("IP_ADDRESS", " 1.2.3.4 ", "1.2.3.4"),
        ("IP_ADDRESS", "2001:db8::1", "2001:db8::1"),
        ("IP_ADDRESS", "", None),
        ("EMAIL_ADDRESS", " a.b+c@example.co.uk ", "a.b+c@example.co.uk"),
        ("EMAIL_ADDRESS", "имя@пример.рф", "имя@пример.рф"),
        ("EMAIL_ADDRESS", "", None),
    ],
)
def test_what_is_accepted(scalar: str, value: Any, result: Any) -> None:
    """Each accepted form becomes the one form that is kept."""
    coerced = COERCE[ScalarType(scalar)](value)
    assert coerced == result
    assert type(coerced) is type(result)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("ID", True),
        ("ID", float("nan")),
        ("ID", {}),
        ("STRING", 1),
        ("STRING", "a\0"),
        ("STRING", "\udfff"),
        ("BOOLEAN", 2),
        ("BOOLEAN", [1]),
        ("BOOLEAN", "yes"),
        ("NUMBER", ""),
        ("NUMBER", " "),
        ("NUMBER", True),
        ("NUMBER", float("nan")),
        ("NUMBER", float("-inf")),
        ("NUMBER", "NaN"),
        ("NUMBER", "Infinity"),
        ("NUMBER", "1e999"),
        ("NUMBER", "1_000"),
        ("NUMBER", "-0x1F"),
        ("NUMBER", "١٢"),
        ("NUMBER", "１２"),
        ("ID", 10**400),
        ("NUMBER", 10**400),
        ("NUMBER", "9" * 500),
        ("USER_ID", "u1"),
        ("USER_ID", {"id": "", "typeId": "user"}),
        ("USER_ID", {"id": 1, "typeId": "user"}),
        ("USER_ID", {"id": "u1"}),
        ("USER_ID", {"id": "u1", "typeId": "nope"}),
        ("USER_ID", {"id": "u1", "typeId": ["user"]}),
        ("USER_ID", {"id": "x" * 513, "typeId": "user"}),
        ("RELATED_ITEM", {"id": "", "typeId": "user"}),
        ("RELATED_ITEM", {**RELATED, "name": 1}),
        ("RELATED_ITEM", {**RELATED, "x": float("inf")}),
        ("URL", 1),
        ("IMAGE", {"url": "http://example.com/a.png"}),
        ("MEDIA", {"url": "http://localhost/a.png"}),
        ("MEDIA", {"url": "http://example.com/a", "mediaType": "GIF"}),
        ("MEDIA", {"url": "http://example.com/a", "mediaType": []}),
        ("MEDIA", {}),
        ("DATETIME", "0000-01-01T00:00:00Z"),
        ("DATETIME", "2000-3-15"),
        ("DATETIME", "2000-03-15T12"),
        ("DATETIME", "9999-13-01T00:00:00Z"),
        ("DATETIME", "yesterday"),
        ("DATETIME", "2001-02-29T00:00:00Z"),
        ("DATETIME", "2001-02-29T00:00:00.000Z"),
        ("DATETIME", "2001-01-01T24:00:01Z"),
        ("DATETIME", "2001-01-01T00:00:00+99:00"),
        ("DATETIME", "0001-01-01T00:00:00+01:00"),
        ("DATETIME", "x2001-01-01T00:00:00Z"),
        ("DATETIME", True),
        ("DATETIME", float("inf")),
        ("DATETIME", 10**30),
        ("DATETIME", "٢٠٠٠-03-15T05:20:10Z"),
        ("GEOHASH", "abc"),
        ("GEOHASH", "e" * 25),
        ("IP_ADDRESS", "1.2.3"),
        ("IP_ADDRESS", "1.2.3.256"),
        ("IP_ADDRESS", "fe80::1%eth0"),
        ("IP_ADDRESS", 16909060),
        ("EMAIL_ADDRESS", "me"),
        ("EMAIL_ADDRESS", "me@host"),
        ("EMAIL_ADDRESS", "a b@example.com"),
        ("EMAIL_ADDRESS", "a@b@example.com"),
        ("EMAIL_ADDRESS", "a..b@example.com"),
        ("EMAIL_ADDRESS", "a@-example.com"),
        ("EMAIL_ADDRESS", "a@" + "b" * 300 + ".com"),
        ("EMAIL_ADDRESS", "a\0@example.com"),
    ],
)
def test_what_is_refused(scalar: str, value: Any) -> None:
    """Each of these is an error, never a guess."""
    with pytest.raises(NotAnItemValue):
        COERCE[ScalarType(scalar)](value)


@pytest.mark.parametrize(
    ("scalar", "value", "kept"),
    [
        ("DATETIME", "2024-02-30T00:00:00Z", "2024-03-01T00:00:00.000Z"),
        ("DATETIME", "2024-13-01T00:00:00Z", "2025-01-01T00:00:00.000Z"),
        ("DATETIME", "2024-01-15T25:00:00+01:00", "2024-01-16T00:00:00.000Z"),
        ("IP_ADDRESS", " fe80::1%eth0", "fe80::1%eth0"),
        ("EMAIL_ADDRESS", " n/a ", "n/a"),
        ("EMAIL_ADDRESS", "a..b@example.com", "a..b@example.com"),
    ],
)
def test_what_is_doubtful(scalar: str, value: str, kept: str) -> None:
    """What Coop accepts and is of no use comes with what can be kept of it."""
    with pytest.raises(DoubtfulValue) as caught:
        COERCE[ScalarType(scalar)](value)
    assert caught.value.kept == kept


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("http://example.com/a.JPEG", "IMAGE"),
        ("http://example.com/a.heif?x=1.mp4#y.mp3", "IMAGE"),
        ("http://example.com/a.b/c.m4v", "VIDEO"),
        ("http://example.com/c.opus", "AUDIO"),
        ("http://example.com/c.ogg", None),
        ("http://example.com/", None),
        ("http://example.mp4", None),
        ({"url": "http://example.com/c.png"}, "IMAGE"),
        ({"url": "http://example.com/c.png", "mediaType": "VIDEO"}, "VIDEO"),
        ({"url": "http://example.com/c.png", "mediaType": None}, "IMAGE"),
    ],
)
def test_a_medium_has_a_type(value: Any, kind: str | None) -> None:
    """The media type is what was stated, else what the extension says, else null."""
    url = value["url"] if isinstance(value, dict) else value
    assert COERCE[ScalarType.MEDIA](value) == {"url": url, "mediaType": kind}


@pytest.mark.parametrize("value", ["", 1, None, "x" * 513, "a\0", "\ud800"])
def test_an_item_id_that_is_refused(value: Any) -> None:
    """Ids are strings of 1 to 512 characters that UTF-8 and PostgreSQL can hold."""
    with pytest.raises(NotAnItemValue):
        check_id(value)


def test_the_longest_item_id() -> None:
    """512 characters are still an id."""
    assert check_id("é" * 512) == "é" * 512


@given(st.datetimes())
def test_reading_a_formatted_moment_gives_it_back(moment: datetime) -> None:
    """Formatting and reading are inverse down to the millisecond."""
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert parse_moment(format_moment(cut)) == cut
    assert COERCE[ScalarType.DATETIME](format_moment(cut)) == format_moment(cut)


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists))
def test_a_quoted_value_is_short_ascii(value: Any) -> None:
    """A bad value is repeated in errors without making them large or unencodable."""
    assert len(quote(value)) <= 121
    assert quote(value).removesuffix("…").isascii()
