"""What review-api counts, beside what every service counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

LOGINS = Counter("coop_review_logins_total", "Logins by outcome.", ["outcome"])
CONFIG_CHANGES = Counter(
    "coop_review_config_changes_total", "Configuration documents saved or deleted.", ["kind"]
)
BULK_ITEMS = Counter("coop_review_bulk_items_total", "Items that bulk actions were carried out on.")
UNDONE = Counter("coop_review_decisions_undone_total", "Decisions taken back within the window.")
RELEASED = Counter(
    "coop_review_decisions_released_total", "Held decisions whose undo window ended and that left."
)
WITHHELD = Counter(
    "coop_review_withheld_released_total",
    "Decisions that report to NCMEC whose actions left: once the evidence was `held`, or `late`, "
    "because the wait for it was over.",
    ["outcome"],
)
CSP_REPORTS = Counter(
    "coop_review_csp_reports_total",
    "Reports of browsers that a page was kept from something, by the directive.",
    ["directive"],
)
DECISIONS = Counter("coop_review_decisions_total", "Components of decisions made.", ["type"])
PROJECTED = Counter(
    "coop_review_projected_total", "Events recorded by the projector, by what they are.", ["kind"]
)
HISTORY_VERSIONS = Counter(
    "coop_review_history_versions_total",
    "Versions of items written to the history, those that were there too, by what brought them.",
    ["source"],
)
HISTORY_MARKS = Counter(
    "coop_review_history_marks_total",
    "Times that something done about an item was noted, by what it was.",
    ["reason"],
)
HISTORY_KEPT = Counter(
    "coop_review_history_kept_total", "Versions that were kept beyond the retention."
)
LOG_HEADS = Counter("coop_review_log_heads_total", "Log heads put into the outbox.")
REPEATED = Counter(
    "coop_review_config_repeated_total",
    "Documents published again because the config topic lacked them.",
)
RESTATED = Counter(
    "coop_review_config_restated_total",
    "Documents restated because the config topic was ahead of the log.",
)
UNKNOWN_ORGS = Level(
    "coop_review_unknown_orgs",
    "Organisations on the config topic that the log does not know.",
    measured=True,
    gone="counted anew when the head of the log is stated",
)
ALARMS = Counter("coop_review_alarms_total", "Alarms that people were told of.", ["kind"])
MAILS = Counter(
    "coop_review_mails_total",
    "Attempts to send a mail, by outcome: sent, retried, dead.",
    ["outcome"],
)
JOBS_PAST_DEADLINE = Level(
    "coop_review_jobs_past_deadline",
    "Pending jobs that are past what their queue, or a policy, promised.",
    measured=True,
    gone="counted anew every minute",
)
PAST_DEADLINE_SECONDS = Level(
    "coop_review_past_deadline_seconds",
    "For how long the oldest of those jobs has been past its deadline; 0 where there is none.",
    measured=True,
    gone="measured anew every minute",
)
MAILS_PENDING = Level(
    "coop_review_mails_pending",
    "Mails that wait to be sent.",
    measured=True,
    gone="counted anew every few seconds; no sample where no mail server is set",
)
MAIL_OUTAGES = Counter(
    "coop_review_mail_outages_total", "Times that the mail server or the queue did not answer."
)
ANCHORS = Counter("coop_review_audit_anchors_total", "Heads of audit chains that were anchored.")
AUTOMATED = Counter(
    "coop_review_automated_jobs_total",
    "Jobs closed by an automation, or moved out of a removed queue.",
    ["kind"],
)
AUTOMATION_FAILURES = Counter(
    "coop_review_automation_failures_total", "Batches of automations that failed.", ["kind"]
)
PARTIAL_ITEMS = Counter(
    "coop_review_partial_items_total",
    "Questions to platforms about items, by outcome: known, unknown, failed.",
    ["outcome"],
)
EXPORT_BATCHES = Counter(
    "coop_review_export_batches_total", "Pieces of decision-log exports that were written."
)
LIVE_STREAMS = Level(
    "coop_review_live_streams",
    "Pages that are told of changes as they happen.",
    together="sum",
    gone="a stream that ended is taken off, however it ended",
)
LIVE_ENDED = Counter(
    "coop_review_live_ended_total",
    "Streams that ended, by why: left, session, replaced, slow, stopped, fault.",
    ["reason"],
)
LIVE_POLL = Histogram(
    "coop_review_live_poll_seconds", "Time of the one query that all streams of a process share."
)
MEDIA_REVEALS = Counter(
    "coop_review_media_reveals_total",
    "Times that somebody chose to see a medium, by stage.",
    ["stage"],
)
MEDIA_KEPT_BYTES = Level(
    "coop_review_media_kept_bytes",
    "Bytes of veiled derivatives in the object store.",
    measured=True,
    gone="counted anew every minute",
)
ERASED_USERS = Counter("coop_review_erased_users_total", "End users whose erasure was finished.")
ERASED_ITEMS = Counter(
    "coop_review_erased_items_total", "Items that erasures went through, each round counted."
)
FADED = Counter(
    "coop_review_faded_total",
    "Rows that went or were emptied because their organisation's days for them were over, by their"
    " table.",
    ["table"],
)
ERASURE_AGE = Level(
    "coop_review_erasure_age_seconds",
    "Age of the oldest erasure that is not finished; 0 where there is none.",
    measured=True,
    gone="measured anew every few seconds",
)
