"""The sixteen scalars: what each accepts and what it becomes.

A coercer takes a JSON value other than null and returns the value to keep, or None where an empty
string means "no value", or raises NotAnItemValue.

    ID, POLICY_ID          string, finite number (integers: digits)  string
    STRING                 string                                    as is
    BOOLEAN                boolean, 'true' 'false' '1' '0', 1, 0     boolean
    NUMBER                 finite number, or one as text             number
    USER_ID                {id, typeId of the organisation}          as is
    RELATED_ITEM           the same, with an optional string name    as is
    URL                    public http(s) URL, see `url`             string, trimmed     '' → None
    IMAGE, VIDEO, AUDIO    the same                                  {url}               '' → None
    MEDIA                  the same, or {url, mediaType?}            {url, mediaType}    '' → None
    DATETIME               see `moment`, doubtful: no such day       ISO 8601, UTC, ms   '' → None
    GEOHASH                geohash                                   as is               '' → None
    IP_ADDRESS             IPv4, IPv6, doubtful: with a zone         string, trimmed     '' → None
    EMAIL_ADDRESS          local@domain, doubtful: any text          string, trimmed     '' → None

A doubtful value is raised as DoubtfulValue with what an optional field keeps of it.
Must not: do I/O, or know fields and containers (`compiler` does).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final

from coop_contracts.config import ScalarType
from coop_contracts.number import parse_number
from coop_items.moment import to_iso
from coop_items.refusal import DoubtfulValue, NotAnItemValue
from coop_items.text import MAX_INTEGER, check_json, check_text
from coop_items.url import check_url

Coercer = Callable[[Any], Any]

MAX_ID_LENGTH: Final = 512  # characters

_GEOHASH = re.compile(r"[0-9b-hjkmnp-zB-HJKMNP-Z]{1,24}")
_EMAIL = re.compile(
    r"[^\s@<>\"(),:;\[\]\\]{1,64}@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]*"
)
_MAX_EMAIL: Final = 254  # RFC 5321, path length
_MAX_IP: Final = 64  # characters, with a zone
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_MEDIA_TYPES: Final = ("IMAGE", "VIDEO", "AUDIO")
_EXTENSIONS_OF: Final = {
    "IMAGE": "jpg jpeg png gif webp bmp svg avif heic heif tif tiff",
    "VIDEO": "mp4 m4v mov webm mkv avi flv",
    "AUDIO": "mp3 m4a wav aac flac opus wma",
}
_EXTENSIONS: Final = {
    extension: kind for kind, names in _EXTENSIONS_OF.items() for extension in names.split()
}
_MAX_EXACT: Final = 2**63  # larger integers become floating point, as in JSON everywhere else


def to_string(value: Any) -> str:
    if type(value) is not str:
        raise NotAnItemValue("it must be a string")
    return check_text(value)


def to_id(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return check_text(value)
    if kind is int and abs(value) <= MAX_INTEGER:
        return str(value)  # the digits that were sent: two ids must not become one
    if kind is int or kind is float:
        return number_text(to_number(value))
    raise NotAnItemValue("it must be a string or a number")


def number_text(value: float) -> str:
    """A number as ECMAScript writes it, so that the ids of a platform that moves over stay."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if 1e-7 < abs(value) < 1e-4:
        return format(Decimal(repr(value)), "f")
    return repr(value).replace("e-0", "e-")


def to_boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    if type(value) is str:
        found = _BOOLEANS.get(value.lower())
        if found is not None:
            return found
    elif (type(value) is int or type(value) is float) and value in (0, 1):
        return bool(value)
    raise NotAnItemValue("it must be true or false")


def to_number(value: Any) -> float:
    kind = type(value)
    if kind is int:
        return value if -_MAX_EXACT <= value < _MAX_EXACT else _to_float(value)
    if kind is float:
        if math.isfinite(value):
            return float(value)
        raise NotAnItemValue("it is not a finite number")
    if kind is str:
        return _parse_number(value)
    raise NotAnItemValue("it must be a number")


def _parse_number(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise NotAnItemValue("it must be a number")
    return to_number(number)


def _to_float(value: int) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NotAnItemValue("the number is out of range")
    return number


def check_id(value: Any) -> str:
    """An item's id: a string of 1 to 512 characters. Raises NotAnItemValue."""
    if type(value) is not str:
        raise NotAnItemValue("it must be a string")
    if not value:
        raise NotAnItemValue("it must not be empty")
    if len(value) > MAX_ID_LENGTH:
        raise NotAnItemValue(f"it must not be longer than {MAX_ID_LENGTH} characters")
    return check_text(value)


def to_user_id(value: Any, is_known_type: Callable[[str], bool]) -> dict[str, Any]:
    if type(value) is not dict:
        raise NotAnItemValue("it must be an object with id and typeId")
    try:
        check_id(value.get("id"))
    except NotAnItemValue as error:
        raise NotAnItemValue(f"id: {error.reason}", "id") from None
    type_id = value.get("typeId")
    if type(type_id) is not str or not is_known_type(type_id):
        raise NotAnItemValue("typeId: it must be the id of one of your item types", "typeId")
    if len(value) > 2:
        check_json(value)
    return value


def to_related_item(value: Any, is_known_type: Callable[[str], bool]) -> dict[str, Any]:
    related = to_user_id(value, is_known_type)
    name = related.get("name")
    if name is not None and type(name) is not str:
        raise NotAnItemValue("name: it must be a string", "name")
    return related


def to_url(value: Any, *, allow_private_hosts: bool = False) -> str | None:
    if type(value) is not str:
        raise NotAnItemValue("it must be an http or https URL")
    if not value:
        return None
    return check_url(check_text(value), allow_private_hosts=allow_private_hosts)


def to_media_url(value: Any, *, allow_private_hosts: bool = False) -> dict[str, Any] | None:
    url = to_url(value, allow_private_hosts=allow_private_hosts)
    return None if url is None else {"url": url}


def to_media(value: Any, *, allow_private_hosts: bool = False) -> dict[str, Any] | None:
    if type(value) is not dict:
        url = to_url(value, allow_private_hosts=allow_private_hosts)
        return None if url is None else {"url": url, "mediaType": media_type(url)}
    try:
        url = to_url(value.get("url"), allow_private_hosts=allow_private_hosts)
    except NotAnItemValue as error:
        raise NotAnItemValue(f"url: {error.reason}", "url") from None
    if url is None:
        return None
    stated = value.get("mediaType")
    if stated is not None and stated not in _MEDIA_TYPES:
        raise NotAnItemValue("mediaType: it must be IMAGE, VIDEO or AUDIO", "mediaType")
    return {"url": url, "mediaType": stated or media_type(url)}


def media_type(url: str) -> str | None:
    """IMAGE, VIDEO or AUDIO by the extension of the URL's path; None when it says nothing."""
    path = re.split(r"[?#]", url.partition("://")[2], maxsplit=1)[0].partition("/")[2]
    name = path.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    return _EXTENSIONS.get(extension.lower()) if dot else None


def to_datetime(value: Any) -> str | None:
    return None if value == "" and type(value) is str else to_iso(value)


def to_geohash(value: Any) -> str | None:
    if type(value) is not str:
        raise NotAnItemValue("it must be a geohash")
    if not value:
        return None
    if _GEOHASH.fullmatch(value) is None:
        raise NotAnItemValue("it must be a geohash: base-32 letters and digits without a, i, l, o")
    return value


def to_ip_address(value: Any) -> str | None:
    if type(value) is not str:
        raise NotAnItemValue("it must be an IPv4 or IPv6 address")
    text = value.strip()
    if not text:
        return None
    try:
        if len(text) > _MAX_IP:
            raise ValueError(text)
        address = ipaddress.ip_address(text)
    except ValueError:
        raise NotAnItemValue("it must be an IPv4 or IPv6 address") from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise DoubtfulValue("its zone only means something on the sender's machine", text)
    return text


def to_email_address(value: Any) -> str | None:
    if type(value) is not str:
        raise NotAnItemValue("it must be an e-mail address")
    text = check_text(value).strip()
    if not text:
        return None
    local = text.rpartition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if dots or len(text) > _MAX_EMAIL or _EMAIL.fullmatch(text) is None:
        raise DoubtfulValue("it must be an e-mail address such as name@example.com", text)
    return text


def scalar_coercers(
    is_known_type: Callable[[str], bool], *, allow_private_hosts: bool
) -> dict[ScalarType, Coercer]:
    """The coercer of each scalar, for one organisation.

    `is_known_type` says whether an item type id is the organisation's at the time of the call.
    """
    url = partial(to_url, allow_private_hosts=allow_private_hosts)
    media_url = partial(to_media_url, allow_private_hosts=allow_private_hosts)
    return {
        ScalarType.ID: to_id,
        ScalarType.POLICY_ID: to_id,
        ScalarType.STRING: to_string,
        ScalarType.BOOLEAN: to_boolean,
        ScalarType.NUMBER: to_number,
        ScalarType.USER_ID: partial(to_user_id, is_known_type=is_known_type),
        ScalarType.RELATED_ITEM: partial(to_related_item, is_known_type=is_known_type),
        ScalarType.URL: url,
        ScalarType.IMAGE: media_url,
        ScalarType.VIDEO: media_url,
        ScalarType.AUDIO: media_url,
        ScalarType.MEDIA: partial(to_media, allow_private_hosts=allow_private_hosts),
        ScalarType.DATETIME: to_datetime,
        ScalarType.GEOHASH: to_geohash,
        ScalarType.IP_ADDRESS: to_ip_address,
        ScalarType.EMAIL_ADDRESS: to_email_address,
    }


def key_coercer(coerce: Coercer) -> Coercer:
    """A coercer for the keys of a map: the same, written as a JSON object's key."""

    def to_key(value: Any) -> str | None:
        key = coerce(value)
        if key is None or type(key) is str:
            return key
        if type(key) is bool:
            return "true" if key else "false"
        return number_text(key)

    return to_key
