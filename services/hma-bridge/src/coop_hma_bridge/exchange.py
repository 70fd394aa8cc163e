"""Exchanges that fill hash banks: what there is of one here, and what a kind of them needs.

    kind             settings        credentials                          from the operator
    NCMEC            espIds          user, password                       COOP_HMA_NCMEC_URL
    STOP_NCII        -               fetchFunctionKey, subscriptionKey    -
    THREAT_EXCHANGE  privacyGroup    apiToken                             -
    FILE             file            -                                    COOP_HMA_FILES

Guarantees: whatever an organisation says names no address and no folder: those are the operator's.
Must not: hold a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

from coop_contracts.hash_bank import ExchangeField, ExchangeKind, ExchangeOffer, ExchangeSettings

KINDS: Final[tuple[ExchangeKind, ...]] = get_args(ExchangeKind)
APIS: Final[Mapping[ExchangeKind, str]] = {
    "NCMEC": "ncmec",
    "STOP_NCII": "stop_ncii",
    "THREAT_EXCHANGE": "fb_threatexchange",
    "FILE": "local_file",
}
"""What a Hasher-Matcher-Actioner calls them."""

_CREDENTIALS: Final[Mapping[ExchangeKind, Mapping[str, str]]] = {
    "NCMEC": {"user": "user", "password": "password"},
    "STOP_NCII": {
        "fetchFunctionKey": "fetch_function_key",
        "subscriptionKey": "subscription_key",
    },
    "THREAT_EXCHANGE": {"apiToken": "api_token"},
    "FILE": {},
}
"""Their names here, and there."""

_SETTINGS: Final[Mapping[ExchangeKind, tuple[ExchangeField, ...]]] = {
    "NCMEC": (ExchangeField(name="espIds", required=False),),
    "STOP_NCII": (),
    "THREAT_EXCHANGE": (ExchangeField(name="privacyGroup", required=True),),
    "FILE": (ExchangeField(name="file", required=True),),
}

_NO_HMA: Final = (
    "exchanges are fetched by a Hasher-Matcher-Actioner: COOP_HMA_URL; a list of hashes can be "
    "imported into a bank without one"
)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_GROUP: Final = re.compile(r"[0-9]{1,20}")


class Exchange(NamedTuple):
    """One of a bank. `name` is that of its bank at the Hasher-Matcher-Actioner: one of its own.
    `gave_account`: its credentials are those of all exchanges of its kind there. `paused_at`: of
    one that is not to be fetched."""

    exchange_id: int
    org_id: str
    bank_id: str
    kind: ExchangeKind
    settings: ExchangeSettings
    name: str
    added_by: str
    added_at: datetime
    gave_account: bool
    paused_at: datetime | None = None
    paused_by: str = ""


@dataclass(frozen=True, kw_only=True)
class ExchangePlaces:
    """What the operator says: whether there is a Hasher-Matcher-Actioner at all, the address of
    NCMEC's hash sharing, the folder of lists there."""

    has_hma: bool
    ncmec_url: str = ""
    files: str = ""

    def lack(self, kind: ExchangeKind) -> str | None:
        """What is needed before an exchange of this kind can be added."""
        if not self.has_hma:
            return _NO_HMA
        if kind == "NCMEC" and not self.ncmec_url:
            return "COOP_HMA_NCMEC_URL: the address of NCMEC's hash sharing"
        if kind == "FILE" and not self.files:
            return "COOP_HMA_FILES: the folder of lists at the Hasher-Matcher-Actioner"
        return None

    def offers(self) -> list[ExchangeOffer]:
        """Every kind, what it lacks, and what it is told."""
        return [
            ExchangeOffer(
                kind=kind,
                lack=self.lack(kind),
                settings=_SETTINGS[kind],
                credentials=tuple(
                    ExchangeField(name=name, required=True) for name in _CREDENTIALS[kind]
                ),
            )
            for kind in KINDS
        ]

    def told(self, kind: ExchangeKind, settings: ExchangeSettings) -> dict[str, Any]:
        """The settings, as the Hasher-Matcher-Actioner wants them."""
        match kind:
            case "NCMEC":
                wanted = {"only_esp_ids": list(settings.esp_ids)} if settings.esp_ids else {}
                return {"environment": self.ncmec_url, **wanted}
            case "THREAT_EXCHANGE":
                return {"privacy_group": int(settings.privacy_group or 0)}
            case "FILE":
                return {"filename": f"{self.files.rstrip('/')}/{settings.file}"}
            case "STOP_NCII":
                return {}


def settings_faults(kind: ExchangeKind, settings: ExchangeSettings) -> Iterator[str]:
    """What is wrong with them, each with its field."""
    given = {
        "espIds": bool(settings.esp_ids),
        "privacyGroup": settings.privacy_group is not None,
        "file": settings.file is not None,
    }
    own = {field.name for field in _SETTINGS[kind]}
    for name, is_given in given.items():
        if is_given and name not in own:
            yield f"settings/{name}: an exchange of the kind {kind} has none"
    if any(one <= 0 for one in settings.esp_ids):
        yield "settings/espIds: numbers from 1 on"
    if kind == "THREAT_EXCHANGE" and not _GROUP.fullmatch(settings.privacy_group or ""):
        yield "settings/privacyGroup: the group's number"
    if kind == "FILE" and not _FILE_NAME.fullmatch(settings.file or ""):
        yield "settings/file: the name of a file, without a folder"


def credential_faults(
    kind: ExchangeKind, credentials: Mapping[str, str], *, required: bool
) -> Iterator[str]:
    """What is wrong with them; never what they are. `required`: none are a fault as well."""
    known = _CREDENTIALS[kind]
    if credentials.keys() - known:
        wanted = ", ".join(known) or "none"
        yield f"credentials: of the kind {kind}: {wanted}"
    if required or credentials:
        for name in known:
            value = credentials.get(name, "")
            if not value:
                yield f"credentials/{name}: required"
            elif "\0" in value:
                yield f"credentials/{name}: must not have a NUL"


def credentials_told(kind: ExchangeKind, credentials: Mapping[str, str]) -> dict[str, str]:
    """Under the names that they have there."""
    return {there: credentials[here] for here, there in _CREDENTIALS[kind].items()}
