"""A change of the configuration acts soon, whole, and without delaying evaluation."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind
from coop_contracts.event import ActionRequested, RulesEvaluated
from coop_rules.program.compiler import compile_program
from coop_rules_engine import metric
from coop_rules_engine.rules import registry, rule_set
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable

Start = Callable[..., Any]


def fast(rules: Any) -> Any:
    return rules.lanes["FAST"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.002)


async def test_item_waits_for_the_revision_it_was_submitted_under(start: Start, kit: Any) -> None:
    """An item that ingest accepted under a revision is not evaluated under an older one."""
    engine = start()
    await engine.handle(kit.submission({"text": "spam"}))
    revision = engine.put(Kind.RULE, kit.rule("r1", kit.contains("spam"), action_ids=("delete",)))
    await engine.handle(kit.submission({"text": "spam"}, number=2, config_revision=revision))
    results = engine.broker.events(RulesEvaluated)
    assert [len(one.rules) for one in results] == [0, 1]
    assert results[1].config_revision == revision


async def test_revision_without_a_change_of_rules_is_not_waited_for(start: Start, kit: Any) -> None:
    """A newer revision that concerns other things is known at once, and is the one recorded."""
    engine = start(kit.rule("r1", kit.contains("spam")))
    await engine.handle(kit.submission({"text": "spam"}))
    engine.table._see("org", 90)
    began = time.perf_counter()
    await engine.handle(kit.submission({"text": "spam"}, number=2, config_revision=90))
    assert time.perf_counter() - began < 1
    assert engine.broker.events(RulesEvaluated)[1].config_revision == 90


async def test_configuration_set_back_stops_nothing(start: Start, kit: Any) -> None:
    """Items of a revision that never comes are evaluated with what there is, after one wait."""
    limits = kit.limits(newer_seconds=0.05)
    engine = start(kit.rule("r1", kit.contains("spam")), limits=limits)
    before = metric.BEHIND._value.get()
    for number in (1, 2):
        event = kit.submission({"text": "spam"}, number=number, config_revision=10_000)
        await engine.handle(event)
    assert [len(one.rules) for one in engine.broker.events()] == [1, 1]
    assert metric.BEHIND._value.get() == before + 1


async def test_evaluation_goes_on_while_compiling(
    start: Start, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a new revision compiles, items are evaluated under the old one; changes that come
    meanwhile are compiled together."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("delete",)))
    await engine.handle(kit.submission({"text": "spam"}))
    first = engine.broker.events(RulesEvaluated)[0].config_revision
    gate, compiled = threading.Event(), []
    real = rule_set.RuleSetCompiler.compile

    def slow(compiler: Any, configuration: Any, *others: Any) -> Any:
        compiled.append(configuration.revision)
        gate.wait(5)
        return real(compiler, configuration, *others)

    monkeypatch.setattr(rule_set.RuleSetCompiler, "compile", slow)
    engine.put(Kind.RULE, kit.rule("r2", kit.contains("spam")))
    await until(lambda: bool(compiled))
    for number in range(3, 8):
        last = engine.put(Kind.RULE, kit.rule(f"r{number}", kit.contains("spam")))
    await engine.handle(kit.submission({"text": "spam"}, number=2))
    assert engine.broker.events(RulesEvaluated)[1].config_revision == first
    gate.set()
    await until(lambda: engine.registry.current("org").revision == last)
    assert len(compiled) == 2
    assert len(fast(engine.registry.current("org").types["post"]).plans) == 7


async def test_bank_and_action_changes_act(start: Start, kit: Any) -> None:
    """A changed bank and a deleted action act as soon as the items of that revision come."""
    engine = start(kit.rule("r1", kit.contains(banks=("bank",)), action_ids=("delete", "warn")))
    await engine.handle(kit.submission({"text": "cialis"}))
    bank = kit.documents()[-1][1]
    engine.put(Kind.TEXT_BANK, msgspec.structs.replace(bank, strings=("cialis",)))
    revision = engine.change(Kind.ACTION, "delete", None)
    await engine.handle(kit.submission({"text": "cialis"}, number=2, config_revision=revision))
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["warn"]


async def test_deleted_bank_makes_the_rule_unknown(
    start: Start, kit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule whose bank is gone is recorded as unknown with the reason, acts no more, is said once
    in the log, and disturbs no other rule."""
    engine = start(
        kit.rule("r1", kit.contains(banks=("bank",)), action_ids=("delete",)),
        kit.rule("r2", kit.contains("viagra"), action_ids=("warn",)),
    )
    revision = engine.change(Kind.TEXT_BANK, "bank", None)
    for number in (1, 2):
        await engine.handle(
            kit.submission({"text": "viagra"}, number=number, config_revision=revision)
        )
    result = engine.broker.events(RulesEvaluated)[0]
    assert [one.passed for one in result.rules] == [None, True]
    assert "no text bank bank" in result.conditions[result.rules[0].conditions[0]].error
    assert {one.action_id for one in engine.broker.events(ActionRequested)} == {"warn"}
    assert capsys.readouterr().out.count("rule is broken") == 1
    assert metric.BROKEN._value.get() == 1


async def test_unchanged_item_types_keep_their_program(start: Start, kit: Any) -> None:
    """A change of one item type's rules compiles no other type's again."""
    engine = start(kit.rule("r1", kit.contains("spam")))
    comment = msgspec.structs.replace(kit.post_type(), id="comment", name="Comment")
    engine.put(Kind.ITEM_TYPE, comment)
    revision = engine.put(Kind.RULE, kit.rule("r2", kit.contains("x"), item_type_ids=("comment",)))
    before = (await engine.registry.wait("org", revision)).types
    revision = engine.put(Kind.RULE, kit.rule("r3", kit.contains("y"), item_type_ids=("comment",)))
    after = (await engine.registry.wait("org", revision)).types
    assert fast(after["post"]).program is fast(before["post"]).program
    assert fast(after["comment"]).program is not fast(before["comment"]).program


async def test_compiler_bug_costs_one_rule(
    start: Start, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the compiler fails on a rule, the others of the organisation still run."""
    real = compile_program

    def failing(rules: Any, **others: Any) -> Any:
        if any(entry.ref.id == "bad" for entry in rules):
            raise ZeroDivisionError
        return real(rules, **others)

    monkeypatch.setattr(rule_set, "compile_program", failing)
    engine = start(kit.rule("bad", kit.contains("spam")), kit.rule("good", kit.contains("spam")))
    before = metric.COMPILE_FAILURES._value.get()
    await engine.handle(kit.submission({"text": "spam"}))
    (result,) = engine.broker.events()
    assert [one.rule.id for one in result.rules] == ["good"]
    assert metric.COMPILE_FAILURES._value.get() == before + 1


async def test_replaced_rules_leave_nothing_to_the_collector(start: Start, kit: Any) -> None:
    """A program that is replaced is free at once: nothing of it waits for a collection, which would
    walk through all rules while evaluation waits."""
    condition = kit.both(kit.contains("spam", banks=("bank",)), kit.counted(2))
    rules = [kit.rule(f"r{n}", kit.either(condition, kit.hate(n / 300))) for n in range(300)]
    engine = start(*rules)
    first = await engine.registry.wait("org", 1)
    facts = kit.facts(kit.submission({"text": "spam and ham"}))
    for lane in first.types["post"].lanes.values():
        lane.program.evaluate_facts(facts, trace=True).record()
    del first, lane
    gc.collect()
    gc.disable()
    try:
        for entry in rules:
            revision = engine.put(Kind.RULE, kit.rule(entry.id, kit.contains(entry.id)))
        await engine.registry.wait("org", revision)
        # A rule that refers to itself is a dozen objects.
        assert gc.collect() < 600
    finally:
        gc.enable()


async def test_ready_when_every_organisation_is_compiled(kit: Any) -> None:
    """It is ready once all organisations that the configuration names have their rules."""
    changes = [
        ConfigChange(org, kind, document.id, document, revision)
        for org in ("a", "b")
        for revision, (kind, document) in enumerate(kit.documents(), 1)
    ]
    found = registry.Registry(ConfigTable.of(changes))
    assert not found.ready()
    running = asyncio.create_task(found.run())
    await found.compiled(5)
    assert {org for org in "abc" if found.current(org) is not None} == {"a", "b"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not found.ready()
