"""What one submission entails: results, effects, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Action, ActionParameter, Kind, OrgSettings
from coop_contracts.event import ActionRequested, ItemRef, ReviewRequested, RulesEvaluated
from coop_contracts.ids import execution_id, item_key
from coop_rules_engine import metric
from coop_rules_engine.result_message import SAMPLED_BYTES
from coop_runtime.process.error import Poison

Start = Callable[..., Any]


async def test_every_submission_has_one_result(start: Start, kit: Any) -> None:
    """Each item gives one RulesEvaluated under the item's key, with its trace and its causes."""
    engine = start(kit.rule("r1", kit.contains("spam")))
    await engine.handle(kit.submission({"text": "hello"}), kit.submission({}, number=2))
    first, second = engine.broker.events()
    assert (first.submission_id, second.submission_id) == ("submission-1", "submission-2")
    assert first.rules == ()
    assert first.config_revision == engine.revision
    assert (first.causation_id, first.correlation_id) == ("event-1", "correlation-1")
    message = engine.broker.messages[0]
    assert message.key == b"org/post/item-1"
    assert dict(message.headers)["traceparent"].startswith(b"00-1111")
    assert dict(message.headers)["event-type"] == b"rules-evaluated"
    assert (first.lane, first.creator.id) == ("FAST", "user-1")
    assert first.submitted_at == kit.submission({}).time
    assert first.type_version == kit.post_type().version


async def test_live_rule_requests_its_actions(start: Start, kit: Any) -> None:
    """A passing live rule asks for its custom action, and enqueues the item for review, once each,
    with ids made of submission, action and item."""
    found = kit.rule(
        "r1", kit.contains("spam"), action_ids=("delete", "review"), policy_ids=("p1",)
    )
    engine = start(found)
    await engine.handle(kit.submission({"text": "SPAM here"}))
    (result,) = engine.broker.events(RulesEvaluated)
    (action,) = engine.broker.events(ActionRequested)
    (review,) = engine.broker.events(ReviewRequested)
    key = "org/post/item-1"
    wanted = [
        execution_id(cause="submission-1", action=name, target=key) for name in ("delete", "review")
    ]
    assert [one.execution_id for one in result.executions] == wanted
    assert [action.execution_id, review.entry_id] == wanted
    assert [one.passed for one in result.rules] == [True]
    assert result.conditions[0].matched_value == "spam"
    assert action.rules == review.rules == (result.rules[0].rule,)
    assert action.policy_ids == review.policy_ids == ("p1",)
    assert action.source == review.source == "RULE_EXECUTION"
    assert action.creator.id == "user-1"
    assert bytes(review.item.data) == b'{"text":"SPAM here"}'
    assert result.rules[0].rule.revision == engine.revision
    assert {message.key for message in engine.broker.messages} == {key.encode()}


async def test_policies_and_rules_are_those_that_carry_the_action(start: Start, kit: Any) -> None:
    """An action has the rules and policies of the matching live rules that carry it, no others; two
    rules with one action request it once."""
    spam = kit.contains("spam")
    engine = start(
        kit.rule("r1", spam, action_ids=("delete",), policy_ids=("p1",)),
        kit.rule("r2", spam, action_ids=("delete", "warn"), policy_ids=("p2", "gone")),
        kit.rule("r3", spam, action_ids=(), policy_ids=("p1",)),
        kit.rule("r4", kit.contains("ham"), action_ids=("warn",), policy_ids=("p1",)),
        kit.rule("r5", spam, status="BACKGROUND", action_ids=("warn",), policy_ids=("p1",)),
    )
    await engine.handle(kit.submission({"text": "spam"}))
    found = {one.action_id: one for one in engine.broker.events(ActionRequested)}
    assert [one.id for one in found["delete"].rules] == ["r1", "r2"]
    assert found["delete"].policy_ids == ("p1", "p2")
    assert [one.id for one in found["warn"].rules] == ["r2"]
    assert found["warn"].policy_ids == ("p2",)
    assert len(engine.broker.events(ActionRequested)) == 2


async def test_background_rules_are_recorded_without_effect(start: Start, kit: Any) -> None:
    """A background rule is evaluated and recorded, and entails nothing."""
    engine = start(
        kit.rule("r1", kit.contains("spam"), status="BACKGROUND", action_ids=("delete",))
    )
    await engine.handle(kit.submission({"text": "spam"}))
    (result,) = engine.broker.events()
    assert [(one.status, one.passed) for one in result.rules] == [("BACKGROUND", True)]
    assert result.executions == ()


@pytest.mark.parametrize("status", ["DRAFT", "ARCHIVED", "DEPRECATED"])
async def test_other_statuses_do_not_run(start: Start, kit: Any, status: str) -> None:
    """Drafts, archived and deprecated rules are not evaluated."""
    engine = start(kit.rule("r1", kit.contains("spam"), status=status, action_ids=("delete",)))
    await engine.handle(kit.submission({"text": "spam"}))
    (result,) = engine.broker.events()
    assert result.rules == ()


async def test_expiry_is_judged_at_submission(start: Start, kit: Any) -> None:
    """A rule acts on items submitted before it expired, however late they are evaluated."""
    expires = datetime(2026, 1, 2, tzinfo=UTC)
    engine = start(
        kit.rule("r1", kit.contains("spam"), action_ids=("delete",), expiration_time=expires)
    )
    before = datetime(2026, 1, 1, tzinfo=UTC)
    await engine.handle(
        kit.submission({"text": "spam"}, time=before),
        kit.submission({"text": "spam"}, time=expires, number=2),
    )
    assert [one.item.id for one in engine.broker.events(ActionRequested)] == ["item-1"]


async def test_actions_only_for_their_item_types(start: Start, kit: Any) -> None:
    """An action that does not apply to the item's type or kind is not requested."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("other", "warn")))
    await engine.handle(kit.submission({"text": "spam"}))
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["warn"]


async def test_an_action_that_is_gone_is_counted_and_said_once(
    start: Start, kit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """An action that no longer exists is not silently dropped: each match counts, and the log names
    it once for each revision of the rule."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("gone", "delete")))
    counter = metric.NOT_EXECUTED.labels("unknown")
    before = counter._value.get()
    await engine.handle(kit.submission({"text": "spam"}))
    engine.put(Kind.RULE, kit.rule("r2", kit.contains("ham")))
    await engine.handle(kit.submission({"text": "spam"}, config_revision=engine.revision))
    assert counter._value.get() == before + 2
    assert capsys.readouterr().out.count("action gone is unknown") == 1
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["delete"] * 2


async def test_the_author_goes_to_review_with_what_they_wrote(start: Start, kit: Any) -> None:
    """Enqueueing the author asks for a review of the user, enqueueing to NCMEC for a job of that
    kind, both under the user's key and with the item. Of an item without an author the first is
    left out and counted; the second is about the item, and says so."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("author", "ncmec")))
    creator = ItemRef("user-1", "user")
    await engine.handle(kit.submission({"text": "spam"}, creator=creator))
    requests = engine.broker.events(ReviewRequested)
    assert [(one.item.id, one.item.type_id, one.job_kind) for one in requests] == [
        ("user-1", "user", "DEFAULT"),
        ("user-1", "user", "NCMEC"),
    ]
    assert {related.id for one in requests for related in one.related_items} == {"item-1"}
    keys = {m.key for m in engine.broker.messages if m.topic == ReviewRequested.topic}
    assert keys == {item_key(requests[0].org_id, "user", "user-1").encode()}
    counter = metric.NOT_EXECUTED.labels("no_author")
    before = counter._value.get()
    await engine.handle(kit.submission({"text": "spam"}, number=2, creator=None))
    assert counter._value.get() == before + 1
    assert all(one.note is None for one in requests)
    (unknown,) = engine.broker.events(ReviewRequested)[2:]
    assert (unknown.item.type_id, unknown.job_kind, unknown.related_items) == ("post", "NCMEC", ())
    assert "whose item this is is not known" in unknown.note


async def test_parameters_have_their_defaults(start: Start, kit: Any) -> None:
    """What a rule configures for an action is completed by the action's defaults, and left out
    where it no longer fits the action."""
    days = ActionParameter(name="days", display_name="Days", type="NUMBER", default_value=7, max=30)
    note = ActionParameter(name="note", display_name="Note", type="STRING")
    action = Action(
        id="ban", name="Ban", applies_to_all_items_of_kind=("CONTENT",), parameters=(days, note)
    )
    configured = {"ban": {"note": "spam"}}
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("ban",), action_parameters=configured)
    engine = start(rule)
    engine.put(Kind.ACTION, action)
    await engine.handle(kit.submission({"text": "spam"}, config_revision=engine.revision))
    (request,) = engine.broker.events(ActionRequested)
    assert request.parameters == {"days": 7, "note": "spam"}
    engine.put(Kind.ACTION, msgspec.structs.replace(action, parameters=(days,)))
    await engine.handle(kit.submission({"text": "spam"}, number=2, config_revision=engine.revision))
    assert engine.broker.events(ActionRequested)[1].parameters == {"days": 7}


async def test_deleted_item_type_has_an_empty_result(start: Start, kit: Any) -> None:
    """An item whose type is gone still gets its result, without rules."""
    engine = start(kit.rule("r1", kit.contains("spam"), item_type_ids=("post", "gone")))
    await engine.handle(kit.submission({"text": "spam"}, type_id="gone"))
    (result,) = engine.broker.events()
    assert (result.rules, result.item.type_id) == ((), "gone")


async def test_unknown_organisation_has_an_empty_result(start: Start, kit: Any) -> None:
    """An organisation without configuration is evaluated too, to nothing."""
    engine = start()
    await engine.handle(kit.submission({"text": "x"}, org_id="new", config_revision=0))
    (result,) = engine.broker.events()
    assert (result.org_id, result.rules, result.config_revision) == ("new", (), 0)


async def test_twice_is_once(start: Start, kit: Any) -> None:
    """Evaluating a submission again, in another process too, arrives at the same effects."""
    found = kit.rule("r1", kit.contains("spam"), action_ids=("delete", "review"))
    ids = []
    for _ in range(2):
        engine = start(found)
        await engine.handle(kit.submission({"text": "spam"}))
        (result,) = engine.broker.events(RulesEvaluated)
        ids.append([one.execution_id for one in result.executions])
    assert ids[0] == ids[1]


@pytest.mark.parametrize("data", [b"[]", b"1", b"[" * 100_000 + b"]" * 100_000, b'{"text":'])
async def test_unreadable_item_is_poison_and_publishes_nothing(
    start: Start, kit: Any, data: bytes
) -> None:
    """An item whose data is no JSON object is Poison; nothing of its batch is published, so that
    the consumer can handle the others one by one."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("delete",)))
    with pytest.raises(Poison):
        await engine.handle(
            kit.submission({"text": "spam"}), kit.submission(data, number=2), kit.submission({})
        )
    assert engine.broker.messages == []
    await engine.handle(kit.submission({"text": "spam"}))
    assert len(engine.broker.events(ActionRequested)) == 1


async def test_a_sample_too_large_for_a_message_is_not_whole(start: Start, kit: Any) -> None:
    """Where all rules would not fit into a message, those that failed are left out, and it is not
    said to be whole."""
    settings = OrgSettings(id="settings", name="Org", evaluation_sample=1)
    # With their long names sixteen of them fill a message.
    rules = [
        msgspec.structs.replace(
            kit.rule(f"r{n}", kit.contains(f"word{n}")), name="n" * (SAMPLED_BYTES // 16)
        )
        for n in range(20)
    ]
    engine = start(*rules, more=[(Kind.SETTINGS, settings)])
    await engine.handle(kit.submission({"text": "word3"}), kit.submission({}, number=2))
    for one, ids in zip(engine.broker.events(), [["r3"], []], strict=True):
        assert not one.sampled
        assert [rule.rule.id for rule in one.rules] == ids


async def test_a_sample_is_recorded_whole(start: Start, kit: Any) -> None:
    """The organisation's share of evaluations, the same ones each time, has all rules, those that
    failed too; the others have only those that did not."""
    settings = OrgSettings(id="settings", name="Org", evaluation_sample=0.25)
    engine = start(
        kit.rule("r1", kit.contains("spam"), action_ids=("warn",)),
        kit.rule("r2", kit.contains("ham")),
        more=[(Kind.SETTINGS, settings)],
    )
    events = [kit.submission({"text": "spam"}, number=n) for n in range(200)]
    sampled = []
    for _ in range(2):
        engine.broker.messages.clear()
        await engine.handle(*events)
        found = engine.broker.events(RulesEvaluated)
        for one in found:
            outcomes = {rule.rule.id: rule.passed for rule in one.rules}
            assert outcomes == ({"r1": True, "r2": False} if one.sampled else {"r1": True})
        sampled.append([one.submission_id for one in found if one.sampled])
    assert sampled[0] == sampled[1]
    assert 20 < len(sampled[0]) < 90
    assert len(engine.broker.events(ActionRequested)) == 200
