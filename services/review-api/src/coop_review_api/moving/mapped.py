"""What a thing of Coop's becomes here.

    row ──▶ Mapped                  the same here
        ──▶ Mapped with findings    the same, but for what DIFFERS, or a part that CANNOT be had
        ──▶ Finding CANNOT          nothing: why, and what it was

Must not: hold a secret in a finding: findings are printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from coop_contracts.config import Document, ItemType, Kind, Wellness
from coop_review_api.people.user import Status

Verdict = Literal["DIFFERS", "CANNOT"]


class Finding(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is not here as it was in Coop. `kind` is a kind of documents, or `user`; `pointer` is
    into the document; `source` is what Coop had, where nothing of it is secret. With `is_draft` it
    is here as a draft that somebody has to finish."""

    verdict: Verdict
    kind: str
    id: str
    name: str
    reason: str
    pointer: str = ""
    is_draft: bool = False
    source: Any = None


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A document to be made, without its secrets: these are in clear text, by the document's
    field. `versions` are the earlier ones of an item type. `was_live`: a rule that acts in Coop."""

    kind: Kind
    document: Document
    secrets: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    versions: tuple[ItemType, ...] = ()
    source: Any = None

    @property
    def name(self) -> str:
        return str(getattr(self.document, "name", self.document.id))


@dataclass(frozen=True, kw_only=True)
class MappedPerson:
    """An account to be made. Without `signs_in_here` it has no password to be reset."""

    user_id: str
    email: str
    name: str
    role: str
    status: Status
    signs_in_here: bool
    wellness: Wellness | None
    favourites: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


class Noter:
    """Collects the findings of one thing."""

    def __init__(self, kind: str, thing_id: str, name: str) -> None:
        self._of = (kind, thing_id, name)
        self.findings: list[Finding] = []

    def differs(self, reason: str, pointer: str = "") -> None:
        self._add("DIFFERS", reason, pointer, None)

    def cannot(self, reason: str, pointer: str = "", source: Any = None) -> None:
        self._add("CANNOT", reason, pointer, source)

    def _add(self, verdict: Verdict, reason: str, pointer: str, source: Any) -> None:
        kind, thing_id, name = self._of
        found = Finding(
            verdict=verdict,
            kind=kind,
            id=thing_id,
            name=name,
            reason=reason,
            pointer=pointer,
            source=source,
        )
        if found not in self.findings:
            self.findings.append(found)

    def known(self, ids: list[str], there: frozenset[str], noun: str, at: str) -> tuple[str, ...]:
        """Those of the ids that are there; the others are told."""
        for gone in sorted(set(ids) - there):
            self.differs(f"names the {noun} {gone}, which Coop has no more: left out", at)
        return tuple(sorted(set(ids) & there))
