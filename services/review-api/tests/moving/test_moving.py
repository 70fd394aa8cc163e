"""An organisation of Coop's, moved in: on two real databases."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from sqlalchemy import text

from coop_contracts.config import (
    DOCUMENT_TYPES,
    Action,
    ApiKey,
    Document,
    Kind,
    OrgSettings,
    Rule,
)
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.log import lock
from coop_review_api.moving.mover import Destination
from coop_review_api.moving.promotion import promote
from coop_review_api.moving.report import Report, as_text
from coop_runtime.database.engine import transaction
from coop_runtime.secret.signing import sign_rsa_sha256

from .conftest import Moving
from .coop_world import ACME, BEFORE, BIG, OLD_KEY, OTHER, RSA_KEY, SECRETS, SINCE, SMALL

pytestmark = pytest.mark.engines


async def documents(here: Destination, org_id: str = ACME) -> dict[Kind, dict[str, Any]]:
    """What the organisation has now."""
    async with transaction(here.engine) as connection:
        rows = await connection.execute(
            text(
                "SELECT kind, id, CAST(document AS text) AS document FROM review.config_current"
                " WHERE org_id = :org AND document IS NOT NULL"
            ),
            {"org": org_id},
        )
        found: dict[Kind, dict[str, Document]] = {}
        for row in rows:
            kind = Kind(row.kind)
            decoded = msgspec.json.decode(row.document, type=DOCUMENT_TYPES[kind])
            found.setdefault(kind, {})[row.id] = decoded
    return found


async def people(here: Destination, org_id: str = ACME) -> dict[str, Any]:
    async with transaction(here.engine) as connection:
        rows = await connection.execute(
            text("SELECT * FROM review.users WHERE org_id = :org"), {"org": org_id}
        )
        return {row.user_id: row for row in rows}


def reasons(report: Report, kind: str, thing_id: str) -> str:
    """All that was said of one thing."""
    return "\n".join(
        f"{one.verdict} {one.pointer} {one.reason}"
        for one in (*report.differs, *report.cannot)
        if (one.kind, one.id) == (kind, thing_id)
    )


def clear(here: Destination, kind: Kind, document: Document, name: str) -> str:
    """A secret of a document."""
    stored = getattr(document, name)
    return here.vault.decrypt(stored, context=bound_to(ACME, kind, document.id))


async def test_a_plan_changes_nothing(moving: Moving) -> None:
    """All is said, and nothing is there afterwards: no organisation either."""
    report = await (await moving.mover(ACME)).plan()
    assert report.changed > 0
    assert await documents(moving.here) == {}
    async with transaction(moving.here.engine) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM review.orgs")) == 0
        assert await connection.scalar(text("SELECT count(*) FROM review.outbox")) == 0


async def test_what_is_done_is_what_was_planned(moving: Moving) -> None:
    """The plan and the deed name the same changes, but for ids that are made here."""
    planned = await (await moving.mover(ACME)).plan()
    done = await (await moving.mover(ACME)).apply()
    assert planned.counts == done.counts
    assert planned.cannot == done.cannot
    assert planned.differs == done.differs


async def test_a_second_run_is_empty(moving: Moving) -> None:
    """Nothing is changed, not a revision; and what cannot be is told again."""
    first = await (await moving.mover(ACME)).apply()
    before = await documents(moving.here)
    second = await (await moving.mover(ACME)).apply()
    assert second.changed == 0, second.changes
    assert await documents(moving.here) == before
    assert second.cannot == first.cannot
    assert "Nothing is to be done" in as_text(second)


async def test_no_id_changes_and_nothing_is_dropped_in_silence(moving: Moving) -> None:
    """Each row of Coop's is here under its id, or told with a reason."""
    mover = await moving.mover(ACME)
    report = await mover.apply()
    here = await documents(moving.here)
    told = {(one.kind, one.id) for one in report.cannot}
    tables = {
        Kind.ITEM_TYPE: "item_types",
        Kind.POLICY: "policies",
        Kind.ACTION: "actions",
        Kind.TEXT_BANK: "text_banks",
        Kind.LOCATION_BANK: "location_banks",
        Kind.HASH_BANK: "hash_banks",
        Kind.RULE: "rules",
        Kind.API_KEY: "api_keys",
        Kind.QUEUE: "manual_review_tool.manual_review_queues",
        Kind.ROUTING_RULE: "manual_review_tool.routing_rules",
        "user": "users",
        "reporting-rule": "reporting_rules.reporting_rules",
    }
    accounts = await people(moving.here)
    missing = []
    for kind, table in tables.items():
        rows = await moving.ids(table, ACME)
        assert rows, table
        there = accounts if kind == "user" else here.get(kind, {})  # type: ignore[call-overload]
        missing += [
            (kind, one) for one in rows if one not in there and (str(kind), one) not in told
        ]
    assert missing == []


async def test_nothing_of_another_organisation_arrives(moving: Moving) -> None:
    """Not a document, not an account, not a row in the counts."""
    report = await (await moving.mover(ACME)).apply()
    assert await documents(moving.here, OTHER) == {}
    encoded = msgspec.json.encode(report).decode()
    assert "theirs" not in encoded
    assert "zoe" not in encoded
    assert "job_comments" not in encoded


async def test_secrets_are_ciphertext_and_the_same(moving: Moving) -> None:
    """What was clear text in Coop is there, encrypted, and in no report."""
    report = await (await moving.mover(ACME)).apply()
    here = await documents(moving.here)
    settings: OrgSettings = here[Kind.SETTINGS]["settings"]
    opened = {
        "callback header": clear(
            moving.here, Kind.ACTION, here[Kind.ACTION]["remove"], "callback_url_headers"
        ),
        "appeal header": clear(moving.here, Kind.SETTINGS, settings, "appeal_callback_headers"),
        "partial items header": clear(
            moving.here, Kind.SETTINGS, settings, "partial_items_headers"
        ),
        "account": clear(
            moving.here, Kind.INTEGRATION, here[Kind.INTEGRATION]["OPEN_AI"], "credential"
        ),
        "zentropi": clear(
            moving.here, Kind.INTEGRATION, here[Kind.INTEGRATION]["ZENTROPI"], "credential"
        ),
        "ncmec": clear(
            moving.here, Kind.NCMEC_SETTINGS, here[Kind.NCMEC_SETTINGS]["settings"], "password"
        ),
    }
    async with transaction(moving.here.engine) as connection:
        kept = await connection.scalar(
            text("SELECT string_agg(document::text, '') FROM review.config_log")
        )
    said = msgspec.json.encode(report).decode() + as_text(report)
    for name, secret in SECRETS.items():
        assert secret in opened[name]
        assert secret not in kept
        assert secret not in said
    assert "PRIVATE KEY" not in kept + said


async def test_the_platform_keeps_its_key_and_its_pem(moving: Moving) -> None:
    """The old API key's hash is here, not revoked; the old public key verifies what we sign."""
    await (await moving.mover(ACME)).apply()
    here = await documents(moving.here)
    keys: dict[str, ApiKey] = here[Kind.API_KEY]
    found = [
        one for one in keys.values() if one.key_hash == hashlib.sha256(OLD_KEY.encode()).hexdigest()
    ]
    assert [one.revoked_at for one in found] == [None]
    assert sum(one.revoked_at is not None for one in keys.values()) == 1
    signing = [one for one in here[Kind.WEBHOOK_KEY].values() if one.scheme == "RSA_SHA256"]
    assert [one.status for one in signing] == ["ACTIVE"]
    pem = clear(moving.here, Kind.WEBHOOK_KEY, signing[0], "secret")
    signature = base64.b64decode(sign_rsa_sha256(pem, b'{"a":1}'))
    RSA_KEY.public_key().verify(signature, b'{"a":1}', padding.PKCS1v15(), hashes.SHA256())
    assert serialization.load_pem_public_key(signing[0].public_key.encode()) == RSA_KEY.public_key()


async def test_nothing_acts_until_it_is_promoted(moving: Moving) -> None:
    """LIVE rules run in the background; promoted, they are LIVE, and a later import leaves them."""
    await (await moving.mover(ACME)).apply()
    rules: dict[str, Rule] = (await documents(moving.here))[Kind.RULE]
    assert {rule.status for rule in rules.values()} <= {"BACKGROUND", "DRAFT", "ARCHIVED"}
    planned, _ = await promote(moving.here, ACME, applied=False)
    assert (await documents(moving.here))[Kind.RULE] == rules
    done, refused = await promote(moving.here, ACME, applied=True)
    assert [one.id for one in done] == [one.id for one in planned] == ["past", "spam", "variants"]
    assert refused == []
    rules = (await documents(moving.here))[Kind.RULE]
    assert rules["spam"].status == "LIVE"
    assert rules["spam"].tags == ("mine",)
    assert rules["banks"].status == "BACKGROUND"  # as in Coop
    again = await (await moving.mover(ACME)).apply()
    assert again.changed == 0, again.changes
    assert (await promote(moving.here, ACME, applied=True))[0] == []


async def test_one_rule_is_promoted_alone(moving: Moving) -> None:
    """The others wait; one that does not wait is named."""
    await (await moving.mover(ACME)).apply()
    done, refused = await promote(moving.here, ACME, only=["spam", "ahead"], applied=True)
    assert [one.id for one in done] == ["spam"]
    assert refused == ["rule ahead: does not wait to be turned on"]


async def test_what_cannot_be_is_a_draft_with_its_reason(moving: Moving) -> None:
    """A look-ahead, a custom signal, a field that is not there: the rule is here, and says why."""
    report = await (await moving.mover(ACME)).apply()
    rules: dict[str, Rule] = (await documents(moving.here))[Kind.RULE]
    for rule_id, said in (
        ("ahead", "/conditionSet/conditions/0/matchingValues/strings/0"),
        ("custom", "CUSTOM is not available"),
        ("field", "has no field no such"),
        ("people", "never runs"),
        ("null", "Coop has no condition"),
        ("needs", "no such action"),
    ):
        assert rules[rule_id].status == "DRAFT", rule_id
        assert said in reasons(report, "rule", rule_id), rule_id
        assert rules[rule_id].description.startswith("Imported as a draft."), rule_id
    assert rules["custom"].description.endswith("\n\nmine")
    assert rules["needs"].action_ids == ("nowhere",)
    routes = (await documents(moving.here))[Kind.ROUTING_RULE]
    assert routes["r7"].status == "DRAFT"  # to a queue of the other class
    assert [routes[one].sequence_number for one in ("r0", "r7", "a1")] == [0, 7, 1]


async def test_an_item_type_with_broken_drafts_can_be_changed(moving: Moving) -> None:
    """What was wrong with a draft before is not the change's fault; what becomes wrong is."""
    await (await moving.mover(ACME)).apply()
    post = (await documents(moving.here))[Kind.ITEM_TYPE]["post"]
    async with transaction(moving.here.engine) as connection:
        configuration = await lock(
            connection, ACME, author="test", clock=moving.here.clock, checks=moving.here.checks
        )
        renamed = msgspec.structs.replace(post, description="changed")
        await configuration.save(Kind.ITEM_TYPE, renamed)
        without = msgspec.structs.replace(renamed, fields=renamed.fields[1:], hidden_fields=())
        with pytest.raises(Exception, match="rules read this item type"):
            await configuration.save(Kind.ITEM_TYPE, without)


async def test_documents_are_what_they_were(moving: Moving) -> None:
    """Of each kind, what is odd about it."""
    report = await (await moving.mover(ACME)).apply()
    here = await documents(moving.here)
    post = here[Kind.ITEM_TYPE]["post"]
    assert post.version == SINCE
    assert here[Kind.ITEM_TYPE_VERSION].keys() >= {f"post@{SINCE}", f"post@{BEFORE}"}
    assert here[Kind.ITEM_TYPE_VERSION][f"post@{BEFORE}"].name == "Post, before"
    assert post.hidden_fields == ("pics",)
    assert post.field_roles.creator_id == "author"
    assert post.field_roles.created_at is None
    assert [field.name for field in post.fields][-1] == "Größe 日本"
    assert here[Kind.ITEM_TYPE]["user"].is_default_user_type
    assert "is left out" in reasons(report, "item-type", "map")
    policies = here[Kind.POLICY]
    assert policies["hate"].policy_type == "HARRASSMENT"
    assert policies["a-child"].parent_id == "hate"
    assert policies["a-child"].user_strike_count == 0
    assert [policies[one].parent_id for one in ("ring1", "ring2")].count(None) == 1
    action: Action = here[Kind.ACTION]["remove"]
    assert [one.name for one in action.parameters] == ["days", "how"]
    assert action.parameters[0].default_value is None
    assert not action.parameters[1].required
    assert action.item_type_ids == ("post",)
    banks = here[Kind.TEXT_BANK]
    assert banks["words"].strings == ("spam", "Ünfug")
    assert banks["patterns"].strings == ("fr[e3]+",)
    assert "(?=look)ahead" in [one.source for one in report.cannot]
    assert banks["words2"].name == "Words (words2)"
    parts = [here[Kind.BANK_CHUNK][one] for one in banks["big"].chunk_ids]
    assert sum(len(one.strings) for one in parts) == BIG
    assert [one.id for one in here[Kind.LOCATION_BANK]["places"].locations] == ["l1", "l2", "l4"]
    assert here[Kind.HASH_BANK]["7"].hma_name == "COOP_X_KNOWN"
    assert here[Kind.NCMEC_SETTINGS]["settings"].minimum_media == 4
    assert not here[Kind.NCMEC_SETTINGS]["settings"].enabled
    assert here[Kind.INTEGRATION]["ZENTROPI"].config["labelerVersions"][0]["id"] == "v1"
    settings: OrgSettings = here[Kind.SETTINGS]["settings"]
    assert settings.website_url == "https://acme.test"
    assert not settings.allow_multiple_policies_per_action
    assert not settings.preview_jobs_view_enabled
    assert settings.ncmec_queue_id == "main"
    assert [one.threshold for one in settings.user_strike_thresholds] == [3]
    assert settings.user_strike_thresholds[0].action_ids == ("warn",)
    assert here[Kind.IDENTITY_PROVIDER][f"saml-{ACME}"].sso_url == "https://idp.example/sso"


async def test_queues_are_open_to_those_who_had_them(moving: Moving) -> None:
    """A queue without users stays closed, each class has one default."""
    await (await moving.mover(ACME)).apply()
    queues = (await documents(moving.here))[Kind.QUEUE]
    assert not any(one.open_to_everyone for one in queues.values())
    assert queues["main"].reviewer_ids == ("bo",)
    assert queues["closed"].reviewer_ids == ()
    assert queues["main"].hidden_action_ids == ("warn",)
    assert queues["main-a"].name == "Main (appeals)"
    assert queues["main-a"].is_default_queue
    assert not queues["main-a"].auto_close_jobs
    assert queues["clearing"].clear_reports_trigger_action_ids == ("remove",)


async def test_people_have_no_password_and_all_else(moving: Moving) -> None:
    """Ids, roles, states, favourites and veils stay; who differs in case alone is told."""
    report = await (await moving.mover(ACME)).apply()
    found = await people(moving.here)
    assert {one: row.status for one, row in found.items()} == {
        "ada": "ACTIVE",
        "bo": "ACTIVE",
        "cy": "ACTIVE",
        "dee": "PENDING",
        "eve": "REJECTED",
    }
    assert {row.password_hash for row in found.values()} == {None}
    assert found["ada"].name == "Ada Löwe"
    assert found["bo"].wellness["blurLevel"] == 6
    assert found["cy"].wellness is None
    assert "merge them" in reasons(report, "user", "ada2")
    roles = (await documents(moving.here))[Kind.ROLE]
    assert set(roles["ADMIN"].permissions) >= {"MANAGE_USERS", "ERASE_END_USERS"}
    assert roles["ANALYST"].permissions == ()
    async with transaction(moving.here.engine) as connection:
        marked = await connection.scalars(text("SELECT queue_id FROM review.queue_favourites"))
        assert list(marked) == ["main"]


async def test_what_was_changed_here_is_left(moving: Moving) -> None:
    """Until it is said that Coop's wins; what only we know of a document stays in any case."""
    await (await moving.mover(ACME)).apply()
    here = await documents(moving.here)
    async with transaction(moving.here.engine) as connection:
        configuration = await lock(
            connection, ACME, author="ada", clock=moving.here.clock, checks=moving.here.checks
        )
        queue = msgspec.structs.replace(here[Kind.QUEUE]["main"], target_minutes=30)
        await configuration.save(Kind.QUEUE, queue)
        policy = msgspec.structs.replace(here[Kind.POLICY]["hate"], policy_text="ours")
        await configuration.save(Kind.POLICY, policy)
        await configuration.delete(Kind.TEXT_BANK, "empty")
    report = await (await moving.mover(ACME)).apply()
    assert report.changed == 0, report.changes
    assert {(one.kind, one.id) for one in report.changes if one.deed == "LEFT"} == {
        ("policy", "hate"),
        ("text-bank", "empty"),
    }
    assert "policyText" in reasons(report, "policy", "hate")
    report = await (await moving.mover(ACME, overwrite=True)).apply()
    assert report.changed == 1, report.changes
    here = await documents(moving.here)
    assert here[Kind.POLICY]["hate"].policy_text == "Be *kind*: 🙂"
    assert here[Kind.QUEUE]["main"].target_minutes == 30
    assert "empty" not in here[Kind.TEXT_BANK]


async def test_what_changed_in_coop_is_changed(moving: Moving) -> None:
    """And nothing else: a rule, a bank that is kept in parts, an item type with a new version."""
    await (await moving.mover(ACME)).apply()
    moving.coop("UPDATE rules SET name = 'Spam, renamed' WHERE id = 'spam'")
    moving.coop("UPDATE text_banks SET strings = strings || 'one more'::varchar WHERE id = 'big'")
    later = "2026-08-01T00:00:00.000001Z"
    moving.coop(
        "INSERT INTO item_types_history SELECT (jsonb_populate_record("
        "null::item_types_history, to_jsonb(t))).* FROM item_types t WHERE id = 'post'"
    )
    moving.coop(
        "UPDATE item_types SET name = 'Post, later', sys_period = tstzrange(%s, null)"
        " WHERE id = 'post'",
        later,
    )
    report = await (await moving.mover(ACME)).apply()
    changes = [one for one in report.changes if one.deed != "REFUSED"]
    assert {(one.kind, one.id): one.fields for one in changes} == {
        ("rule", "spam"): ("name",),
        ("text-bank", "big"): ("strings",),
        ("item-type", "post"): ("name",),
        ("rule", "field"): ("description",),  # its reason names the type
    }
    here = await documents(moving.here)
    assert here[Kind.ITEM_TYPE]["post"].version == later
    assert here[Kind.ITEM_TYPE_VERSION].keys() >= {f"post@{one}" for one in (BEFORE, SINCE, later)}


async def test_an_organisation_with_next_to_nothing(moving: Moving) -> None:
    """No settings, no key, no default queue: Coop's defaults, new keys, and a default."""
    report = await (await moving.mover(SMALL)).apply()
    here = await documents(moving.here, SMALL)
    assert here[Kind.QUEUE]["only"].is_default_queue
    assert {one.scheme for one in here[Kind.WEBHOOK_KEY].values()} == {
        "RSA_SHA256",
        "STANDARD_WEBHOOKS",
    }
    assert not here[Kind.SETTINGS]["settings"].allow_multiple_policies_per_action
    assert here[Kind.SETTINGS]["settings"].website_url is None
    assert "no signing key" in reasons(report, "webhook-key", f"rsa-{SMALL}")
    assert (await (await moving.mover(SMALL)).apply()).changed == 0
