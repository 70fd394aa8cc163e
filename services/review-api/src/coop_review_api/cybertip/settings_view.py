"""The NCMEC settings on this API's wire.

Guarantees: the password and values of headers are written, never read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from coop_review_api.configuration.document_model import Id, Stamped
from coop_review_api.http.body import Body, Model

InternetDetail = Literal[
    "WEB_PAGE",
    "EMAIL",
    "NEWSGROUP",
    "CHAT_IM",
    "ONLINE_GAMING",
    "CELL_PHONE",
    "NON_INTERNET",
    "PEER_TO_PEER",
]
Short = Annotated[str, Field(max_length=100)]
Text = Annotated[str, Field(max_length=255)]
Email = Annotated[str, Field(max_length=254)]
Address = Annotated[str, Field(max_length=2083)]
Headers = dict[str, str | None]


class LegalContactBody(Body):
    """Whom law enforcement asks."""

    first_name: Short = ""
    last_name: Short = ""
    email: Email = ""
    phone: Short = ""


class LegalContactView(Model):
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""


class NcmecSettingsBody(Body):
    """`password`: null keeps the one that is stored, an empty text forgets it. Headers are kept,
    replaced and removed like an action's. Enabled, it has to be complete. `minimumMedia`: so many
    media are looked at before a report; null: all of them. Of `productionQueueIds` reports are
    real, where the operator files real ones."""

    enabled: bool = False
    username: Text = ""
    password: Text | None = None
    company_report_name: Short = ""
    legal_url: Address = ""
    contact_email: Email = ""
    terms_of_service: Annotated[str, Field(max_length=3000)] = ""
    contact_person: LegalContactBody | None = None
    more_info_url: Address = ""
    internet_detail: InternetDetail | None = None
    additional_info_endpoint: Address | None = None
    additional_info_headers: Headers | None = None
    preservation_endpoint: Address | None = None
    preservation_headers: Headers | None = None
    minimum_media: Annotated[int, Field(ge=0, le=1000)] | None = None
    production_queue_ids: Annotated[list[Id], Field(max_length=100)] = Field(default_factory=list)


class ServedSchemaView(Model):
    """The schema that NCMEC served last for an environment. `differs`: from the file that reports
    are checked with; null where there is none."""

    environment: Literal["TEST", "PRODUCTION"]
    fingerprint: str
    served_at: datetime
    differs: bool | None


class NcmecSchemaView(Model):
    """What reports are checked with before they leave. `hasFile`: NCMEC's schema, a file that the
    operator got from NCMEC; without one, by rules alone, and no report is real. `version`: what the
    file calls itself; null where it says nothing. `fingerprint`: SHA-256 of what it says, however
    it is written."""

    has_file: bool
    version: str | None
    fingerprint: str | None
    served: list[ServedSchemaView]


class NcmecSettingsView(Stamped):
    """`missing` is what has to be there before reporting can be enabled. `filesReal`: the operator
    files real reports; without, those of production queues are tests as well."""

    enabled: bool = False
    username: str = ""
    has_password: bool
    company_report_name: str = ""
    legal_url: str = ""
    contact_email: str = ""
    terms_of_service: str = ""
    contact_person: LegalContactView | None = None
    more_info_url: str = ""
    internet_detail: InternetDetail | None = None
    additional_info_endpoint: str | None = None
    additional_info_header_names: list[str] = Field(default_factory=list)
    preservation_endpoint: str | None = None
    preservation_header_names: list[str] = Field(default_factory=list)
    minimum_media: int | None = None
    production_queue_ids: list[str] = Field(default_factory=list)
    missing: list[str]
    files_real: bool = False
