"""The internal API of hma-bridge: contents of hash banks, what is in them, the exchanges that fill
them, and which media were seen lately.

Guarantees: every call names an organisation and sees its banks only.
Must not: carry an address of a medium that the bridge is to fetch for people: who asks has the
file, or its hashes; or answer with a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from coop_contracts.call import Answer, Call, Command, Question
from coop_contracts.dispatch import COUNT_RECORDS, REMOVE_RECORDS
from coop_contracts.event import ItemRef, MatchedBank

MAX_HASHES: Final = 10_000
MAX_PAGE: Final = 200
MAX_FORGOTTEN: Final = 1_000
MAX_COPIES: Final = 1_000
RADIUS: Final = 31
"""Bits that the PDQ of a near copy may differ in."""

MAX_EXCHANGES: Final = 20
"""Of an organisation."""

HashAlgorithm = Literal["pdq", "md5"]
"""`pdq` of a picture, 64 hexadecimal digits; `md5` of a whole file, 32."""
EntryState = Literal["ACTIVE", "DISABLED"]
Pdq = Annotated[str, Meta(pattern="^[0-9A-Fa-f]{64}$")]
Md5 = Annotated[str, Meta(pattern="^[0-9A-Fa-f]{32}$")]


class NewHash(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One hash to be added. The digits may be of either case."""

    algorithm: HashAlgorithm
    hash: Annotated[str, Meta(pattern="^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})$")]
    note: Annotated[str, Meta(max_length=255)] = ""


class HashEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of a bank. `source` says where it came from, `added_by` who added it."""

    id: str
    bank_id: str
    algorithm: HashAlgorithm
    hash: str
    state: EntryState
    note: str
    source: str
    added_by: str
    added_at: datetime


class BankSize(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many entries a bank has."""

    bank_id: str
    active: int
    disabled: int


class BanksQuestion(Question, frozen=True, kw_only=True):
    """How large the organisation's banks are."""


class BankSizes(Answer, frozen=True, kw_only=True):
    """Of each bank that ever had entries."""

    banks: list[BankSize]


class HashesQuestion(Question, frozen=True, kw_only=True):
    """Entries of a bank, newest first; those before the entry `before`."""

    bank_id: str
    before: int | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50


class HashPage(Answer, frozen=True, kw_only=True):
    """`more`: there are older ones."""

    entries: list[HashEntry]
    more: bool


class AddHashes(Command, frozen=True, kw_only=True):
    """Add these to a bank; those that are there change nothing."""

    bank_id: str
    hashes: Annotated[tuple[NewHash, ...], Meta(max_length=MAX_HASHES)]
    source: Annotated[str, Meta(max_length=64)] = ""
    added_by: Annotated[str, Meta(max_length=128)] = ""


class HashesAdded(Answer, frozen=True, kw_only=True):
    """How many were added, and how many were there."""

    added: int
    known: int


class AddFile(Command, frozen=True, kw_only=True):
    """Add the hashes of a file: PDQ of a picture, MD5 of anything. The file is not kept."""

    bank_id: str
    content: bytes
    note: Annotated[str, Meta(max_length=255)] = ""
    source: Annotated[str, Meta(max_length=64)] = ""
    added_by: Annotated[str, Meta(max_length=128)] = ""


class FileAdded(Answer, frozen=True, kw_only=True):
    """What was made of the file. `quality` is of a picture; under 50 it has no PDQ."""

    added: int
    known: int
    pdq: str | None
    md5: str
    quality: int | None


class ChangeHashes(Command, frozen=True, kw_only=True):
    """These entries of a bank match again, match no more, or go."""

    bank_id: str
    entry_ids: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_PAGE)]
    state: Literal["ACTIVE", "DISABLED", "REMOVED"]


class HashesChanged(Answer, frozen=True, kw_only=True):
    """How many were of another state before."""

    changed: int


class MatchMedium(Command, frozen=True, kw_only=True):
    """Which banks would match a file, or hashes. Banks of any ratio above 0 are asked."""

    content: bytes | None = None
    pdq: Pdq | None = None
    md5: Md5 | None = None


class MediumMatched(Answer, frozen=True, kw_only=True):
    """`entries` are those that the banks name."""

    pdq: str | None
    md5: str | None
    quality: int | None
    banks: list[MatchedBank]
    entries: list[HashEntry]


class SoughtCopies(Command, frozen=True, kw_only=True):
    """Copies of a medium with these hashes, or one of them, among those that were submitted from
    `since` to before `until`: the same file by its `md5`, or a picture whose PDQ, as stored or
    upright, is at most `within` bits off."""

    since: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)]
    pdq: Pdq | None = None
    md5: Md5 | None = None
    within: Annotated[int, Meta(ge=0, le=RADIUS)] = RADIUS


class CountCopies(SoughtCopies, frozen=True, kw_only=True):
    """How many there are."""


class CopiesCounted(Answer, frozen=True, kw_only=True):
    """Media, and the items that have them."""

    media: int
    items: int


class FindCopies(SoughtCopies, frozen=True, kw_only=True):
    """Which: the newest first, those behind the place `after` of the page before."""

    after: Annotated[str, Meta(max_length=1000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_COPIES)] = 50


class SeenCopy(Struct, frozen=True, kw_only=True, rename="camel"):
    """A medium that was seen: of which item, in which field of it, when it was submitted, how many
    bits its PDQ is off. `identical`: it is the same file."""

    item: ItemRef
    submission_id: str
    field: str
    kind: Literal["IMAGE", "VIDEO", "AUDIO"]
    distance: int
    identical: bool
    seen_at: datetime


class CopiesFound(Answer, frozen=True, kw_only=True):
    """`next` is where to go on; null at the end."""

    copies: list[SeenCopy]
    next: str | None


class ForgetMedia(Command, frozen=True, kw_only=True):
    """It is forgotten that media of these items, submitted until then, were seen."""

    items: Annotated[tuple[ItemRef, ...], Meta(max_length=MAX_FORGOTTEN)]
    until: Annotated[datetime, Meta(tz=True)]


class MediaForgotten(Answer, frozen=True, kw_only=True):
    """How many media that were."""

    media: int


ExchangeKind = Literal["NCMEC", "STOP_NCII", "THREAT_EXCHANGE", "FILE"]
ExchangeCondition = Literal["WAITING", "FETCHING", "CURRENT", "BEHIND", "FAILED", "UNKNOWN"]


class ExchangeSettings(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What of an exchange is wanted: of NCMEC the hashes of these providers alone (none: of all),
    of ThreatExchange this group, a file of this name."""

    esp_ids: tuple[int, ...] = ()
    privacy_group: str | None = None
    file: str | None = None


class ExchangePause(Struct, frozen=True, kw_only=True, rename="camel"):
    """Since when an exchange is not to be fetched, and by whom. `holds`: it is not; false while
    what fetches it has not been told, or is at it; null while nobody says."""

    at: datetime
    by: str
    holds: bool | None


class ExchangeEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An exchange that fills a bank. WAITING: nothing was fetched yet. FETCHING: now. CURRENT: all
    that there is was fetched; BEHIND: some of it. FAILED: the last try did, as `fault` says.
    UNKNOWN: nobody says how far it is. `hashes` were fetched so far, `fetched_at` last. `pause`:
    of one that is paused."""

    id: str
    bank_id: str
    kind: ExchangeKind
    settings: ExchangeSettings
    condition: ExchangeCondition
    fault: str | None
    fetched_at: datetime | None
    hashes: int | None
    has_credentials: bool | None
    added_by: str
    added_at: datetime
    pause: ExchangePause | None = None


class ExchangeField(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that an exchange of a kind is told, by its name in settings or credentials."""

    name: str
    required: bool


class ExchangeOffer(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A kind of exchange; `lack` says what the operator has to give before one can be added,
    `settings` and `credentials` what the organisation has to."""

    kind: ExchangeKind
    lack: str | None
    settings: tuple[ExchangeField, ...] = ()
    credentials: tuple[ExchangeField, ...] = ()


class ExchangesQuestion(Question, frozen=True, kw_only=True):
    """Exchanges of the organisation's banks, and which there could be."""


class ExchangesListed(Answer, frozen=True, kw_only=True):
    """The oldest first."""

    exchanges: list[ExchangeEntry]
    offers: list[ExchangeOffer]


class HmaBank(Struct, frozen=True, kw_only=True, rename="camel"):
    """A bank of the organisation there, under this name. `ratio`: of the submissions that it is
    matched for, there; null where it was not made there (yet)."""

    bank_id: str
    name: str
    ratio: float | None


class HmaAccount(Struct, frozen=True, kw_only=True, rename="camel"):
    """The Hasher-Matcher-Actioner that is asked: where, whether with a token, how long its answer
    took (milliseconds), or why there is none. `banks` are known where it answered."""

    host: str
    has_token: bool
    milliseconds: int | None
    fault: str | None
    banks: list[HmaBank]


class HmaQuestion(Question, frozen=True, kw_only=True):
    """Whether a Hasher-Matcher-Actioner is asked beside the bridge's own banks: asks it now."""


class HmaAnswered(Answer, frozen=True, kw_only=True):
    """`account`: null where none is asked, and the bridge's own banks are all."""

    account: HmaAccount | None


class AddExchange(Command, frozen=True, kw_only=True):
    """Fill a bank from an exchange. The same one again changes nothing but its credentials, which
    go to the Hasher-Matcher-Actioner and are kept nowhere else."""

    bank_id: str
    kind: ExchangeKind
    settings: ExchangeSettings = ExchangeSettings()
    credentials: dict[str, Annotated[str, Meta(max_length=4096)]] = field(default_factory=dict)
    added_by: Annotated[str, Meta(max_length=128)] = ""


class ExchangeAnswered(Answer, frozen=True, kw_only=True):
    """The exchange as it is now."""

    exchange: ExchangeEntry


class SetExchangeCredentials(Command, frozen=True, kw_only=True):
    """Other credentials for an exchange."""

    bank_id: str
    exchange_id: str
    credentials: dict[str, Annotated[str, Meta(max_length=4096)]]


class PauseExchange(Command, frozen=True, kw_only=True):
    """Nothing is fetched of an exchange any more, or again. What it fetched is matched as before;
    one that is paused already stays so since when it is."""

    bank_id: str
    exchange_id: str
    paused: bool
    by: Annotated[str, Meta(max_length=128)] = ""


class RemoveExchange(Command, frozen=True, kw_only=True):
    """The bank has nothing of this exchange any more; what is in it otherwise stays."""

    bank_id: str
    exchange_id: str


class ExchangeRemoved(Answer, frozen=True, kw_only=True):
    """Whether it was there."""

    removed: bool


COUNT_HASHES: Final = Call("GET", "hash-banks", BanksQuestion, BankSizes)
LIST_HASHES: Final = Call("GET", "hash-banks/{bankId}/hashes", HashesQuestion, HashPage)
ADD_HASHES: Final = Call("POST", "hash-banks/{bankId}/hashes", AddHashes, HashesAdded)
ADD_FILE: Final = Call("POST", "hash-banks/{bankId}/files", AddFile, FileAdded)
CHANGE_HASHES: Final = Call("POST", "hash-banks/{bankId}/changes", ChangeHashes, HashesChanged)
MATCH_MEDIUM: Final = Call("POST", "hash-matches", MatchMedium, MediumMatched)
COUNT_COPIES: Final = Call("POST", "seen-media/copies/count", CountCopies, CopiesCounted)
FIND_COPIES: Final = Call("POST", "seen-media/copies", FindCopies, CopiesFound)
FORGET_MEDIA: Final = Call("POST", "seen-media/erasures", ForgetMedia, MediaForgotten)
TRY_HMA: Final = Call("GET", "hasher-matcher-actioner", HmaQuestion, HmaAnswered)
LIST_EXCHANGES: Final = Call("GET", "hash-exchanges", ExchangesQuestion, ExchangesListed)
ADD_EXCHANGE: Final = Call("POST", "hash-banks/{bankId}/exchanges", AddExchange, ExchangeAnswered)
SET_EXCHANGE_CREDENTIALS: Final = Call(
    "POST",
    "hash-banks/{bankId}/exchanges/{exchangeId}/credentials",
    SetExchangeCredentials,
    ExchangeAnswered,
)
PAUSE_EXCHANGE: Final = Call(
    "POST",
    "hash-banks/{bankId}/exchanges/{exchangeId}/pause",
    PauseExchange,
    ExchangeAnswered,
)
REMOVE_EXCHANGE: Final = Call(
    "POST", "hash-banks/{bankId}/exchanges/{exchangeId}/removal", RemoveExchange, ExchangeRemoved
)
COUNT_HASH_RECORDS: Final = COUNT_RECORDS
REMOVE_HASH_RECORDS: Final = REMOVE_RECORDS

CALLS: Final[Mapping[str, Call[Any, Any]]] = {
    "countHashes": COUNT_HASHES,
    "listHashes": LIST_HASHES,
    "addHashes": ADD_HASHES,
    "addFile": ADD_FILE,
    "changeHashes": CHANGE_HASHES,
    "matchMedium": MATCH_MEDIUM,
    "countCopies": COUNT_COPIES,
    "findCopies": FIND_COPIES,
    "forgetMedia": FORGET_MEDIA,
    "tryHma": TRY_HMA,
    "listExchanges": LIST_EXCHANGES,
    "addExchange": ADD_EXCHANGE,
    "setExchangeCredentials": SET_EXCHANGE_CREDENTIALS,
    "pauseExchange": PAUSE_EXCHANGE,
    "removeExchange": REMOVE_EXCHANGE,
    "countRecords": COUNT_HASH_RECORDS,
    "removeRecords": REMOVE_HASH_RECORDS,
}
