"""Exchanges of hash banks on the wire.

Must not: answer with a credential.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from coop_contracts.hash_bank import (
    ExchangeEntry,
    ExchangeField,
    ExchangeOffer,
    ExchangePause,
    ExchangeSettings,
    ExchangesListed,
)
from coop_review_api.http.body import Body, Model
from coop_review_api.http.person_view import PersonBeside

Kind = Literal["NCMEC", "STOP_NCII", "THREAT_EXCHANGE", "FILE"]
Condition = Literal["WAITING", "FETCHING", "CURRENT", "BEHIND", "FAILED", "UNKNOWN"]
Secret = Annotated[str, Field(min_length=1, max_length=4096)]


class ExchangeSettingsFields(Body):
    """`espIds`: of NCMEC the hashes of these providers alone. `privacyGroup`: of ThreatExchange.
    `file`: the name of a list in the operator's folder."""

    esp_ids: Annotated[list[Annotated[int, Field(ge=1, le=2**31)]], Field(max_length=100)] = Field(
        default_factory=list
    )
    privacy_group: Annotated[str, Field(pattern="^[0-9]{1,20}$")] | None = None
    file: Annotated[str, Field(pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")] | None = None

    def told(self) -> ExchangeSettings:
        """As the bridge takes them."""
        return ExchangeSettings(
            esp_ids=tuple(self.esp_ids), privacy_group=self.privacy_group, file=self.file
        )


class ExchangeCredentialFields(Body):
    """NCMEC: `user`, `password`. STOP_NCII: `fetchFunctionKey`, `subscriptionKey`. THREAT_EXCHANGE:
    `apiToken`. They are never read back."""

    user: Secret | None = None
    password: Secret | None = None
    fetch_function_key: Secret | None = None
    subscription_key: Secret | None = None
    api_token: Secret | None = None

    def told(self) -> dict[str, str]:
        """Those that are given, as the bridge takes them."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ExchangeBody(Body):
    """An exchange that shall fill the bank. Without `credentials` those that it has stay."""

    kind: Kind
    settings: ExchangeSettingsFields = Field(default_factory=ExchangeSettingsFields)
    credentials: ExchangeCredentialFields = Field(default_factory=ExchangeCredentialFields)


class ExchangeSettingsView(Model):
    """See `ExchangeSettingsFields`."""

    esp_ids: list[int]
    privacy_group: str | None
    file: str | None


class ExchangePauseView(Model):
    """Since when an exchange is not to be fetched, and by whom. `holds`: nothing of it is; false
    while what fetches it does so still; null while nobody says."""

    at: datetime
    by: str
    by_person: PersonBeside = None
    holds: bool | None

    @classmethod
    def of(cls, told: ExchangePause) -> ExchangePauseView:
        """Of what the bridge says."""
        return cls(at=told.at, by=told.by, holds=told.holds)


class ExchangeView(Model):
    """An exchange that fills a bank. `condition`: nothing was fetched yet (`WAITING`), it is being
    fetched, all or a part of what there is was, the last try failed, or nobody says; `fault` says
    why. `hashes` were fetched so far, `fetchedAt` last; they are matched whether it is paused or
    not."""

    id: str
    bank_id: str
    kind: Kind
    settings: ExchangeSettingsView
    condition: Condition
    fault: str | None
    fetched_at: datetime | None
    hashes: int | None
    has_credentials: bool | None
    added_by: str
    added_by_person: PersonBeside = None
    added_at: datetime
    pause: ExchangePauseView | None

    @classmethod
    def of(cls, told: ExchangeEntry) -> ExchangeView:
        """Of what the bridge says."""
        settings = ExchangeSettingsView(
            esp_ids=list(told.settings.esp_ids),
            privacy_group=told.settings.privacy_group,
            file=told.settings.file,
        )
        return cls(
            id=told.id,
            bank_id=told.bank_id,
            kind=told.kind,
            settings=settings,
            condition=told.condition,
            fault=told.fault,
            fetched_at=told.fetched_at,
            hashes=told.hashes,
            has_credentials=told.has_credentials,
            added_by=told.added_by,
            added_at=told.added_at,
            pause=None if told.pause is None else ExchangePauseView.of(told.pause),
        )


class ExchangeFieldView(Model):
    """Something that an exchange is told, by its name in `settings` or `credentials`."""

    name: str
    required: bool

    @classmethod
    def of(cls, told: ExchangeField) -> ExchangeFieldView:
        """Of what the bridge says."""
        return cls(name=told.name, required=told.required)


class ExchangeOfferView(Model):
    """A kind of exchange; `lack` is what the operator has to give before one can be added,
    `settings` and `credentials` are what the organisation has to."""

    kind: Kind
    lack: str | None
    settings: list[ExchangeFieldView]
    credentials: list[ExchangeFieldView]

    @classmethod
    def of(cls, told: ExchangeOffer) -> ExchangeOfferView:
        """Of what the bridge says."""
        return cls(
            kind=told.kind,
            lack=told.lack,
            settings=[ExchangeFieldView.of(one) for one in told.settings],
            credentials=[ExchangeFieldView.of(one) for one in told.credentials],
        )


class ExchangeListView(Model):
    """The exchanges of all banks, the oldest first; and which kinds there are."""

    items: list[ExchangeView]
    offers: list[ExchangeOfferView]

    @classmethod
    def of(cls, told: ExchangesListed) -> ExchangeListView:
        """Of what the bridge says."""
        return cls(
            items=[ExchangeView.of(one) for one in told.exchanges],
            offers=[ExchangeOfferView.of(one) for one in told.offers],
        )
