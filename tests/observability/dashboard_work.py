"""Dashboards on the work: jobs, webhooks, rules, child safety."""

from __future__ import annotations

from .drawing import lines, rate, rates, times
from .panel import Dashboard, Panel, Query, Row

QUEUES = Dashboard(
    "coop-queues",
    "Coop: queues and clocks",
    "Jobs: made, claimed, and whether in time.",
    [
        Row(
            "Clocks",
            [
                lines(
                    "Past their deadline", "max(coop_review_jobs_past_deadline)", "jobs", alarm=1
                ),
                lines("For how long", "max(coop_review_past_deadline_seconds)", "oldest", unit="s"),
                rates("Became overdue", "coop_queue_jobs_overdue_total"),
                times("From acceptance to a job", "coop_routing_seconds"),
            ],
        ),
        Row(
            "Jobs",
            [
                rates("Placed", "coop_routing_routed_total", "source, how"),
                Panel(
                    "New, and joined to one that waits",
                    [
                        Query(rate("coop_routing_jobs_created_total"), "new"),
                        Query(rate("coop_routing_jobs_merged_total"), "joined"),
                    ],
                ),
                lines("Parked", "max(coop_routing_parked_jobs)", "jobs", alarm=1),
                rates("By automations", "coop_review_automated_jobs_total", "kind"),
            ],
        ),
        Row(
            "Claims",
            [
                rates("Claims", "coop_queue_claims_total", "way"),
                times("Time of a claim", "coop_queue_claim_seconds"),
                rates("Ran out", "coop_queue_claims_expired_total"),
                rates("Refused by the row", "coop_queue_offers_refused_total"),
                lines("Redis answers", "min(coop_queue_order_available)", "order"),
                rates("Orders filled", "coop_queue_order_builds_total", "cause"),
            ],
        ),
    ],
)

ENFORCEMENT = Dashboard(
    "coop-enforcement",
    "Coop: enforcement",
    "Webhooks: how many wait, how fast they arrive, what endpoints answer.",
    [
        Row(
            "Deliveries",
            [
                lines("Pending", "max(coop_deliveries_pending)", "deliveries"),
                lines(
                    "Late", "max(coop_deliveries_late_seconds)", "most overdue", unit="s", alarm=60
                ),
                times("From request to 2xx", "coop_delivery_seconds"),
                Panel(
                    "Ends",
                    [
                        Query(rate("coop_deliveries_delivered_total"), "delivered"),
                        Query(rate("coop_deliveries_dead_total"), "dead"),
                    ],
                ),
                rates("Held", "coop_deliveries_held_total", "cause"),
                rates("Repeated", "coop_deliveries_repeated_total"),
            ],
        ),
        Row(
            "Endpoints",
            [
                rates("Attempts", "coop_delivery_attempts_total", "outcome"),
                times("Time of an answer", "coop_delivery_attempt_seconds"),
                Panel(
                    "Not well",
                    [
                        Query("max(coop_endpoints_open)", "fail"),
                        Query("max(coop_endpoints_paused)", "paused"),
                    ],
                ),
                rates("Refused by the guard", "coop_egress_refused_total", "reason"),
            ],
        ),
        Row(
            "The dispatcher",
            [
                lines("Under way", "sum(coop_deliveries_under_way)", "deliveries"),
                times("Time of a pass", "coop_delivery_pass_seconds"),
                rates("Database away", "coop_delivery_store_retries_total", "task"),
                rates("Strikes", "coop_strikes_total", "change"),
            ],
        ),
    ],
)

RULES = Dashboard(
    "coop-rules",
    "Coop: rules",
    "Evaluation, what rules do, and the providers they ask.",
    [
        Row(
            "Evaluation",
            [
                times("From acceptance to the answer", "coop_rules_seconds"),
                times("Time of a batch", "coop_rules_evaluation_seconds"),
                rates("Handed to slower lanes", "coop_rules_deferred_total", "lane"),
                times("Time in slower lanes", "coop_rules_deferred_seconds", "lane"),
                lines(
                    "In slower lanes", "sum by (lane) (coop_rules_deferred_under_way)", "{{lane}}"
                ),
                rates("Waited for", "coop_ingest_sync_total", "outcome"),
            ],
        ),
        Row(
            "What rules do",
            [
                rates("Rules", "coop_rules_outcomes_total", "status, outcome"),
                rates("Effects", "coop_rules_actions_requested_total", "kind"),
                rates("Not carried out", "coop_rules_actions_not_executed_total", "reason"),
                rates("Stopped", "coop_rules_tripped_total", "measure"),
            ],
        ),
        Row(
            "Configuration",
            [
                lines("Not compiled", "max(coop_rules_stale_organisations)", "organisations"),
                times("Time to use a change", "coop_rules_compile_seconds"),
                lines("No longer fit", "max(coop_rules_broken_rules)", "rules"),
                lines("Backtests", "sum(coop_rules_backtests)", "not finished"),
            ],
        ),
        Row(
            "Providers",
            [
                rates("Calls", "coop_signal_calls_total", "provider, outcome"),
                times("Time of a call", "coop_signal_call_seconds", "provider"),
                rates("Answers", "coop_signal_answers_total", "source"),
                lines(
                    "Not called", "max by (provider) (coop_signal_breakers_open)", "{{provider}}"
                ),
            ],
        ),
    ],
)

CHILD_SAFETY = Dashboard(
    "coop-child-safety",
    "Coop: child safety",
    "Media against hash banks, and reports to NCMEC.",
    [
        Row(
            "Reports to NCMEC",
            [
                lines("Open", "max(coop_ncmec_open_reports)", "reports"),
                lines(
                    "Oldest",
                    "max(coop_ncmec_oldest_report_seconds)",
                    "report",
                    unit="s",
                    alarm=3600,
                ),
                lines("Need a person", "max(coop_ncmec_attention_reports)", "reports", alarm=1),
                lines(
                    "Oldest that its platform does not preserve",
                    "max(coop_ncmec_oldest_preservation_seconds)",
                    "age",
                    unit="s",
                    alarm=86_400,
                ),
                rates("What became of them", "coop_ncmec_reports_total", "outcome, environment"),
                rates("Calls", "coop_ncmec_calls_total", "step, outcome"),
                times("Time of a call", "coop_ncmec_call_seconds", "step"),
                rates("Files", "coop_ncmec_files_total", "outcome"),
                rates("Actions that waited", "coop_review_withheld_released_total", "outcome"),
            ],
        ),
        Row(
            "Hash banks",
            [
                rates("Media", "coop_hash_media_total", "outcome"),
                rates("Matches", "coop_hash_matches_total", "algorithm"),
                times("Time of a medium", "coop_hash_medium_seconds"),
                times("Time of a look", "coop_hash_lookup_seconds"),
                lines("Wait because of us", "sum(coop_hash_waiting_media)", "media", alarm=1),
                lines("Hashes", "max(coop_hash_entries)", "hashes"),
            ],
        ),
        Row("Reports of abuse material", [rates("Placed", "coop_routing_csam_total")]),
    ],
)
