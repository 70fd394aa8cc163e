"""Both systems on the same traffic: one difference of each kind is planted, and found, and nothing
else is said to differ."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind, Rule
from coop_contracts.event import ItemRef, RuleOutcome, RuleRef, RulesEvaluated
from coop_contracts.ids import new_id
from coop_review_api.configuration.log import lock
from coop_review_api.shadow.said import SaidError, said
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from ..moving.conftest import NOW
from ..moving.coop_world import ACME
from .both import Both, Receiving, webhook

pytestmark = pytest.mark.engines


def found(report: dict[str, Any], of: str = "RULE") -> set[tuple[str, str, str, str | None]]:
    """Every difference: rule or action, item, side, cause."""
    return {
        (one["id"], one["itemId"], one["side"], one["cause"])
        for one in report["samples"]
        if one["of"] == of
    }


def row(report: dict[str, Any], id_: str, of: str = "rules") -> dict[str, Any]:
    return next(one for one in report[of] if one["id"] == id_)


async def edit(both: Both, rule_id: str, **more: Any) -> None:
    """Somebody here changes a rule."""
    here = both.moving.here
    async with transaction(here.engine) as connection:
        configuration = await lock(
            connection,
            ACME,
            author="ada",
            clock=lambda: NOW,
            signals=here.signals,
            checks=here.checks,
        )
        before = (await configuration.get(Kind.RULE, Rule, rule_id)).document
        await configuration.save(Kind.RULE, msgspec.structs.replace(before, **more))


async def undecided(both: Both, item_id: str, rule_id: str) -> None:
    """The item came here, and a rule of it could not be decided."""
    submission_id = await both.send(item_id, "nothing")
    event = RulesEvaluated(
        event_id=new_id(),
        org_id=ACME,
        time=datetime.now(UTC),
        correlation_id=submission_id,
        submission_id=submission_id,
        item=ItemRef(item_id, "post"),
        config_revision=1,
        lane="SLOW",
        rules=(
            RuleOutcome(
                rule=RuleRef(id=rule_id, name="x", revision=1), status="BACKGROUND", passed=None
            ),
        ),
        submitted_at=datetime.now(UTC),
    )
    await both.world.projection.evaluated([Received(event, b"", event.topic, 0, 0, {}, -1)])


async def test_webhooks_beside_evaluations(both: Both, receiving: Receiving) -> None:
    """Same, and one difference of each kind; a webhook that came twice counts once."""
    for item_id, text in (
        ("same", "free money"),
        ("ours", "free money"),
        ("theirs", "harmless"),
        ("twice", "harmless"),
        ("twice", "harmless, again"),
        ("two", "free money and more money"),
        ("variant", "harmless"),
    ):
        await both.send(item_id, text)
    await undecided(both, "undecided", "spam")
    spam = {"conjunction": "AND", "conditions": [_leaf("changed here")]}
    await edit(both, "edited", condition_set=spam)
    await both.send("edited", "changed here")
    for item_id, rule_id in (
        ("same", "spam"),
        ("same", "spam"),
        ("theirs", "spam"),
        ("twice", "spam"),
        ("two", "spam"),
        ("unseen", "spam"),
        ("undecided", "spam"),
        ("variant", "means"),
        ("theirs", "ahead"),
        ("theirs", "ghost"),
    ):
        assert (await receiving.post(webhook(item_id, rule_id))).status_code == 200
    assert (await receiving.post(webhook("by-a-person"))).status_code == 200
    receiving.stop()
    code, report = await both.report(
        *("--said", str(receiving.file), "--import-report", str(both.import_report))
    )
    assert found(report) == {
        ("spam", "ours", "OURS", None),
        ("spam", "theirs", "THEIRS", None),
        ("spam", "twice", "THEIRS", "ORDER"),
        ("spam", "unseen", "THEIRS", "NOT_SEEN_HERE"),
        ("spam", "undecided", "THEIRS", "UNDECIDED"),
        ("more", "two", "OURS", "NAMED_ONCE"),
        ("edited", "edited", "OURS", "EDITED"),
        ("means", "variant", "THEIRS", "DIFFERS"),
        ("ahead", "theirs", "THEIRS", "NOT_RUN"),
        ("ghost", "theirs", "THEIRS", "NOT_HERE"),
    }
    assert (row(report, "spam")["same"], row(report, "spam")["oursOnly"]) == (2, 1)
    assert found(report, "ACTION") == {
        ("remove", "ours", "OURS", None),
        ("remove", "theirs", "THEIRS", None),
        ("remove", "twice", "THEIRS", "ORDER"),
        ("remove", "unseen", "THEIRS", "NOT_SEEN_HERE"),
        ("remove", "undecided", "THEIRS", "UNDECIDED"),
        ("remove", "edited", "OURS", "EDITED"),
        ("remove", "variant", "THEIRS", "DIFFERS"),
    }
    assert (code, report["unexplained"], report["withoutRule"]) == (1, 4, 1)
    assert report["items"] is None
    assert report["acting"] == []
    again = await both.report(
        *("--said", str(receiving.file), "--import-report", str(both.import_report)),
        *("--until", report["until"]),
    )
    assert again == (code, report)


async def test_nobody_was_listening(both: Both, receiving: Receiving) -> None:
    """What passed here before the receiver was there is explained, and nothing is left."""
    start = datetime.now(UTC)
    await both.send("early", "free money")
    first = json.loads(receiving.file.read_text().splitlines()[0])
    later = (start + timedelta(seconds=600)).isoformat()
    receiving.kill()
    receiving.file.write_text(json.dumps({**first, "at": later}) + "\n")
    code, report = await both.report("--said", str(receiving.file))
    assert (code, found(report)) == (0, {("spam", "early", "OURS", "NOT_LISTENING")})
    code, out, _ = await both.run("--said", str(receiving.file))
    assert code == 0
    assert "Nothing is unexplained" in out
    assert "NOT_LISTENING: no receiver was there" in out


async def test_who_listens_is_there_until_its_next_word_is_due(
    both: Both, receiving: Receiving
) -> None:
    """What a running receiver did not hear is no silence of its own, also between two of its
    beats; once it has stopped it is."""
    await both.send("unheard", "free money")
    code, report = await both.report("--said", str(receiving.file))
    assert (code, found(report)) == (1, {("spam", "unheard", "OURS", None)})
    receiving.stop()
    await both.send("after", "free money")
    code, report = await both.report("--said", str(receiving.file))
    assert (code, found(report)) == (
        1,
        {("spam", "unheard", "OURS", None), ("spam", "after", "OURS", "NOT_LISTENING")},
    )


async def test_exports_beside_evaluations(both: Both, tmp_path: Path) -> None:
    """Every execution of Coop's rules, as CSV; what it did and what it saw, as JSON lines."""
    for item_id, text in (
        ("same", "free money"),
        ("neither", "harmless"),
        ("ours", "free money"),
        ("late", "free money"),
        ("limit", "limit"),
    ):
        await both.send(item_id, text)
    rows = [
        ("same", "spam", "true"),
        ("same", "spam", "true"),  # the same row again
        ("neither", "spam", "false"),
        ("ours", "spam", "false"),
        ("theirs", "spam", "true"),
        ("one", "limited", "1"),
        ("other", "limited", "1"),
        ("limit", "spam", "0"),
    ]
    executions = tmp_path / "executions.csv"
    with executions.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ORG_ID", "ITEM_TYPE_ID", "ITEM_ID", "RULE_ID", "PASSED", "TS"])
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        writer.writerows([ACME, "post", item, rule, passed, at] for item, rule, passed in rows)
        writer.writerow(["bbbbbbbbbbb", "post", "foreign", "spam", "true", at])
    acted = tmp_path / "actions.jsonl"
    action = {"item_type_id": "post", "action_id": "remove", "ts": at}
    rules = json.dumps([{"id": "spam", "name": "Spam"}])
    acted.write_text(
        json.dumps({**action, "item_id": "same", "rules": rules})
        + "\n\n"
        + json.dumps({**action, "item_id": "by-a-person", "rules": []})
        + "\n"
    )
    seen = tmp_path / "seen.jsonl"
    seen.write_text(
        json.dumps({"event": "REQUEST_FAILED", "item_type_id": "post", "item_id": "no", "ts": at})
        + "\n"
        + json.dumps({"submission_id": "s", "item_type_id": "post", "item_id": "theirs", "ts": at})
    )
    files = [part for path in (executions, acted, seen) for part in ("--said", str(path))]
    code, report = await both.report(*files, "--samples", "9")
    assert found(report) == {
        ("spam", "ours", "OURS", None),
        ("spam", "late", "OURS", "NOT_SEEN_THERE"),
        ("spam", "theirs", "THEIRS", "NOT_SEEN_HERE"),
        ("limited", "limit", "OURS", "QUOTA"),
        ("limited", "one", "THEIRS", "NOT_SEEN_HERE"),
        ("limited", "other", "THEIRS", "NOT_SEEN_HERE"),
    }
    assert (row(report, "spam")["same"], row(report, "spam")["neither"]) == (1, 2)
    assert row(report, "remove", "actions")["same"] == 1
    assert report["items"] == {"both": 4, "ours": 1, "theirs": 3}
    assert (code, report["withoutRule"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"item_id": "p"}\n', ":1: no 'item_type_id'"),
        ("{}\nx\n", ":1: no 'item_type_id'"),
        ('{"kind":"presence","at":"2026-01-01T00:00:00Z","what":"started"}\nx\n', ":2: "),
        ('{"item_type_id":"t","item_id":"i","ts":"noon"}\n', ":1: Invalid isoformat"),
        ('{"item_type_id":"t","item_id":"\\ud800","ts":"2026-01-01"}\n', ":1: 'utf-8'"),
        ('{"a":' + "[" * 200_000 + "\n", ":1: is no JSON"),
        ("item_type_id,item_id,rule_id,passed,ts\nt,i,r,perhaps,2026-01-01\n", ":2: passed is"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, content: str, reason: str
) -> None:
    """Half a report would be taken for a whole one."""
    path = tmp_path / "said"
    path.write_text(content)
    with pytest.raises(SaidError) as refused:
        list(said(path, ACME))
    assert reason in str(refused.value)


def _leaf(text: str) -> dict[str, Any]:
    return {
        "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"},
        "comparator": "CONTAINS",
        "threshold": text,
    }
