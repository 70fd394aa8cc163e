"""The queue store, as services use it.

    placing    place, place_many            in the caller's transaction
    claiming   Claims.claim, claim_job      in a transaction of its own
               lease_job, continued         in the caller's transaction
    leases     extend, release, skip,
               withhold                     in the caller's transaction, under a lease token
               release_all                  in the caller's transaction, all of a reviewer's
    keeping    keep, unkeep                 in the caller's transaction, for a person or an answer
    deciding   close, move                  in the caller's transaction, under a lease token
    moving     requeue                      in the caller's transaction, a job nobody holds
    undoing    reopen                       in the caller's transaction, a closed job
    sweeping   contents, closable, closable_count, held_count, close_free, end_leases, move_batch
                                            in the caller's transaction, many jobs (`sweep`)
    scrubbing  affected, scrub              in the caller's transaction, a reporter's reports
    marking    mark_child_safety            in the caller's transaction
    erasing    key_authors, made_by, grave_among, entomb, close_about, empty_about, empty_by
                                            in the caller's transaction, of an end user
    reading    get_job, get_summary, load_job, jobs_of_item, pending_page, pending_counts,
               pending_up_to, pending_by_organisation, held, held_since, assigned, kept_for,
               keepings_of, open_keepings, newest_items, skipped_until
    upkeep     Reconciler, Ranker, Keeper   tasks of routing
    ending     RECORDS                      what there is of an organisation: counted, removed

Guarantees: the organisation comes first everywhere and scopes everything: another's ids are not
found. What changes rows answers with `changes`; after the commit they go to `OrderIndex.apply`.
Must not: be passed by. Nobody else writes the schema `queues`; who reads it in a statement of
their own does so through `reading`. Beside these two only `job`, `error`, `ranking` and
`migrations` are imported from outside; an import contract sees to it.
"""

from __future__ import annotations

from coop_queues.child_safety import mark_child_safety
from coop_queues.claim import DEFAULT_LEASE, Claims, continued, lease_job
from coop_queues.close import MOVED, REOPENED, close, move, reopen, requeue
from coop_queues.erase import (
    ERASED,
    close_about,
    empty_about,
    empty_by,
    entomb,
    grave_among,
    key_authors,
    made_by,
)
from coop_queues.holding import held, held_since, release_all
from coop_queues.invalidate import affected, scrub
from coop_queues.keeping import keep, keepings_of, kept_for, open_keepings, unkeep
from coop_queues.lease import DEFAULT_SKIP, extend, new_token, release, skip, withhold
from coop_queues.lookup import (
    get_job,
    get_summary,
    items_in,
    jobs_of_item,
    load_job,
    newest_items,
    pending_by_organisation,
    pending_counts,
    pending_page,
    pending_up_to,
    skipped_until,
)
from coop_queues.order import OrderIndex, client_of
from coop_queues.org_record import RECORDS
from coop_queues.past import PastJob, keep_past
from coop_queues.place import place, place_many
from coop_queues.ranking import Ranking
from coop_queues.rerank import Ranker
from coop_queues.retention import ClaimRetention
from coop_queues.spent import empty_spent, spent_jobs
from coop_queues.sweep import (
    SweepScope,
    closable,
    closable_count,
    close_free,
    contents,
    end_leases,
    held_count,
    move_batch,
)
from coop_queues.sync import Reconciler
from coop_queues.taking import assigned

__all__ = [
    "DEFAULT_LEASE",
    "DEFAULT_SKIP",
    "ERASED",
    "MOVED",
    "RECORDS",
    "REOPENED",
    "ClaimRetention",
    "Claims",
    "OrderIndex",
    "PastJob",
    "Ranker",
    "Ranking",
    "Reconciler",
    "SweepScope",
    "affected",
    "assigned",
    "client_of",
    "closable",
    "closable_count",
    "close",
    "close_about",
    "close_free",
    "contents",
    "continued",
    "empty_about",
    "empty_by",
    "empty_spent",
    "end_leases",
    "entomb",
    "extend",
    "get_job",
    "get_summary",
    "grave_among",
    "held",
    "held_count",
    "held_since",
    "items_in",
    "jobs_of_item",
    "keep",
    "keep_past",
    "keepings_of",
    "kept_for",
    "key_authors",
    "lease_job",
    "load_job",
    "made_by",
    "mark_child_safety",
    "move",
    "move_batch",
    "new_token",
    "newest_items",
    "open_keepings",
    "pending_by_organisation",
    "pending_counts",
    "pending_page",
    "pending_up_to",
    "place",
    "place_many",
    "release",
    "release_all",
    "reopen",
    "requeue",
    "scrub",
    "skip",
    "skipped_until",
    "spent_jobs",
    "unkeep",
    "withhold",
]
