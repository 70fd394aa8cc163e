"""Reports, and what may be done to them when.

    submit ─▶ OPEN ─ upload*, fileinfo* ─▶ finish ─▶ FINISHED
               ├─ retract ─▶ RETRACTED
               └─ 24 h from the opening, or 1 h from the last change, whichever is later ─▶ EXPIRED

Guarantees: what is finished stays as it is; a file is described once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from coop_ncmec_simulator.answer import Refusal

State = Literal["OPEN", "FINISHED", "RETRACTED", "EXPIRED"]

_FROM_OPENING: Final = timedelta(hours=24)
_FROM_CHANGE: Final = timedelta(hours=1)
_FIRST_NUMBER: Final = 250_000_000


class UploadedFile(Struct, kw_only=True, rename="camel"):
    """One file of a report: what it was, not what was in it."""

    file_id: str
    name: str
    size: int
    md5: str
    described: bool = False
    details: str = ""


class SubmittedReport(Struct, kw_only=True, rename="camel"):
    """One report. `server` is where it was opened."""

    report_id: int
    owner: str
    reference: str
    document: str
    opened_at: datetime
    changed_at: datetime
    server: int
    state: State = "OPEN"
    files: dict[str, UploadedFile] = {}


class Reports:
    """All of them, in memory."""

    def __init__(self, *, describe_again: bool = False, replication: float = 0) -> None:
        """`describe_again`: whether a file may be described twice. `replication`: seconds until the
        other server knows of a report."""
        self.all: dict[int, SubmittedReport] = {}
        self._describe_again = describe_again
        self._replication = timedelta(seconds=replication)

    def open(
        self, owner: str, document: str, reference: str, *, now: datetime, server: int
    ) -> SubmittedReport:
        """A new one."""
        made = SubmittedReport(
            report_id=_FIRST_NUMBER + len(self.all) + 1,
            owner=owner,
            reference=reference,
            document=document,
            opened_at=now,
            changed_at=now,
            server=server,
        )
        self.all[made.report_id] = made
        return made

    def find(self, report_id: int, owner: str, *, now: datetime, server: int) -> SubmittedReport:
        """One that can be changed. Raises Refusal: 5001, 3300, 5101, 5102."""
        found = self.all.get(report_id)
        if found is None or self._expired(found, now):
            raise Refusal(5001)
        if server != found.server and now < found.opened_at + self._replication:
            raise Refusal(5001)
        if found.owner != owner:
            raise Refusal(3300)
        if found.state == "RETRACTED":
            raise Refusal(5101)
        if found.state == "FINISHED":
            raise Refusal(5102)
        return found

    def add(
        self, report: SubmittedReport, name: str, size: int, md5: str, *, now: datetime
    ) -> UploadedFile:
        """A file of it."""
        made = UploadedFile(file_id=secrets.token_hex(16), name=name, size=size, md5=md5)
        report.files[made.file_id] = made
        report.changed_at = now
        return made

    def describe(
        self, report: SubmittedReport, file_id: str, details: str, *, now: datetime
    ) -> UploadedFile:
        """Say what a file is. Raises Refusal: 5002, 4100."""
        found = report.files.get(file_id)
        if found is None:
            raise Refusal(5002)
        if found.described and not self._describe_again:
            raise Refusal(4100, "the file has details already")
        found.described, found.details = True, details
        report.changed_at = now
        return found

    def expire(self, report_id: int) -> None:
        """As if its time were over."""
        if report_id in self.all and self.all[report_id].state == "OPEN":
            self.all[report_id].state = "EXPIRED"

    def finished(self) -> Mapping[str, list[SubmittedReport]]:
        """By who refers to them: more than one of a reference is one filed twice."""
        found: dict[str, list[SubmittedReport]] = {}
        for report in self.all.values():
            if report.state == "FINISHED":
                found.setdefault(report.reference, []).append(report)
        return found

    def _expired(self, report: SubmittedReport, now: datetime) -> bool:
        until = max(report.opened_at + _FROM_OPENING, report.changed_at + _FROM_CHANGE)
        if report.state == "OPEN" and now > until:
            report.state = "EXPIRED"
        return report.state == "EXPIRED"
