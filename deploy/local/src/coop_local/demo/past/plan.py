"""What happened in the month before the story, as data: who reported what, who decided what, when.

Guarantees: pure: the same end gives the same month, so that loading it again changes nothing;
everything lies between `DAYS` before the end and some hours before it; nobody is a real person.
Must not: know how any of it is kept.
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Final

import msgspec

from coop_local.demo import corpus
from coop_local.demo.bank import TEXT_BANKS
from coop_local.demo.story.content import Person

DAYS: Final = 29  # an organisation keeps its history for thirty
_SEED: Final = 20_260_401
_REVIEWS_A_DAY: Final = 7.5
_CATCHES_A_DAY: Final = 34.0
_NEW: Final = DAYS + 5  # days that an account is there: those who came to sell
_QUIET_HOURS: Final = 6.0  # before the end, which belong to the story
_SECOND_LOOK: Final = 0.2  # of all decisions
_DISAGREES: Final = 0.15
_APPEALED: Final = 0.16  # of those that acted
# By role; colleagues, of whom there are several, by name. How much each of them works.
_REVIEWERS: Final = {
    "MODERATOR": 8,
    "kwame": 7,
    "EXTERNAL_MODERATOR": 6,
    "hana": 5,
    "tomasz": 4,
    "CHILD_SAFETY_MODERATOR": 3,
    "MODERATOR_MANAGER": 2,
}
_WEEK: Final = (1.15, 1.2, 1.05, 1.1, 1.0, 0.6, 0.5)  # Monday first
_ACTING: Final = {
    "Scam phrases": ("Plain scams", "Remove", "Scams"),
    "Pills, loans, chats": ("Pills, loans and hot singles", "Remove", "Unwanted advertising"),
    "Gains promised": ("Gains for nothing", "Limit reach", "Scams"),
}
"""By its bank: a rule that acts, what it does, under which policy."""


class PastVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of a case, and how often beside the others; no action: no violation."""

    weight: int
    reason: str
    action: str | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Things of one kind. A text is `text`, or of a listing `text|title|price`."""

    type: str
    queue: str
    policy: str
    authors: tuple[str, ...]
    reporters: tuple[str, ...]
    reasons: tuple[str, ...]
    verdicts: tuple[PastVerdict, ...]
    texts: tuple[str, ...]
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PastItem:
    """Something that `author` published at `made`."""

    id: str
    type: str
    author: str
    made: datetime
    text: str
    title: str = ""
    price: float | None = None
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PastReport:
    """What `reporter` said at `at`."""

    reporter: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PastAppeal:
    """That the author did not accept it; decided by another person."""

    at: datetime
    claimed: datetime
    decided: datetime
    by: str
    reason: str
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class SecondLook:
    """What another person, who did not know, said of it."""

    by: str
    at: datetime
    verdict: PastVerdict


@dataclass(frozen=True, kw_only=True)
class PastReview:
    """A job, from its first report to its decision by the person with the role `by`."""

    item: PastItem
    queue: str
    policy: str
    reports: tuple[PastReport, ...]
    claimed: datetime
    decided: datetime
    by: str
    verdict: PastVerdict
    appeal: PastAppeal | None = None
    second: SecondLook | None = None


@dataclass(frozen=True, kw_only=True)
class PastCatch:
    """What a rule took down at once."""

    item: PastItem
    rule: str
    action: str
    policy: str
    matched: str


@dataclass(frozen=True)
class Month:
    """All of it, the oldest first."""

    people: tuple[Person, ...]
    reviews: tuple[PastReview, ...]
    catches: tuple[PastCatch, ...]


def month_before(end: datetime) -> Month:
    """The month whose end that is. Raises ValueError where the file is not as it should be."""
    people = _people()
    teller = _Teller(msgspec.convert(_told()["case"], tuple[Case, ...]), end)
    return Month(
        people=people,
        reviews=tuple(teller.reviews()),
        catches=tuple(teller.catches([one.key for one in people if one.joined < _NEW])),
    )


def people_by_label() -> dict[str, tuple[str, ...]]:
    """Who on Largo writes what, by the labels of the corpus."""
    people = _people()
    new = tuple(one.key for one in people if one.joined < _NEW)
    old = tuple(one.key for one in people if one.joined >= _NEW)
    residents = (*old, "camila", "inaki", "yuki", "beatriz", "amelie", "jonas", "sade", "linh")
    return {"spam": new, "ham": residents, "abuse": ("truth", "vito", "hammer")}


def _people() -> tuple[Person, ...]:
    return msgspec.convert(_told()["person"], tuple[Person, ...])


def _told() -> dict[str, Any]:
    text = resources.files("coop_local.demo.past").joinpath("past.toml").read_text("utf-8")
    return tomllib.loads(text)


class _Teller:
    """Draws lots, the same each time."""

    def __init__(self, cases: tuple[Case, ...], end: datetime) -> None:
        self._cases = cases
        self._end = end
        self._dice = random.Random(_SEED)

    def reviews(self) -> Iterator[PastReview]:
        """Every job that was decided."""
        drawn = [(case, text) for case in self._cases for text in case.texts]
        self._dice.shuffle(drawn)
        for number, decided in enumerate(self._times(_REVIEWS_A_DAY)):
            case, text = drawn[number % len(drawn)]
            yield self._review(number, case, text, decided)

    def catches(self, senders: list[str]) -> Iterator[PastCatch]:
        """Everything that a rule took down."""
        words = {one["name"]: one["strings"] for one in TEXT_BANKS if one["name"] in _ACTING}
        found = [
            (message.text, word, bank)
            for message in corpus.read(corpus.default_corpus())
            for bank in _ACTING
            for word in words[bank]
            if word in message.text.lower()
        ]
        for number, at in enumerate(self._times(_CATCHES_A_DAY)):
            text, word, bank = self._dice.choice(found)
            rule, action, policy = _ACTING[bank]
            item = PastItem(
                id=f"post-{61_020 + 7 * number}",
                type="Post",
                author=self._dice.choice(senders),
                made=at,
                text=text,
            )
            yield PastCatch(item=item, rule=rule, action=action, policy=policy, matched=word)

    def _times(self, a_day: float) -> Iterator[datetime]:
        """Moments of the month: fewer at weekends, more by day than by night, slowly more."""
        latest = self._end - timedelta(hours=_QUIET_HOURS)
        for day in range(DAYS, -1, -1):
            midnight = (self._end - timedelta(days=day)).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            share = _WEEK[midnight.weekday()] * (1.1 - day / 150)
            count = max(1, round(self._dice.gauss(a_day * share, math.sqrt(a_day) / 3)))
            hours = (self._dice.triangular(5, 22.5, 12) for _ in range(count))
            for at in sorted(midnight + timedelta(hours=hour) for hour in hours):
                if self._end - timedelta(days=DAYS) < at < latest:
                    yield at

    def _review(self, number: int, case: Case, text: str, decided: datetime) -> PastReview:
        dice = self._dice
        by = self._person()
        waited = timedelta(minutes=min(1400.0, dice.lognormvariate(4.9, 0.9)))
        claimed = decided - timedelta(seconds=min(900.0, 12 + dice.lognormvariate(3.9, 0.7)))
        came = claimed - waited
        said = self._verdict(case)
        words, title, price = (*text.split("|"), "", "")[:3]
        item = PastItem(
            id=f"{case.type.lower()}-{40_310 + 13 * number}",
            type=case.type,
            author=dice.choice(case.authors),
            made=came - timedelta(minutes=dice.uniform(8, 500)),
            text=words,
            title=title,
            price=float(price) if price else None,
            pictures=case.pictures[:1],
        )
        reporters = [one for one in case.reporters if one != item.author]
        told = dice.sample(reporters, k=min(len(reporters), dice.choice((1, 1, 1, 2, 2, 3))))
        reports = tuple(
            PastReport(
                reporter=one,
                reason=dice.choice(case.reasons),
                at=came + waited * (dice.random() * 0.8 if position else 0),
            )
            for position, one in enumerate(told)
        )
        return PastReview(
            item=item,
            queue=case.queue,
            policy=case.policy,
            reports=reports,
            claimed=claimed,
            decided=decided,
            by=by,
            verdict=said,
            appeal=self._appeal(said, decided, by),
            second=self._second(case, said, decided, by),
        )

    def _appeal(self, said: PastVerdict, decided: datetime, by: str) -> PastAppeal | None:
        dice = self._dice
        drawn, accepted = dice.random() < _APPEALED, dice.random() < 0.3
        at = decided + timedelta(hours=dice.uniform(1, 20))
        done = at + timedelta(hours=dice.uniform(2, 30))
        latest = self._end - timedelta(hours=_QUIET_HOURS)
        other = self._person(besides=by)
        reason = dice.choice(
            (
                "I did not mean it like that.",
                "My cousin had my phone.",
                "It was a joke between friends, ask them.",
                "You removed the wrong post.",
                "Other people write worse and nothing happens.",
            )
        )
        if not drawn or said.action not in ("Remove", "Limit reach") or done > latest:
            return None
        claimed = done - timedelta(seconds=dice.uniform(40, 400))
        return PastAppeal(
            at=at, claimed=claimed, decided=done, by=other, reason=reason, accepted=accepted
        )

    def _second(
        self, case: Case, said: PastVerdict, decided: datetime, by: str
    ) -> SecondLook | None:
        dice = self._dice
        drawn, disagrees = dice.random() < _SECOND_LOOK, dice.random() < _DISAGREES
        at = decided + timedelta(hours=dice.uniform(1, 30))
        other = self._person(besides=by)
        if not drawn or at > self._end - timedelta(hours=_QUIET_HOURS):
            return None
        others = [one for one in case.verdicts if one != said]
        verdict = dice.choice(others) if disagrees and others else said
        return SecondLook(by=other, at=at, verdict=verdict)

    def _verdict(self, case: Case) -> PastVerdict:
        return self._dice.choices(case.verdicts, [one.weight for one in case.verdicts])[0]

    def _person(self, *, besides: str | None = None) -> str:
        roles = [role for role in _REVIEWERS if role != besides]
        return self._dice.choices(roles, [_REVIEWERS[role] for role in roles])[0]
