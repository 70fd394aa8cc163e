"""What the public description says of webhooks is what services send, and what they read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_client.webhook import Kind as ClientKind
from coop_contracts import webhook as description
from coop_ncmec_reporter import platform_answer
from tests import webhook_bodies

_BODIES = webhook_bodies.all_bodies()
_KINDS: dict[str, type[msgspec.Struct]] = {
    name: body for name, (_, body, _) in description.WEBHOOKS.items()
}
_MOMENT = "2026-01-02T03:04:05Z"


def _undescribed(told: Any, read: Any, at: str = "") -> list[str]:
    """Where the body has more than what was read of it, written again, has."""
    if isinstance(told, dict) and isinstance(read, dict):
        found = [f"{at}/{name}" for name in told.keys() - read.keys()]
        for name in told.keys() & read.keys():
            found += _undescribed(told[name], read[name], f"{at}/{name}")
        return found
    if isinstance(told, list) and isinstance(read, list):
        pairs = zip(told, read, strict=True)
        return [w for n, (one, other) in enumerate(pairs) for w in _undescribed(one, other, f"{n}")]
    # A time may be written again in another form.
    return [] if type(told) is type(read) else [at]


@pytest.mark.parametrize("name", _BODIES)
def test_what_is_sent_is_described(name: str) -> None:
    """The body has the described form, and no field that is not described."""
    kind, body = _BODIES[name]
    read = msgspec.json.decode(body, type=_KINDS[kind])
    again = msgspec.to_builtins(read, str_keys=True)
    assert _undescribed(msgspec.json.decode(body), again) == []


def test_every_webhook_is_described_and_known_to_the_clients() -> None:
    """One list, three places: what is described, what is sent, what the libraries tell apart."""
    sent = {kind for kind, _ in _BODIES.values()}
    assert sent == description.WEBHOOKS.keys() == set(ClientKind.__args__)  # type: ignore[attr-defined]


_PARTS = [
    (platform_answer.AnsweredEvent, description.InfoEvent),
    (platform_answer.AnsweredEmail, description.InfoEmail),
    (platform_answer.AnsweredPhone, description.InfoPhone),
    (platform_answer.AnsweredDevice, description.InfoDevice),
    (platform_answer.AnsweredPlace, description.InfoPlace),
    (platform_answer.AnsweredUser, description.InfoUser),
    (platform_answer.AnsweredHash, description.InfoHash),
    (platform_answer.AnsweredMedium, description.InfoMedium),
    (platform_answer.AnsweredFile, description.InfoFile),
]


def _fields(part: type[msgspec.Struct]) -> dict[str, bool]:
    return {field.encode_name: field.required for field in msgspec.structs.fields(part)}


@pytest.mark.parametrize(("read", "described"), _PARTS, ids=lambda part: part.__name__)
def test_what_is_read_of_an_answer_is_described(
    read: type[msgspec.Struct], described: type[msgspec.Struct]
) -> None:
    """The same fields, and the same of them required: the reporter reads no others."""
    assert _fields(read) == _fields(described)


def _json(part: msgspec.Struct) -> Any:
    return msgspec.json.decode(msgspec.json.encode(part))


def test_an_answer_as_it_is_described_is_read_whole() -> None:
    """Every field of it, without a fault."""
    event = {"ipAddress": "192.0.2.1", "eventName": "Upload", "dateTime": _MOMENT,
             "possibleProxy": False, "port": 443}  # fmt: skip
    device = {"idType": "IMEI", "idValue": "1", "eventName": "Login", "dateTime": _MOMENT}
    user = {
        **msgspec.to_builtins(webhook_bodies.USER),
        "screenName": "nine",
        "email": [{"email": "n@platform.example", "type": "Home", "verified": True,
                   "verificationDate": _MOMENT}],
        "phone": [{"phone": "+1", "verified": False}],
        "ipCaptureEvent": [event],
        "deviceId": [device],
        "estimatedLocation": {"city": "A", "region": "B", "countryCode": "US", "verified": True,
                              "timestamp": _MOMENT},
        "profileUrl": ["https://platform.example/nine"],
    }  # fmt: skip
    medium = {
        **msgspec.to_builtins(webhook_bodies.POST),
        "ipCaptureEvent": [event],
        "additionalInfo": ["seen"],
        "fileName": "1.png",
        "missing": False,
        "publiclyAvailable": True,
        "fileDetails": [{"hash": "00", "hashType": "md5"}],
        "deviceId": [device],
        "uploadedAt": _MOMENT,
        "exif": {"Make": "Kiln"},
    }
    told = {
        "users": [user],
        "media": [medium],
        "additionalFiles": [{"fileUrl": "https://platform.example/2", "fileName": "2",
                             "additionalInfo": ["more"]}],
        "additionalInfo": "text",
    }  # fmt: skip
    described = msgspec.json.decode(msgspec.json.encode(told), type=description.InfoAnswer)
    assert msgspec.to_builtins(described) == told
    found = platform_answer.read(
        msgspec.json.encode(told), [webhook_bodies.USER], [webhook_bodies.POST]
    )
    assert found.faults == ()
    assert [_json(one) for one in found.users.values()] == [user]
    assert [_json(one) for one in found.media.values()] == [medium]
    assert [_json(one) for one in found.files] == told["additionalFiles"]
    assert found.additional_info == "text"
