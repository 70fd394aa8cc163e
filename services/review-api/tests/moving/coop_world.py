"""A database in Coop's form with three organisations: one with a document of every kind and what is
odd about them, one of which nothing may arrive, one that has next to nothing.

Guarantees: every value that could be taken for another is there once (`SECRETS`), so that a test
can look for it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from psycopg import sql
from psycopg.types.json import Jsonb

ACME, OTHER, SMALL = "0123456789a", "bbbbbbbbbbb", "ccccccccccc"
OLD_KEY = "5" * 63 + "a"
"""The API key that Acme's platform has."""

SECRETS = {
    "callback header": "s3cret-of-the-callback",
    "appeal header": "s3cret-of-appeals",
    "partial items header": "s3cret-of-partial-items",
    "account": "s3cret-of-openai",
    "zentropi": "s3cret-of-zentropi",
    "ncmec": "s3cret-of-ncmec",
}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SINCE = "2026-07-01T10:00:00.123456Z"
BEFORE = "2026-05-01T08:00:00.000001Z"
BIG = 40_000  # entries of a bank that is kept in parts

_SCHEMA = (Path(__file__).parent / "coop_schema.sql").read_text(encoding="utf-8")


def prepare(admin_url: str) -> None:
    """Makes the schema and the three organisations."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute(_SCHEMA)
        world = _World(connection)
        world.acme()
        world.other()
        world.small()


def field(name: str, kind: str = "STRING", *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": required, "container": None}


def pictures(name: str) -> dict[str, Any]:
    container = {"containerType": "ARRAY", "keyScalarType": None, "valueScalarType": "IMAGE"}
    return {"name": name, "type": "ARRAY", "required": False, "container": container}


def leaf(signal: str, **more: Any) -> dict[str, Any]:
    """A condition on `text` of the type `post`, as Coop stores one: with nulls."""
    return {
        "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"},
        "signal": {
            "id": f'{{"type":"{signal}"}}',
            "type": signal,
            "name": None,
            "subcategory": None,
            "args": None,
        },
        "comparator": "EQUALS",
        "threshold": "true",
        "matchingValues": None,
        **more,
    }


def conditions(*leaves: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": list(leaves)}


CONTAINS = "TEXT_MATCHING_CONTAINS_TEXT"
SPAM = conditions(leaf(CONTAINS, matchingValues={"strings": ["free money", ""], "textBankIds": []}))


class _World:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def put(self, table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            schema, _, name = table.rpartition(".")
            values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
            query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(schema or "public", name),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join([sql.Placeholder()] * len(row)),
            )
            self._connection.execute(query, values)

    def acme(self) -> None:
        self._organisation()
        self._people()
        self._item_types()
        self._policies()
        self._actions()
        self._banks()
        self._queues()
        self._rules()
        self._routing()
        self._accounts()
        self._history()

    def _organisation(self) -> None:
        self.put(
            "orgs",
            {
                "id": ACME,
                "email": "Ops@Acme.example",
                "name": "Acme ünï",
                "website_url": "acme.test",
            },
        )
        self.put(
            "org_settings",
            {
                "org_id": ACME,
                "partial_items_endpoint": "https://platform.example/items",
                "partial_items_request_headers": {"Authorization": SECRETS["partial items header"]},
                "has_reporting_rules_enabled": True,
                "has_appeals_enabled": True,
                "appeal_callback_url": "https://platform.example/appeals",
                "appeal_callback_headers": {"X-Key": SECRETS["appeal header"]},
                "appeal_callback_body": {"tenant": "acme"},
                "user_strike_ttl_days": 30,
                "saml_enabled": True,
                "sso_url": "https://idp.example/sso",
                "cert": CERTIFICATE,
            },
        )
        self.put(
            "manual_review_tool.manual_review_tool_settings",
            {
                "org_id": ACME,
                "requires_policy_for_decisions": True,
                "mrt_requires_decision_reason_on_action": True,
                "ignore_callback_url": "ftp://platform.example/ignored",
            },
        )
        self.put(
            "user_management_service.org_default_user_interface_settings",
            {"org_id": ACME, "moderator_safety_sepia": True, "moderator_safety_blur_level": 5},
        )
        self.put(
            "user_strike_thresholds",
            {
                "org_id": ACME,
                "threshold": 3,
                "actions": ["warn", "gone"],
                "action_parameters": {"warn": {"days": 3}},
            },
            {"org_id": ACME, "threshold": 5, "actions": ["remove"]},  # not for users
            {"org_id": ACME, "threshold": 9, "actions": []},
        )

    def _people(self) -> None:
        def person(name: str, **more: Any) -> dict[str, Any]:
            return {
                "id": name,
                "org_id": ACME,
                "email": f"{name}@acme.example",
                "first_name": name.title(),
                "last_name": "Löwe",
                "password": "$2a$05$" + "x" * 53,
                "role": "MODERATOR",
                "approved_by_admin": True,
                **more,
            }

        self.put(
            "users",
            person("ada", role="ADMIN"),
            person("bo"),
            person("cy", login_methods=["saml"], password=None, role="CHILD_SAFETY_MODERATOR"),
            person("dee", approved_by_admin=False),
            person("eve", rejected_by_admin=True),
            person("ada2", email="ADA@acme.example"),  # differs in case alone
            person("flo", role="JANITOR"),
            person("gus", email="no address"),
        )
        role_id = "00000000-0000-0000-0000-00000000000{}"
        self.put(
            "roles",
            {
                "id": role_id.format(1),
                "org_id": ACME,
                "key": "ADMIN",
                "display_name": "Chief",
            },
            {
                "id": role_id.format(2),
                "org_id": ACME,
                "key": "ANALYST",
                "display_name": "Analyst",
                "description": "Looks on",  # and may nothing at all
            },
        )
        held = ["MANAGE_ORG", "VIEW_MRT", "EDIT_MRT_QUEUES", "FLY_TO_THE_MOON"]
        held += ["VIEW_RULES_DASHBOARD", "MUTATE_NON_LIVE_RULES", "MUTATE_LIVE_RULES"]
        for permission in [*held, "MANAGE_USERS", "MANAGE_ROLES"]:
            self.put("role_permissions", {"role_id": role_id.format(1), "permission": permission})
        self.put(
            "user_management_service.user_interface_settings",
            {
                "user_id": "bo",
                "moderator_safety_grayscale": False,
                "moderator_safety_blur_level": 6,
                "mrt_chart_configurations": [Jsonb({"title": "mine", "metric": "JOBS"})],
            },
        )

    def _item_types(self) -> None:
        def item_type(type_id: str, kind: str, *fields: Any, **more: Any) -> dict[str, Any]:
            return {
                "id": type_id,
                "org_id": ACME,
                "name": type_id.title(),
                "kind": kind,
                "fields": [Jsonb(one) for one in fields],
                **more,
            }

        self.put(
            "item_types",
            item_type(
                "post",
                "CONTENT",
                field("text", required=True),
                field("author", "RELATED_ITEM"),
                pictures("pics"),
                field("Größe 日本", "NUMBER"),
                creator_id_field="author",
                created_at_field="when",  # is gone
                description=None,
            ),
            item_type(
                "user",
                "USER",
                field("name"),
                name="User",
                is_default_user=True,
                display_name_field="name",
            ),
            item_type("twin", "CONTENT", field("a"), field("a", "NUMBER")),
            item_type(
                "map",
                "CONTENT",
                {
                    "name": "m",
                    "type": "MAP",
                    "required": False,
                    "container": {
                        "containerType": "MAP",
                        "keyScalarType": "RELATED_ITEM",
                        "valueScalarType": "STRING",
                    },
                },
            ),
            item_type("odd", "CONTENT", field("f", "HOLOGRAM")),
        )
        older = item_type("post", "CONTENT", field("text"), name="Post, before")
        gone = item_type("deleted", "THREAD", field("title"))
        for row in (older, gone):
            self.put("item_types_history", {**row, "sys_period": _period(BEFORE, SINCE)})
        self.put(
            "manual_review_tool.manual_review_hidden_item_fields",
            {"org_id": ACME, "item_type_id": "post", "hidden_fields": ["pics", "gone"]},
            {"org_id": ACME, "item_type_id": "deleted", "hidden_fields": ["title"]},
        )

    def _policies(self) -> None:
        def policy(policy_id: str, **more: Any) -> dict[str, Any]:
            return {"id": policy_id, "org_id": ACME, "name": policy_id.title(), **more}

        self.put(
            "policies",
            policy("a-child", parent_id="hate", user_strike_count=0),
            policy(
                "hate",
                policy_type="HARRASSMENT",
                policy_text="Be *kind*: 🙂",
                user_strike_count=2,
                apply_user_strike_count_config_to_children=True,
                penalty="HIGH",
            ),
            policy("orphan", parent_id="nobody"),
            policy("ring1", parent_id="ring2"),
            policy("ring2", parent_id="ring1"),
            policy("long", policy_text="x" * 1_000_000),  # more than a document may have
        )

    def _actions(self) -> None:
        def action(action_id: str, **more: Any) -> dict[str, Any]:
            return {
                "id": action_id,
                "org_id": ACME,
                "name": action_id.title(),
                "action_type": "CUSTOM_ACTION",
                "callback_url": "https://platform.example/act",
                **more,
            }

        built_in = {"callback_url": None}
        days = {
            "name": "days",
            "displayName": "Days",
            "type": "NUMBER",
            "required": True,
            "min": 1,
            "max": 30,
            "defaultValue": 99,  # beyond
            "options": None,
        }
        self.put(
            "actions",
            action(
                "mrt",
                action_type="ENQUEUE_TO_MRT",
                applies_to_all_items_of_kind=["CONTENT", "USER", "THREAD"],
                **built_in,
            ),
            action(
                "author",
                action_type="ENQUEUE_AUTHOR_TO_MRT",
                applies_to_all_items_of_kind=["CONTENT"],
                **built_in,
            ),
            action(
                "ncmec",
                action_type="ENQUEUE_TO_NCMEC",
                applies_to_all_items_of_kind=["CONTENT", "USER"],
                **built_in,
            ),
            action(
                "remove",
                callback_url_headers={
                    "Authorization": SECRETS["callback header"],
                    "Content-Type": "text/plain",
                    "X-Number": 7,
                    "X-Null": None,
                },
                callback_url_body={"reason": "spam", "days": 1},
                custom_mrt_api_params=[
                    Jsonb(days),
                    Jsonb({"name": "nameless"}),
                    Jsonb("not an object"),
                    Jsonb(
                        {
                            "name": "how",
                            "displayName": "How",
                            "type": "SELECT",
                            "required": "yes",
                            "options": [{"value": "soft", "label": "Softly"}],
                        }
                    ),
                ],
            ),
            action(
                "warn",
                applies_to_all_items_of_kind=["USER"],
                apply_user_strikes=True,
                custom_mrt_api_params=[Jsonb({**days, "defaultValue": None})],
            ),
            action("nowhere"),  # applies to nothing
            action("strange", callback_url="not a url", applies_to_all_items_of_kind=["USER"]),
            action("appeal", action_type="REJECT_APPEAL"),
        )
        self.put(
            "actions_and_item_types",
            {"action_id": "remove", "item_type_id": "post"},
            {"action_id": "remove", "item_type_id": "ghost"},
        )

    def _banks(self) -> None:
        def bank(bank_id: str, kind: str, strings: list[Any], **more: Any) -> dict[str, Any]:
            return {
                "id": bank_id,
                "org_id": ACME,
                "name": bank_id.title(),
                "type": kind,
                "strings": strings,
                **more,
            }

        self.put(
            "text_banks",
            bank("words", "STRING", ["spam", "", "spam", "Ünfug", "x" * 1_500]),
            bank("words2", "STRING", ["eggs"], name="Words"),
            bank("patterns", "REGEX", ["fr[e3]+", "(?=look)ahead", "(["]),
            bank("empty", "STRING", []),
            bank("big", "STRING", [f"entry number {number}" for number in range(BIG)]),
        )
        circle = {"center": {"lat": 52.5, "lng": 13.4}, "radius": 2}
        self.put(
            "location_banks",
            {"id": "places", "org_id": ACME, "name": "Places"},
        )
        self.put(
            "location_bank_locations",
            {"id": "l1", "bank_id": "places", "name": None, "geometry": circle},
            {
                "id": "l2",
                "bank_id": "places",
                "name": "Box",
                "geometry": {"center": {"lat": 1, "lng": 1}, "radius": 0},
                "bounds": {
                    "northeastCorner": {"lat": 2, "lng": 2},
                    "southwestCorner": {"lat": 0, "lng": 0},
                },
                "google_place_info": {"id": "abc"},
            },
            {
                "id": "l3",
                "bank_id": "places",
                "name": "Nowhere",
                "geometry": {"center": {"lat": 999, "lng": 1}, "radius": 1},
            },
        )
        self._connection.execute(
            "INSERT INTO location_bank_locations (id, bank_id, geometry, bounds)"
            " VALUES ('l4', 'places', %s, 'null')",
            [Jsonb(circle)],
        )
        self.put(
            "hash_banks",
            {"id": 7, "org_id": ACME, "name": "Known", "hma_name": "COOP_X_KNOWN"},
        )

    def _queues(self) -> None:
        def queue(queue_id: str, **more: Any) -> dict[str, Any]:
            return {"id": queue_id, "org_id": ACME, "name": queue_id.title(), **more}

        self.put(
            "manual_review_tool.manual_review_queues",
            queue("main", is_default_queue=True, auto_close_jobs=True),
            queue("closed"),  # nobody but who edits queues
            queue("main-a", name="Main", is_appeals_queue=True, auto_close_jobs=True),
            queue("clearing", clear_reports_disposition="IGNORE", clear_reports_scope="ALL_QUEUES"),
        )
        pairs = "manual_review_tool."
        self.put(
            pairs + "queues_and_hidden_actions",
            {"queue_id": "main", "action_id": "warn", "org_id": ACME},
            {"queue_id": "main", "action_id": "ghost", "org_id": ACME},
        )
        self.put(
            pairs + "queues_and_clear_reports_trigger_actions",
            {"queue_id": "clearing", "action_id": "remove", "org_id": ACME},
            {"queue_id": "clearing", "action_id": "mrt", "org_id": ACME},
        )
        self.put(
            pairs + "users_and_accessible_queues",
            {"user_id": "bo", "queue_id": "main"},
            {"user_id": "ghost", "queue_id": "main"},
        )
        self.put(
            pairs + "users_and_favorite_mrt_queues",
            {"user_id": "bo", "queue_id": "main", "org_id": ACME},
            {"user_id": "bo", "queue_id": "ghost", "org_id": ACME},
        )

    def _rules(self) -> None:
        def rule(rule_id: str, given: Any, *types: str, **more: Any) -> None:
            row = {
                "id": rule_id,
                "org_id": ACME,
                "name": rule_id.title(),
                "status_if_unexpired": "LIVE",
                "condition_set": given,
                "creator_id": "ada",
                **more,
            }
            self.put("rules", row)
            for type_id in types:
                self.put("rules_and_item_types", {"rule_id": rule_id, "item_type_id": type_id})

        rule("spam", SPAM, "post", tags=["mine"], max_daily_actions=10)
        self.put(
            "rules_and_actions",
            {
                "rule_id": "spam",
                "action_id": "remove",
                "action_parameters": Jsonb({"days": 3}),
            },
        )
        self.put("rules_and_policies", {"rule_id": "spam", "policy_id": "hate"})
        rule("banks", _banked(), "post", status_if_unexpired="BACKGROUND")
        rule(
            "variants",
            conditions(leaf("TEXT_MATCHING_CONTAINS_VARIANT", matchingValues={"strings": ["ass"]})),
            "post",
        )
        regex = "TEXT_MATCHING_CONTAINS_REGEX"
        rule(
            "ahead",
            conditions(leaf(regex, matchingValues={"strings": ["(?=free)money"]})),
            "post",
        )
        rule("custom", conditions(leaf("CUSTOM")), "post", description="mine")
        unknown = {"type": "CONTENT_FIELD", "name": "no such", "contentTypeId": "post"}
        rule("field", conditions(leaf(CONTAINS, input=unknown)), "post")
        rule("people", conditions(), rule_type="USER")
        rule("null", None, "post")
        rule("needs", SPAM, "post", status_if_unexpired="DRAFT")
        self.put("rules_and_actions", {"rule_id": "needs", "action_id": "nowhere"})
        rule("past", _bare(), "post", expiration_time="2020-01-01T00:00:00Z")
        rule("endless", SPAM, "post", expiration_time="infinity", status_if_unexpired="ARCHIVED")
        self.put(
            "reporting_rules.reporting_rules",
            {
                "id": "reports",
                "org_id": ACME,
                "name": "Reports",
                "status": "LIVE",
                "condition_set": SPAM,
            },
        )

    def _routing(self) -> None:
        def routed(table: str, rule_id: str, number: int, queue: str, **more: Any) -> None:
            row = {
                "id": rule_id,
                "org_id": ACME,
                "name": "Route",
                "sequence_number": number,
                "condition_set": SPAM,
                "destination_queue_id": queue,
                **more,
            }
            self.put(f"manual_review_tool.{table}", row)
            key = table.removesuffix("s") + "_id"
            pair = {key: rule_id, "item_type_id": "post"}
            self.put(f"manual_review_tool.{table}_to_item_types", pair)

        routed("routing_rules", "r0", 0, "clearing")
        routed("routing_rules", "r7", 7, "main-a", name="To appeals")  # of the other class
        routed("appeals_routing_rules", "a1", 1, "main-a")
        pair = {"routing_rule_id": "r0", "item_type_id": "ghost"}
        self.put("manual_review_tool.routing_rules_to_item_types", pair)

    def _accounts(self) -> None:
        key_id = "10000000-0000-4000-8000-00000000000{}"
        hashed = hashlib.sha256(OLD_KEY.encode()).hexdigest()
        retired = hashlib.sha256(b"retired").hexdigest()
        for number, (digest, active) in enumerate(
            ((hashed, True), (retired, False), ("MIGRATION_PLACEHOLDER_1", True))
        ):
            row = {"id": key_id.format(number), "org_id": ACME, "key_hash": digest, "name": "Key"}
            self.put("api_keys", {**row, "is_active": active})
        self.put("signing_keys", {"org_id": ACME, "key_data": _jwk(RSA_KEY)})
        service = "signal_auth_service."
        self.put(service + "open_ai_configs", {"org_id": ACME, "api_key": SECRETS["account"]})
        self.put(service + "google_content_safety_configs", {"org_id": ACME, "api_key": ""})
        self._connection.execute(
            "INSERT INTO signal_auth_service.zentropi_configs VALUES (%s, %s, %s)",
            [ACME, SECRETS["zentropi"], Jsonb('[{"id": "v1", "label": "One"}]')],
        )
        self.put(
            service + "integration_configs",
            {"org_id": ACME, "integration_id": "NOT_INSTALLED", "config": {"token": "hidden"}},
        )
        self.put(
            "ncmec_reporting.ncmec_org_settings",
            {
                "org_id": ACME,
                "username": "acme",
                "password": SECRETS["ncmec"],
                "company_template": "Acme Inc",
                "legal_url": "https://acme.example/legal",
                "contact_email": "safety@acme.example",
                "default_ncmec_queue_id": "main",
                "default_internet_detail_type": "CHAT_IM",
                "contact_person_first_name": "Ada",
                "media_review_requirement": "MINIMUM",
                "min_media_to_review": 4,
                "actions_to_run_upon_report_creation": ["remove"],
            },
        )

    def _history(self) -> None:
        schema = "manual_review_tool."
        self.put(
            schema + "manual_review_decisions",
            {
                "id": "20000000-0000-1000-8000-000000000001",
                "org_id": ACME,
                "job_payload": {"id": "dDE=.cDE="},
                "queue_id": "main",
                "reviewer_id": "",
            },
        )
        self.put(schema + "job_creations", {"id": "dDE+.cDE=", "org_id": ACME, "queue_id": "main"})
        self.put("ncmec_reporting.ncmec_reports", {"report_id": "1", "org_id": ACME})

    def other(self) -> None:
        """Nothing of this may arrive."""
        self.put("orgs", {"id": OTHER, "email": "o@b.example", "name": "Other", "website_url": ""})
        self.put("policies", {"id": "theirs", "org_id": OTHER, "name": "Theirs"})
        self.put("text_banks", {"id": "their-bank", "org_id": OTHER, "name": "T", "strings": []})
        self.put("users", {"id": "zoe", "org_id": OTHER, "email": "zoe@b.example"})
        self.put(
            "manual_review_tool.job_comments", {"id": "c", "org_id": OTHER, "comment_text": "x"}
        )

    def small(self) -> None:
        """No settings, no key, no queue."""
        self.put(
            "orgs", {"id": SMALL, "email": "c@c.example", "name": "Small", "website_url": None}
        )
        self.put(
            "users",
            {
                "id": "sam",
                "org_id": SMALL,
                "email": "sam@c.example",
                "first_name": "Sam",
                "approved_by_admin": True,
            },
        )
        queue = {"id": "only", "org_id": SMALL, "name": "Only"}  # is no default
        self.put("manual_review_tool.manual_review_queues", queue)


def _period(start: str, end: str) -> str:
    return f"[{start},{end})"


def _banked() -> dict[str, Any]:
    """Banks, a derived field with what the client left in it, a signal with a bare id."""
    derived = {
        "type": "CONTENT_COOP_INPUT",
        "name": "All text",
        "contentTypeIds": [],  # of another kind of input
    }
    bare = leaf(CONTAINS, input=derived, matchingValues={"textBankIds": ["words"]})
    bare["signal"] = {"id": CONTAINS, "type": CONTAINS}
    regex = leaf("TEXT_MATCHING_CONTAINS_REGEX", matchingValues={"textBankIds": ["patterns"]})
    return conditions(conditions(bare), conditions(regex))


def _bare() -> dict[str, Any]:
    return conditions(leaf(CONTAINS, matchingValues={"strings": ["old"]}, result=None))


def _jwk(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    numbers = key.private_numbers()
    public = numbers.public_numbers
    shown = {"kty": "RSA", "alg": "RS256", "ext": True, "e": _text(public.e), "n": _text(public.n)}
    secret = {
        "d": _text(numbers.d),
        "p": _text(numbers.p),
        "q": _text(numbers.q),
        "dp": _text(numbers.dmp1),
        "dq": _text(numbers.dmq1),
        "qi": _text(numbers.iqmp),
    }
    return {
        "publicKeyWithAlgorithm": {"key": {**shown, "key_ops": ["verify"]}, "algorithm": {}},
        "privateKeyWithAlgorithm": {"key": {**shown, **secret}, "algorithm": {}},
    }


def _text(number: int) -> str:
    length = (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).decode().rstrip("=")


def _certificate() -> str:
    """Bare base64, as some rows have it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(RSA_KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(RSA_KEY, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


CERTIFICATE = _certificate()
