"""The routing decision, and the tables it is made by."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from coop_contracts.config import ItemType, Kind, OrgSettings, Queue
from coop_contracts.event import ItemRef, RuleRef
from coop_queues.job import Routing
from coop_queues.ranking import Ranking
from coop_routing.entry_router import EntryRouter
from coop_routing.placement import Cause, asked_by, placement_of, traits_of
from coop_routing.route import Route
from coop_routing.route_table import RouteTables
from coop_rules.queue_choice import PARKED_QUEUE, How, default_queue

from .conftest import (
    POST,
    Configuration,
    appeal,
    contains,
    equals,
    item,
    reason,
    report,
    request,
    rule,
)

PLAIN = Ranking()


def no_types(_: str) -> None:
    """An organisation without item types."""


async def route(entry_router: EntryRouter, event: Cause) -> Route:
    entry = await entry_router.open(event.org_id, event.item, traits_of(event), at=event.time)
    await entry_router.settle([entry])
    return entry.route(by=asked_by(event))


async def test_the_first_live_rule_in_sequence_wins(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """Drafts, appeal rules and rules of other types are passed over; the lowest number wins."""
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r4", 4, "spam", contains("buy")),
        rule("r3", 3, "urgent", contains("buy")),
        rule("r2", 2, "spam", contains("buy"), for_appeals=True),
        rule("r1", 1, "spam", contains("buy"), status="DRAFT"),
        rule("r0", 0, "spam", contains("buy"), item_type_ids=("comment",)),
    )
    found = await route(entry_router, report(org, "1", item(text="Buy now")))
    assert found.queue_id == "urgent"
    assert found.routing == Routing(
        how="RULE",
        config_revision=configuration.revision,
        rule=RuleRef(id="r3", name="r3", revision=configuration.revision - 3),
        tried=1,
    )
    assert (await route(entry_router, report(org, "2", item(text="hi")))).queue_id == "default"


async def test_policy_and_source_are_inputs(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """`Relevant Policy` sees a report's policy, `Source` Coop's word for where an entry is from."""
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "spam", equals("Relevant Policy", "p1")),
        rule("r2", 2, "urgent", equals("Source", "post-items")),
    )
    assert (await route(entry_router, report(org, "1", reason=reason("p1")))).queue_id == "spam"
    assert (await route(entry_router, report(org, "2", reason=reason("p2")))).queue_id == "default"
    assert (await route(entry_router, request(org, "3"))).queue_id == "urgent"


async def test_appeals_have_rules_and_a_default_of_their_own(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """An appeal is routed by the appeal rules, else to the default among the appeals queues."""
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "spam", contains("hello")),
        rule("r2", 2, "urgent", equals("Relevant Policy", "p1"), for_appeals=True),
    )
    assert (await route(entry_router, appeal(org, "1"))).queue_id == "appeals"
    chosen = await route(entry_router, appeal(org, "2", violating_policies=("p0", "p1")))
    assert chosen.queue_id == "urgent"


async def test_a_queue_that_is_gone_means_the_default_and_says_so(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """Neither a rule nor a sender can put a job into a deleted queue; the record has the reason."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("hello")))
    assert (await route(entry_router, report(org, "1"))).queue_id == "spam"
    configuration.remove(Kind.QUEUE, "spam")
    found = await route(entry_router, report(org, "2"))
    assert found.queue_id == "default"
    assert found.routing.note == "rule r1 passed, its queue spam is gone"
    asked = await route(entry_router, request(org, "3", queue_id="spam"))
    assert asked.queue_id == "default"
    assert "the sender's queue spam is gone" in str(asked.routing.note)
    sent = await route(entry_router, request(org, "4", queue_id="urgent", actor_id="anna"))
    assert (sent.queue_id, sent.routing.how, sent.routing.by) == ("urgent", "SENDER", "anna")


async def test_without_a_queue_an_entry_is_parked(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """No default queue, no queue at all, an unknown organisation: parked, never refused."""
    configuration.remove(Kind.QUEUE, "default")
    parked = await route(entry_router, report(org, "1"))
    assert (parked.queue_id, parked.routing.how) == (PARKED_QUEUE, "PARKED")
    assert (await route(entry_router, report("nobody", "2"))).queue_id == PARKED_QUEUE
    assert (await route(entry_router, appeal(org, "3"))).queue_id == "appeals"


async def test_a_broken_rule_does_not_pass_and_stops_no_other(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """A condition on a field that is gone, or none at all, leaves the later rules at work."""
    gone = contains("hello")
    gone["conditions"][0]["input"]["name"] = "no-such-field"
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "spam", gone),
        rule("r2", 2, "spam", {"nonsense": True}),
        rule("r3", 3, "urgent", contains("hello")),
    )
    assert (await route(entry_router, report(org, "1"))).queue_id == "urgent"


async def test_an_item_of_a_deleted_type_is_routed_by_the_type_as_it_was(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """With the version's document the rules run; without it the default queue takes it."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("hello")))
    configuration.remove(Kind.ITEM_TYPE, "post")
    found = await route(entry_router, report(org, "1"))
    assert (found.queue_id, found.routing.note) == ("default", "item type post is gone")
    configuration.put(Kind.ITEM_TYPE_VERSION, replace(POST, id=f"post@{POST.version}"))
    assert (await route(entry_router, report(org, "2"))).queue_id == "spam"


async def test_a_table_is_kept_until_its_organisation_changes(
    configuration: Configuration, tables: RouteTables, entry_router: EntryRouter, org: str
) -> None:
    """The same table serves until a rule changes; the next entry obeys the change."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("hello")))
    first = await tables.table(org, item(), for_appeals=False)
    again = await asyncio.gather(*(tables.table(org, item(), for_appeals=False) for _ in range(5)))
    assert all(table is first for table in again)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", contains("hello")))
    assert (await route(entry_router, report(org, "1"))).queue_id == "urgent"


async def test_a_change_while_a_table_is_compiled_is_not_lost(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """The entry under way is routed by the old revision and says so, the next by the new one."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("hello")))
    old = configuration.revision
    under_way = asyncio.create_task(route(entry_router, report(org, "1")))
    await asyncio.sleep(0)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", contains("hello")))
    found = await under_way
    assert (found.queue_id, found.routing.config_revision) == ("spam", old)
    assert (await route(entry_router, report(org, "2"))).queue_id == "urgent"


async def test_the_number_of_tables_is_bounded(configuration: Configuration, org: str) -> None:
    """Types nobody configured cannot fill the memory."""
    tables = RouteTables(configuration.table, limit=3)
    first = await tables.table(org, item(type_id="t0"), for_appeals=False)
    for number in range(1, 4):
        await tables.table(org, item(type_id=f"t{number}"), for_appeals=False)
    assert await tables.table(org, item(type_id="t0"), for_appeals=False) is not first
    tables.close()


@pytest.mark.parametrize(
    ("queues", "for_appeals", "expected"),
    [
        ([], False, None),
        ([Queue(id="a", name="a")], False, None),
        ([Queue(id="a", name="a", is_appeals_queue=True)], False, None),
        ([Queue(id="a", name="a", is_appeals_queue=True)], True, "a"),
        ([Queue(id="a", name="a", is_default_queue=True)], True, "a"),
        (
            [
                Queue(id="a", name="a", is_appeals_queue=True),
                Queue(id="b", name="b", is_appeals_queue=True, is_default_queue=True),
                Queue(id="c", name="c", is_default_queue=True),
            ],
            True,
            "b",
        ),
    ],
)
def test_the_default_queue(queues: list[Queue], for_appeals: bool, expected: str | None) -> None:
    """Reports take the default queue or none; appeals the best there is."""
    assert default_queue({q.id: q for q in queues}, for_appeals=for_appeals) == expected


def test_a_placement_has_every_field_of_its_cause(org: str) -> None:
    """What came with a report, an appeal or a request is in what is placed."""
    there = Route("q1", Routing(how="DEFAULT", config_revision=1))
    reported = report(
        org,
        "r1",
        reason=reason("p1", reason="rude", csam=True),
        thread_items=(item("t1"),),
        additional_items=(item("a1"),),
        reported_in_thread=(ItemRef("t1", "post"),),
    )
    placed = placement_of(reported, there, PLAIN, no_types)
    assert (placed.org_id, placed.queue_id, placed.kind) == (org, "q1", "DEFAULT")
    assert (placed.thread_items, placed.additional_items) == ((item("t1"),), (item("a1"),))
    entry = placed.entry
    assert (entry.entry_id, entry.csam, entry.policy_ids) == ("report/r1", True, ("p1",))
    assert entry.reported_in_thread == (ItemRef("t1", "post"),)
    assert entry.report is not None
    assert (entry.report.reason, entry.report.reporter) == ("rude", ItemRef("u1", "user"))
    appealed = placement_of(appeal(org, "x1", appeal_reason="no"), there, PLAIN, no_types)
    assert (appealed.kind, appealed.entry.entry_id) == ("APPEAL", "appeal/x1")
    assert appealed.entry.appeal is not None
    assert appealed.entry.appeal.reason == "no"
    asked = placement_of(
        request(org, "e1", note="look", rules=(RuleRef(id="r", name="R", revision=3),)),
        there,
        PLAIN,
        no_types,
    )
    assert (asked.entry.entry_id, asked.entry.note) == ("request/e1", "look")
    assert asked.entry.rules[0].revision == 3


async def test_child_safety_goes_where_the_settings_say(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """A report marked so and a request for an NCMEC job pass by the rules to the configured queue,
    or by the rules with a note when it is gone; an NCMEC job keeps its kind."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("hello")))
    ncmec = request(org, "1", job_kind="NCMEC", related_items=(item("p2"),))
    assert (await route(entry_router, ncmec)).queue_id == "spam"
    for queue_id, expected in (("urgent", "urgent"), ("gone", "spam")):
        configuration.put(
            Kind.SETTINGS, OrgSettings(id="settings", name="One", ncmec_queue_id=queue_id)
        )
        found = await route(entry_router, ncmec)
        assert found.queue_id == expected
        marked = report(org, "2", reason=msgspec.structs.replace(reason("p1"), csam=True))
        assert (await route(entry_router, marked)).queue_id == expected
        assert (await route(entry_router, report(org, "3"))).queue_id == "spam"
    assert found.routing.note == "the queue gone for child safety is gone"
    placed = placement_of(ncmec, found, PLAIN, no_types)
    assert (placed.kind, placed.additional_items) == ("NCMEC", (item("p2"),))
    assert placed.entry.csam
    escalated = placement_of(
        request(org, "4", job_kind="NCMEC", from_job_id="j"), found, PLAIN, no_types
    )
    assert escalated.entry.from_job_id == "j"


def test_csam_becomes_a_job_about_the_author_on_its_way_to_child_safety(org: str) -> None:
    """Where the settings named the queue, or there is none yet; not where the organisation names no
    queue of child safety, and its rules for the item chose."""
    person = ItemType(id="user", name="User", kind="USER", fields=(), version="v7")
    author = ItemRef("a1", "user")
    marked = report(org, "1", item(creator=author), reason=reason(csam=True))
    ways: tuple[tuple[How, str], ...] = (
        ("SETTING", "NCMEC"),
        ("PARKED", "NCMEC"),
        ("RULE", "DEFAULT"),
    )
    for how, kind in ways:
        there = Route("q1", Routing(how=how, config_revision=1))
        placed = placement_of(marked, there, PLAIN, {"user": person}.get)
        assert (placed.kind, placed.entry.csam) == (kind, True)
        about = ItemRef(placed.item.id, placed.item.type_id)
        assert about == (author if kind == "NCMEC" else ItemRef("i1", "post"))
    plain = report(org, "2", item(creator=author))
    there = Route("q1", Routing(how="SETTING", config_revision=1))
    assert placement_of(plain, there, PLAIN, {"user": person}.get).kind == "DEFAULT"
