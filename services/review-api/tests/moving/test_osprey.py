"""Files of Osprey's rules: what is taken over, what is told with its place, what is refused."""

from __future__ import annotations

import ast
import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from coop_contracts.config import Action, Kind, Rule, RuleStatus
from coop_review_api.moving.live import LIVE_IN_OSPREY
from coop_review_api.moving.mapped import Finding, Mapped
from coop_review_api.moving.mover import Destination, Mover
from coop_review_api.moving.osprey.mapper import OspreyWishes, mapped
from coop_review_api.moving.osprey.ruleset import (
    MAX_FILE,
    RulesetError,
    parsed,
    read_ruleset,
)
from coop_review_api.moving.promotion import promote
from coop_review_api.organisation.creation import begin_named
from coop_review_api.process.moving import run_import
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import new_key

from .conftest import NOW
from .test_osprey_verdicts import rule_of, things, verdicts

CALLBACK = "https://platform.example/osprey"
FILES = {
    "main.sml": """
Import(rules=['models/base.sml'])
Require(rule='rules/post.sml', require_if=EventType == 'create_post')
Require(rule=f'actions/{ActionName}.sml')
Require(rule='rules/none.sml')
""",
    "models/base.sml": """
EventType: Entity[str] = EntityJson(type='EventType', path='$.event_type', coerce_type=True)
UserId: Entity[str] = EntityJson(type='User', path='$.user_id')
ActionName = GetActionName()
""",
    "rules/post.sml": """
Import(rules=['models/base.sml'])
PostText: str = JsonData(path='$.post.text')
Hello = Rule(
    when_all=[TextContains(text=PostText, phrase='hello')],
    description=f'{UserId} said hello',
)
Labelled = Rule(
    when_all=[PostText != 'x', HasLabel(entity=UserId, label='meow')], description='d'
)
WhenRules(
    rules_any=[Hello, Labelled],
    then=[
        BanUser(entity=UserId, comment=f'{UserId} said hello'),
        LabelAdd(entity=UserId, label='meow', expires_after=TimeDelta(days=7)),
        DeclareVerdict(verdict='reject'),
        LabelAdd(entity=UserId, label='other', apply_if=Hello),
    ],
)
""",
    "actions/delete.sml": """
Import(rules=['models/base.sml'])
Deleted = Rule(when_all=[UserId == 'u1'], description='d')
""",
    "dead.sml": "Dead = Rule(when_all=[UserId == 'u1'], description='d')\n",
    "odd.sml": """
for x in []: pass
Text2: str = StringToLower(s=PostText)
Wide: str = JsonData(path='$..text')
""",
}


def converted(**more: Any) -> list[Mapped | Finding]:
    return mapped(parsed(FILES), OspreyWishes(now=NOW, **more))


def told(found: list[Mapped | Finding]) -> set[tuple[str, str]]:
    """Every place that was told, with what."""
    findings = [one for one in found if isinstance(one, Finding)]
    for one in found:
        if isinstance(one, Mapped):
            findings += one.findings
    return {(one.pointer, one.reason) for one in findings}


def test_a_rule_is_run_where_its_file_is() -> None:
    """The condition of each Require on the way is part of the rule; a template names its file."""
    found = converted()
    hello = verdicts_of(found, "Hello")
    assert hello({"event_type": "create_post", "post.text": "oh hello"})
    assert not hello({"event_type": "edit", "post.text": "oh hello"})
    assert not hello({"post.text": "oh hello"})
    deleted = verdicts_of(found, "Deleted")
    assert deleted({"action_name": "delete", "user_id": "u1"})
    assert not deleted({"action_name": "create", "user_id": "u1"})


def verdicts_of(found: list[Mapped | Finding], name: str) -> Any:
    """`verdicts` judges the rule R."""
    rule = rule_of(found, name)
    renamed = msgspec.structs.replace(rule.document, id="osprey-R")
    others = [one for one in found if not isinstance(one, Mapped) or one.document.id != "osprey-R"]
    return verdicts([*others, Mapped(kind=Kind.RULE, document=renamed)])


def test_what_is_not_taken_over_is_told_with_its_place() -> None:
    """File, line and column, and the reason."""
    assert {
        ("main.sml:5:1", "names no file that is here"),
        ("rules/post.sml:9:32", "HasLabel has no counterpart here"),
        ("rules/post.sml:17:9", "LabelAdd under a condition of its own: make a rule of it"),
        ("dead.sml:1:8", "no way leads from main.sml to its file: a draft"),
        ("odd.sml:2:1", "is no statement of Osprey's"),
        ("odd.sml:3:14", "StringToLower has no counterpart here"),
        ("odd.sml:4:13", "the path $..text is no chain of names"),
        (
            "rules/post.sml:5:15",
            "words, digits, blanks and ends of lines may be others in texts beyond ASCII",
        ),
    } == told(converted(callback=CALLBACK))


def test_a_rule_that_is_here_in_part_is_a_draft() -> None:
    """With what could be said, the reason in its description, and no tag that turns it on."""
    found = converted(callback=CALLBACK)
    rule = rule_of(found, "Labelled").document
    assert isinstance(rule, Rule)
    assert (rule.status, rule.tags) == (RuleStatus.DRAFT, ())
    assert "rules/post.sml:9:32: HasLabel has no counterpart" in rule.description
    hello = rule_of(found, "Hello").document
    assert isinstance(hello, Rule)
    assert (hello.status, hello.tags) == (RuleStatus.BACKGROUND, (LIVE_IN_OSPREY,))
    assert hello.description == "{UserId} said hello"


def test_effects_are_actions_that_say_which() -> None:
    """The same effect is the same action; without an address each is told."""
    found = converted(callback=CALLBACK)
    actions = [
        one.document
        for one in found
        if isinstance(one, Mapped) and isinstance(one.document, Action)
    ]
    bodies = [one.callback_url_body for one in actions]
    assert {
        "effect": "LabelAdd",
        "entity": {"field": "user_id"},
        "expires_after": {"seconds": 604_800},
        "label": "meow",
    } in bodies
    assert {"effect": "DeclareVerdict", "verdict": "reject"} in bodies
    assert len({one.id for one in actions}) == len(actions) == 3
    hello = rule_of(found, "Hello").document
    assert isinstance(hello, Rule)
    assert set(hello.action_ids) == {one.id for one in actions}
    assert "DeclareVerdict needs the address of a webhook: --callback" in {
        reason for _, reason in told(converted())
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("Text > 'a'", "only numbers have an order here"),
        ("Text == 3", "compared with a value of another type"),
        ("Count == True", "compared with a value of another type"),
        ("Text == Bio", "compares two features with each other"),
        ("1 < Count < 3", "is no expression that has a counterpart here"),
        ("ListLength(list=Tags) == 2", "only whether a list has entries"),
        ("Nowhere == 1", "compares what is no feature of the event"),
        ("__import__('os').system('x')", "is no expression that has a counterpart here"),
        ("RegexMatch('a', 'b')", "has no counterpart here"),
        ("RegexMatch(target=Tags, pattern='a')", "looks into what is no text"),
        ("RegexMatch(target=Text, pattern='a', flags=1)", "is given something else here"),
        ("Text in Tags", "compares two features with each other"),
        ("(lambda: 1)()", "is no expression that has a counterpart here"),
        ("R", "is nested deeper than"),
    ],
)
def test_what_cannot_be_said_is_never_left_out(given: str, reason: str) -> None:
    """The rule is a draft, whatever else it asks."""
    found = things(f"R = Rule(when_all=[Text == 'a', {given}], description='d')")
    rule = rule_of(found)
    assert rule.document.status is RuleStatus.DRAFT  # type: ignore[attr-defined]
    assert reason in rule.findings[0].reason
    assert rule.findings[0].pointer.startswith("main.sml:")


def test_a_look_ahead_is_refused_when_it_is_saved() -> None:
    """By the check that every rule goes through: the importer makes it a draft with the reason."""
    found = things(
        "R = Rule(when_all=[RegexMatch(target=Text, pattern='a(?!b)')], description='d')"
    )
    with pytest.raises(AssertionError, match="invalid perl operator"):
        verdicts(found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("x = " + "(" * 50_000, "main.sml:1:"),
        ("x = " + "not " * 50_000 + "1", "nested too deeply"),
        ("x = a" + ".b" * 50_000, "nested too deeply"),
        ("x = " + "9" * 50_000, "main.sml:1:"),
        ("x = 1\x00", "main.sml"),
        ("x = 'a\n", "main.sml:1:"),
        ("x" * (MAX_FILE + 1), "is larger than"),
    ],
    ids=["brackets", "not", "dots", "digits", "nul", "text", "size"],
)
def test_a_hostile_file_is_refused_with_its_name(tmp_path: Path, content: str, reason: str) -> None:
    """And nothing else of the folder is taken for the whole."""
    (tmp_path / "main.sml").write_text(content)
    with pytest.raises(RulesetError, match=r"main\.sml") as refused:
        read_ruleset(tmp_path)
    assert reason in str(refused.value)


def test_no_link_is_followed_and_bytes_are_no_text(tmp_path: Path) -> None:
    """A link to a file elsewhere is no part of the folder."""
    elsewhere = tmp_path / "elsewhere.sml"
    elsewhere.write_bytes(b"\xff\xfe")
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "link.sml").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)
    with pytest.raises(RulesetError, match="there is no file of rules"):
        read_ruleset(folder)
    with pytest.raises(RulesetError, match="is no text in UTF-8"):
        read_ruleset(elsewhere)


def test_names_that_double_do_not_double_the_rule() -> None:
    """Twelve names, each twice the one before: a million conditions are never made."""
    lines = ["_A0 = Count > 1 and Count > 2"]
    lines += [f"_A{n} = _A{n - 1} and _A{n - 1} or _A{n - 1}" for n in range(1, 12)]
    found = things("\n".join([*lines, "R = Rule(when_all=[_A11], description='d')"]))
    assert "500 conditions" in rule_of(found).findings[0].reason


def test_files_that_require_each_other_end() -> None:
    """A circle on the way is not gone round; a rule behind it alone is a draft."""
    files = {
        "main.sml": "Require(rule='a.sml', require_if=K == 'x')\nK: str = JsonData(path='$.k')\n",
        "a.sml": "Require(rule='b.sml')\n",
        "b.sml": "Require(rule='a.sml')\nR = Rule(when_all=[K == 'y'], description='d')\n",
    }
    rule = rule_of(mapped(parsed(files), OspreyWishes(now=NOW))).document
    assert isinstance(rule, Rule)
    assert rule.status is RuleStatus.BACKGROUND
    assert len(rule.condition_set["conditions"]) == 2


def test_nothing_of_a_file_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The syntax tree is read and never compiled."""

    def never(*_: object, **__: object) -> object:
        raise AssertionError

    monkeypatch.setattr("builtins.eval", never)
    monkeypatch.setattr("builtins.exec", never)
    tree = ast.parse("1")
    assert isinstance(tree, ast.Module)
    found = things("X = open('/etc/passwd').read()\nR = Rule(when_all=[X == 'a'], description='d')")
    assert rule_of(found).document.status is RuleStatus.DRAFT  # type: ignore[attr-defined]


@pytest.mark.engines
async def test_planned_made_and_the_same_twice(here: Destination) -> None:
    """A plan changes nothing; what is made is what was planned; the second run is empty; what acted
    in Osprey is turned on when it is asked for, and stays on when the files come again."""
    async with transaction(here.engine) as connection:
        await begin_named(connection, "o", name="O", slug=None)

    async def run(*, applied: bool, at: datetime = NOW) -> Any:
        made = mapped(parsed(FILES), OspreyWishes(now=at, callback=CALLBACK))
        mover = Mover(here=here, org_id="o", name="O", things=made)
        return await (mover.apply() if applied else mover.plan())

    planned = await run(applied=False)
    async with transaction(here.engine) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM review.config_log")) == 0
    done = await run(applied=True)
    assert planned.counts == done.counts
    assert done.counts["rule"] == {"CREATE": 4}
    again = await run(applied=True, at=datetime(2026, 10, 1, tzinfo=UTC))
    assert (again.changed, again.cannot) == (0, done.cannot)
    turned, refused = await promote(here, "o", applied=True)
    assert ([one.id for one in turned], refused) == (["osprey-Hello"], [])
    assert (await run(applied=True)).changed == 0


@pytest.mark.engines
async def test_by_the_command(
    here: Destination,
    new_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder is planned and made by the command; fields have the names that were asked for."""
    async with transaction(here.engine) as connection:
        await begin_named(connection, "o", name="O", slug=None)
    for name, content in FILES.items():
        file = tmp_path / "rules" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    fields = tmp_path / "fields.json"
    fields.write_text('{"$.post.text": "text"}')
    monkeypatch.setenv("COOP_POSTGRES", new_url)
    monkeypatch.setenv("COOP_SECRET_KEYS", new_key())
    asked = ["osprey", "--org", "o", "--path", str(tmp_path / "rules"), "--format", "json"]
    asked += ["--fields", str(fields), "--callback", CALLBACK]
    for more, rules in (([], "CREATE"), (["--apply"], "CREATE"), (["--apply"], "SAME")):
        assert await asyncio.to_thread(run_import, [*asked, *more]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["counts"]["rule"] == {rules: 4}
    assert await asyncio.to_thread(run_import, [*asked[:4], str(tmp_path / "none")]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err
