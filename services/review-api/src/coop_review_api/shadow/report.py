"""The report on both sides, as JSON and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from coop_contracts.config import RuleStatus
from coop_review_api.moving.report import short
from coop_review_api.shadow.comparison import CAUSES, Compare, Count
from coop_review_api.shadow.comparison import Difference as Found


class ComparedRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule or an action: on how many items both say yes (`same`), both no (`neither`, where Coop
    says so), one side alone for a reason (`explained`, by cause), one side alone without one."""

    id: str
    name: str
    same: int
    neither: int
    explained: dict[str, int]
    ours_only: int
    theirs_only: int


class Sample(Struct, frozen=True, kw_only=True, rename="camel"):
    """One difference. `side` is the one that says yes; `cause` null: nobody knows why."""

    of: str
    id: str
    item_type_id: str
    item_id: str
    side: str
    cause: str | None
    at: datetime


class ShadowReport(Struct, frozen=True, kw_only=True, rename="camel"):
    """All of it. `items` is null where Coop did not say what it saw; `silent` are rules that say
    nothing to a platform, `acting` rules that act here already."""

    org_id: str
    since: datetime
    until: datetime
    items: dict[str, int] | None
    without_rule: int
    differences: int
    unexplained: int
    causes: dict[str, str]
    rules: tuple[ComparedRow, ...]
    actions: tuple[ComparedRow, ...]
    silent: tuple[str, ...]
    acting: tuple[str, ...]
    samples: tuple[Sample, ...]


def report_of(org_id: str, done: Compare) -> ShadowReport:
    """What a comparison found."""
    book = done.rulebook
    rule_names = {id_: one.rule.name for id_, one in book.rules.items()}
    counts = [*done.rules.values(), *done.actions.values()]
    unexplained = sum(one.ours_only + one.theirs_only for one in counts)
    explained = sum(sum(one.explained.values()) for one in counts)
    causes = sorted({cause for one in counts for cause in one.explained})
    saw = done.told.judged or done.told.seen
    return ShadowReport(
        org_id=org_id,
        since=done.window.since,
        until=done.window.until,
        items=dict(done.ledger.items()) if saw else None,
        without_rule=done.told.without_rule,
        differences=unexplained + explained,
        unexplained=unexplained,
        causes={cause: CAUSES[cause] for cause in causes},
        rules=_rows(done.rules, rule_names),
        actions=_rows(done.actions, book.action_names),
        silent=tuple(
            sorted(
                id_
                for id_, one in book.rules.items()
                if one.runs(done.window.until) and not done.speaks(one) and id_ not in done.rules
            )
        ),
        acting=tuple(
            sorted(id_ for id_, one in book.rules.items() if one.rule.status is RuleStatus.LIVE)
        ),
        samples=tuple(_sample(one) for found in done.differences.values() for one in found),
    )


def _rows(counts: Mapping[str, Count], names: Mapping[str, str]) -> tuple[ComparedRow, ...]:
    return tuple(
        ComparedRow(
            id=id_,
            name=names.get(id_, ""),
            same=one.same,
            neither=one.neither,
            explained=dict(sorted(one.explained.items())),
            ours_only=one.ours_only,
            theirs_only=one.theirs_only,
        )
        for id_, one in sorted(counts.items())
    )


def _sample(one: Found) -> Sample:
    return Sample(
        of=one.of,
        id=one.id,
        item_type_id=one.type_id,
        item_id=one.item_id,
        side=one.side,
        cause=one.cause,
        at=datetime.fromtimestamp(one.at, UTC),
    )


def as_text(report: ShadowReport) -> str:
    """For people: what is not explained first."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ShadowReport) -> Iterator[str]:
    yield f"{report.org_id}, {report.since.isoformat()} to {report.until.isoformat()}"
    if report.items is not None:
        seen = report.items
        yield (
            f"  items: {seen['both']} on both sides, {seen['ours']} here alone,"
            f" {seen['theirs']} in Coop alone"
        )
    if report.without_rule:
        yield f"  {report.without_rule} actions in Coop that no rule asked for: not compared"
    if report.acting:
        yield f"  these rules act here already: {', '.join(map(short, report.acting))}"
    if report.silent:
        yield f"  Coop does not say where these pass: {', '.join(map(short, report.silent))}"
    for title, rows in (("Rules", report.rules), ("Actions", report.actions)):
        if rows:
            yield f"\n{title}:"
            yield from map(_row, rows)
    unknown = [one for one in report.samples if one.cause is None]
    if unknown:
        yield f"\nUnexplained: {report.unexplained}, for example"
        yield from map(_difference, unknown)
    if report.causes:
        yield "\nExplained, for example:"
        for cause, words in report.causes.items():
            yield f"  {cause}: {words}"
            yield from (f"  {_difference(one)}" for one in report.samples if one.cause == cause)
    if not report.unexplained:
        yield "\nNothing is unexplained."


def _row(row: ComparedRow) -> str:
    parts = [f"{row.same} the same"]
    if row.neither:
        parts.append(f"{row.neither} not on either side")
    parts += [f"{count} {cause}" for cause, count in row.explained.items()]
    parts += [f"{row.ours_only} HERE ALONE"] if row.ours_only else []
    parts += [f"{row.theirs_only} IN COOP ALONE"] if row.theirs_only else []
    return f"  {short(row.id)} {short(row.name)}: {', '.join(parts)}"


def _difference(one: Sample) -> str:
    where = "here" if one.side == "OURS" else "in Coop"
    return (
        f"  {one.of.lower()} {short(one.id)} {where} on {short(one.item_type_id)}"
        f" {short(one.item_id)} at {one.at.isoformat(timespec='seconds')}"
    )
