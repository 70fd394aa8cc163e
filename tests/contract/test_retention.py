"""Everything that is stored is in the registry of what is kept (`coop_contracts.stored`).

Whoever adds a table, a topic or a family of keys says there what it holds, for how long, what ends
it, and what an erasure does to it; then `make contracts` writes docs/retention.md.
"""

from __future__ import annotations

import importlib
import re
from fnmatch import fnmatchcase
from pathlib import Path

import psycopg
import pytest

from coop_contracts.stored import PLACES, StoredKind, stored_in, topics_stored
from coop_contracts.topic import all_topics
from coop_local.testing import Databases
from coop_runtime.database.engine import bootstrap, migrate
from tests import retention_catalogue
from tests.contract.test_migration import OWNERS, PASSWORDS, SCHEMAS, Schema, owner_url

ROOT = Path(__file__).resolve().parents[2]
KINDS = [(place, kind) for place in PLACES for kind in stored_in(place)]
each_kind = pytest.mark.parametrize(
    "kind", [kind for _, kind in KINDS], ids=[f"{place}.{kind.name}" for place, kind in KINDS]
)
each_schema = pytest.mark.parametrize("schema", SCHEMAS, ids=[one.name for one in SCHEMAS])

# A key in the code: a text that begins with a prefix of ours; what is in braces is any text.
_KEY = re.compile(r"""["`]((?:coop|ingest):[^"`\s]+)["`\s]""")
_BRACES = re.compile(r"\{\{\{.*?\}\}\}|\{[^{}]*\}|<[^<>]*>")
_ENGINES = {"Kafka", "Redis"}

_REVIEW, _DISPATCH = "services/review-api/tests", "services/action-dispatcher/tests"
PROVEN_BY = {
    "coop_ncmec_reporter.filed_note:FiledNotes": (
        "services/ncmec-reporter/tests/test_restored.py::test_notes_of_long_ago_go",
    ),
    "coop_hma_bridge.keeper:EntryKeeper": (
        "services/hma-bridge/tests/test_bank.py::test_marks_of_what_was_removed_go_after_a_week",
    ),
    "coop_hma_bridge.exchange_keeper:ExchangeKeeper": (
        "services/hma-bridge/tests/test_exchange.py::test_a_removed_one_matches_nothing_and_goes",
    ),
    "coop_hma_bridge.keeper:SeenKeeper": (
        "services/hma-bridge/tests/test_seen.py::test_days_go_whole",
    ),
    "coop_action_dispatcher.lease:Leases": (
        f"{_DISPATCH}/test_store.py::test_owners_of_long_ago_are_forgotten",
    ),
    "coop_action_dispatcher.retention:prune": (
        f"{_DISPATCH}/test_redelivery.py::test_what_ended_long_ago_goes",
        f"{_DISPATCH}/test_redelivery.py::test_old_statistics_go",
    ),
    "coop_action_dispatcher.strike_keeper:StrikeKeeper": (
        f"{_DISPATCH}/test_strike_store.py::"
        "test_long_expired_strikes_are_forgotten_and_a_replay_of_them_is_harmless",
        f"{_DISPATCH}/test_strike_store.py::test_users_of_whom_nothing_is_left_are_forgotten",
    ),
    "coop_queues.order:OrderIndex": (
        "libs/queues/tests/test_claim.py::test_a_moved_job_goes_on_with_its_history_and_its_turn",
    ),
    "coop_queues.retention:ClaimRetention": (
        "libs/queues/tests/test_retention.py::test_old_claims_and_past_skips_go",
        "libs/queues/tests/test_retention.py::test_keepings_go_as_claims_do",
        "libs/queues/tests/test_erase.py::test_a_tomb_lasts_longer_than_the_topics",
    ),
    "coop_ncmec_reporter.destroyer:Destroyer": (
        "services/ncmec-reporter/tests/test_destruction.py::test_two_people_destroy_it_for_good",
    ),
    "coop_ncmec_reporter.destruction:confirm": (
        "services/ncmec-reporter/tests/test_destruction.py::test_two_people_destroy_it_for_good",
    ),
    "coop_ncmec_reporter.orphan:OrphanSweep": (
        "services/ncmec-reporter/tests/test_orphan.py::test_a_file_without_a_row_goes_after_a_week",
    ),
    "coop_review_api.backtest.request:BacktestLimits": (
        f"{_REVIEW}/backtest/test_backtest.py::test_too_many_at_once_are_refused",
    ),
    "coop_review_api.configuration.place:forget": (
        f"{_REVIEW}/signal/test_place.py::test_what_no_bank_names_is_not_asked_for",
    ),
    "coop_review_api.erasure.worker:ErasureWorker": (
        f"{_REVIEW}/erasure/test_erasure.py::test_nothing_of_a_user_is_left",
    ),
    "coop_review_api.export.worker:Exporter": (
        f"{_REVIEW}/export/test_export.py::test_a_file_goes_after_a_day",
    ),
    "coop_review_api.history.retention:HistoryKeeper": (
        f"{_REVIEW}/history/test_history_retention.py::"
        "test_what_is_old_goes_and_what_was_done_about_stays",
    ),
    "coop_review_api.kernel.ending:EndingKeeper": (
        f"{_REVIEW}/process/test_ending.py::test_old_rows_go_and_young_ones_stay",
    ),
    "coop_review_api.media.keeper:MediaKeeper": (
        f"{_REVIEW}/media/test_keeping.py::test_what_nobody_looks_at_goes",
        f"{_REVIEW}/media/test_keeping.py::test_the_store_is_kept_to_its_size",
    ),
    "coop_review_api.notification.keeper:NotificationPruner": (
        f"{_REVIEW}/notification/test_notification.py::test_old_notifications_go",
        f"{_REVIEW}/notification/test_mail.py::test_sent_mails_are_deleted_after_a_month",
        f"{_REVIEW}/delivery/test_strike_api.py::test_old_changes_go",
    ),
    "coop_review_api.projection.retention:RetentionKeeper": (
        f"{_REVIEW}/projection/test_projection.py::test_what_is_too_old_goes_with_its_partition",
    ),
    "coop_review_api.review.hold:Releaser": (
        f"{_REVIEW}/enforcement/test_enforcement.py::"
        "test_an_undone_decision_was_never_sent_and_its_job_goes_on",
    ),
    "coop_review_api.review.withholding:WithheldKeeper": (
        f"{_REVIEW}/review/test_withholding.py::"
        "test_what_waited_for_too_long_leaves_and_people_are_told",
    ),
    "coop_review_api.configuration.fading:FadingKeeper": (
        f"{_REVIEW}/process/test_fading.py::test_what_people_wrote_goes_and_decisions_stay",
        f"{_REVIEW}/process/test_fading.py::test_items_go_when_nothing_was_done_for_so_long",
        f"{_REVIEW}/process/test_fading.py::test_words_of_second_reviews_and_golden_items_go",
        f"{_REVIEW}/review/test_spent_job.py::test_what_old_jobs_say_goes_and_young_ones_stay",
    ),
    "coop_review_api.tally.keeper:TallyKeeper": (
        f"{_REVIEW}/tally/test_tally.py::test_what_is_older_than_two_years_goes",
    ),
    "coop_runtime.database.outbox:Relay": (
        "libs/runtime/tests/test_outbox.py::test_what_is_committed_is_published_as_it_was",
    ),
}
"""By what ends a kind of data: the tests that see it end."""


@pytest.fixture(scope="module")
def database(databases: Databases) -> str:
    """A superuser's URL of a database with every schema as the migrations make it."""
    url = databases.make()
    bootstrap(url, PASSWORDS | OWNERS)
    for schema in SCHEMAS:
        migrate(
            owner_url(url, schema.role),
            script_location=f"{schema.package}:migrations",
            schema=schema.name,
        )
    return url


@pytest.mark.engines
@each_schema
def test_every_table_is_in_the_registry(database: str, schema: Schema) -> None:
    """The tables of the migrated database are those that the registry names, and no others."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace"
            " AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
            (schema.name,),
        ).fetchall()
    named = [kind.name for kind in stored_in(schema.name)]
    assert [name for (name,) in tables] == sorted(named), (
        f"say in libs/contracts/src/coop_contracts/retention/{schema.name}.yaml how long it is kept"
    )


@pytest.mark.engines
def test_there_is_no_other_schema(database: str) -> None:
    """A schema of tomorrow is a place of the registry."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'"
        ).fetchall()
    assert {name for (name,) in found} == {schema.name for schema in SCHEMAS}


def test_every_topic_is_in_the_registry() -> None:
    """Each topic has its row, with its days."""
    assert [kind.name for kind in topics_stored()] == [topic.topic for topic in all_topics()]


def test_every_family_of_keys_is_in_the_registry() -> None:
    """What the code names a key of Redis by is covered by a pattern, and each pattern is used."""
    patterns = [kind.name for kind in stored_in("redis")]
    unknown: dict[str, Path] = {}
    used: set[str] = set()
    for path in sorted(ROOT.glob("*/*/src/**/*")):
        if path.suffix not in (".py", ".lua"):
            continue
        for found in _KEY.findall(path.read_text(encoding="utf-8")):
            key = _BRACES.sub("x", found)
            key = key + "x" if key.endswith(":") else key
            covering = {one for one in patterns if fnmatchcase(key, one)}
            used |= covering
            if not covering:
                unknown[found] = path.relative_to(ROOT)
    assert unknown == {}
    assert used == set(patterns)


@each_kind
def test_a_kind_says_what_ends_it(kind: StoredKind) -> None:
    """Either something ends it, which is there to be imported, or it is said why nothing does."""
    if kind.by is None:
        assert kind.note
        return
    if kind.by in _ENGINES:
        return
    module, _, name = kind.by.partition(":")
    assert hasattr(importlib.import_module(module), name), kind.by


def test_what_ends_is_proven_to_end() -> None:
    """Each job that the registry names has tests, which plant what is old and what is young, and
    see the old go; they are there, by this name."""
    jobs = {kind.by for _, kind in KINDS if kind.by is not None} - _ENGINES
    assert set(PROVEN_BY) == jobs
    for proofs in PROVEN_BY.values():
        for proof in proofs:
            path, _, name = proof.partition("::")
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE), proof


@each_kind
def test_a_kind_says_what_an_erasure_does(kind: StoredKind) -> None:
    """What can hold an end user's data says what becomes of it; what stays says why."""
    assert (kind.about == "END_USER") == (kind.erased != "NOTHING")
    assert kind.erased != "STAYS" or kind.note


def test_the_document_is_what_the_registry_says() -> None:
    """docs/retention.md has today's tables: `make contracts` writes them."""
    document = retention_catalogue.PATH.read_text(encoding="utf-8")
    assert document == retention_catalogue.text()
