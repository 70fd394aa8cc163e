"""Dashboards on the whole, on one role, on the log, and on what costs."""

from __future__ import annotations

from .drawing import RATE, figure, lines, rates, times
from .objective import OBJECTIVES
from .panel import Dashboard, Panel, Query, Row, Statement

_PROMISES = Row(
    "Promises: the share that was bad in the last hour",
    [
        figure(
            one.title,
            one.recorded("1h"),
            unit="percentunit",
            description=one.promise,
            alarm=one.allowed,
        )
        for one in OBJECTIVES
    ],
)

OVERVIEW = Dashboard(
    "coop-overview",
    "Coop: overview",
    "Whether all is well, and what goes through.",
    [
        Row(
            "Now",
            [
                figure("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', alarm=1),
                figure("Processes", "count(coop_build_info)"),
                figure("Not ready", "count(coop_ready == 0) or vector(0)", alarm=1),
                figure("Past their deadline", "max(coop_review_jobs_past_deadline)", alarm=1),
                figure("Webhooks late", "max(coop_deliveries_late_seconds)", unit="s", alarm=60),
                figure("Reports that need a person", "max(coop_ncmec_attention_reports)", alarm=1),
            ],
        ),
        _PROMISES,
        Row(
            "What goes through",
            [
                rates("Accepted", "coop_ingest_accepted_total", "kind"),
                rates("Evaluated", "coop_rules_items_evaluated_total"),
                rates("Jobs", "coop_routing_jobs_created_total"),
                rates("Webhooks", "coop_delivery_attempts_total", "outcome"),
            ],
        ),
        Row(
            "Behind",
            [
                lines("Lag", "sum by (group) (coop_consumer_lag_messages)", "{{group}}"),
                lines("Outboxes", "max by (schema) (coop_outbox_oldest_seconds)", "{{schema}}"),
            ],
        ),
    ],
)

_CHOSEN = '{job=~"$job"}'

SERVICE = Dashboard(
    "coop-service",
    "Coop: a service",
    "One role, or several: requests, what it consumes and sends, and the process itself.",
    [
        Row(
            "The process",
            [
                lines(
                    "Processor",
                    f"rate(process_cpu_seconds_total{_CHOSEN}[{RATE}])",
                    "{{job}} {{instance}}",
                    description="1 is a whole core: more than one a process cannot use.",
                ),
                lines(
                    "Memory",
                    f"process_resident_memory_bytes{_CHOSEN}",
                    "{{job}} {{instance}}",
                    unit="bytes",
                ),
                lines(
                    "Event loop late",
                    f"coop_event_loop_lag_seconds{_CHOSEN}",
                    "{{job}} {{instance}}",
                    unit="s",
                    alarm=1,
                ),
                lines("Ready", f"min by (job, check) (coop_ready{_CHOSEN})", "{{job}} {{check}}"),
                Panel(
                    "What runs",
                    [Query(f"count by (job, service, version) (coop_build_info{_CHOSEN})")],
                    shape="table",
                    width=24,
                    height=6,
                ),
            ],
        ),
        Row(
            "Requests",
            [
                rates("Answers", f"coop_http_requests_total{_CHOSEN}", "job, status", unit="reqps"),
                times("Time of an answer", "coop_http_request_seconds", "job", selector=_CHOSEN),
                lines(
                    "Slowest routes",
                    "topk(10, histogram_quantile(0.99, sum by (le, route)"
                    f" (rate(coop_http_request_seconds_bucket{_CHOSEN}[{RATE}]))))",
                    "{{route}}",
                    unit="s",
                    width=24,
                ),
            ],
        ),
        Row(
            "The log",
            [
                rates("Settled", f"coop_consumer_records_total{_CHOSEN}", "group"),
                times("Time of a batch", "coop_consumer_batch_seconds", "group", selector=_CHOSEN),
                rates("Sent", f"coop_producer_acknowledged_total{_CHOSEN}", "client"),
                times(
                    "Time to acknowledgement",
                    "coop_producer_ack_seconds",
                    "client",
                    selector=_CHOSEN,
                ),
            ],
        ),
    ],
    job=True,
)

KAFKA = Dashboard(
    "coop-kafka",
    "Coop: Kafka",
    "Lag by group and partition, consumers, producers, the configuration and the outboxes.",
    [
        Row(
            "Lag",
            [
                lines("By group", "sum by (group) (coop_consumer_lag_messages)", "{{group}}"),
                lines(
                    "Seconds at the present rate",
                    "sum by (group) (coop_consumer_lag_messages)"
                    f" / sum by (group) (rate(coop_consumer_records_total[{RATE}]))",
                    "{{group}}",
                    unit="s",
                ),
                lines(
                    "Partitions with most",
                    "topk(15, sum by (group, topic, partition) (coop_consumer_lag_messages))",
                    "{{group}} {{topic}}/{{partition}}",
                    width=24,
                ),
                lines(
                    "Partitions held",
                    "sum by (group) (coop_consumer_assigned_partitions)",
                    "{{group}}",
                ),
                lines(
                    "In lines of their own",
                    "sum by (group) (coop_consumer_waiting_records)",
                    "{{group}}",
                ),
            ],
        ),
        Row(
            "Consumers",
            [
                rates("Settled", "coop_consumer_records_total", "group"),
                rates("Handled again", "coop_consumer_retries_total", "group, cause"),
                rates("Dead letters", "coop_consumer_dead_letters_total", "group, reason"),
                times("Time of a commit", "coop_consumer_commit_seconds"),
                rates("Errors", "coop_consumer_errors_total", "group, error"),
                lines("Waits", "max by (group) (coop_consumer_backing_off)", "{{group}}"),
            ],
        ),
        Row(
            "Producers",
            [
                rates("Acknowledged", "coop_producer_acknowledged_total", "client"),
                rates("Failed", "coop_producer_failed_total", "client, reason"),
                times("Time to acknowledgement", "coop_producer_ack_seconds"),
                lines(
                    "In the client", "sum by (client) (coop_producer_queue_messages)", "{{client}}"
                ),
            ],
        ),
        Row(
            "Configuration and outboxes",
            [
                lines(
                    "Configuration read",
                    "max by (job) (coop_config_stale_seconds)",
                    "{{job}}",
                    unit="s",
                ),
                lines("Revision", "max by (job) (coop_config_newest_revision)", "{{job}}"),
                lines("Rows", "max by (schema) (coop_outbox_messages)", "{{schema}}"),
                lines(
                    "Oldest row",
                    "max by (schema) (coop_outbox_oldest_seconds)",
                    "{{schema}}",
                    unit="s",
                ),
            ],
        ),
    ],
)

COST = Dashboard(
    "coop-cost",
    "Coop: what costs",
    "What is paid for, by what causes it. Metrics know no organisations: their number would have no"
    " bound; what organisations use is another dashboard, asked of the database.",
    [
        Row(
            "Machines",
            [
                lines(
                    "Cores", f"sum by (job) (rate(process_cpu_seconds_total[{RATE}]))", "{{job}}"
                ),
                lines(
                    "Memory",
                    "sum by (job) (process_resident_memory_bytes)",
                    "{{job}}",
                    unit="bytes",
                ),
                lines(
                    "Processor time of a thousand items",
                    "1000 * sum(rate(process_cpu_seconds_total"
                    f'{{job=~"rules-engine|ingest"}}[{RATE}]))'
                    f" / sum(rate(coop_rules_items_evaluated_total[{RATE}]))",
                    "accepted and evaluated",
                    unit="s",
                ),
                rates("Bodies read", "coop_ingest_body_bytes_total", unit="Bps"),
            ],
        ),
        Row(
            "What others charge",
            [
                lines(
                    "Calls of providers in a day",
                    "sum by (provider) (increase(coop_signal_calls_total[1d]))",
                    "{{provider}}",
                ),
                lines(
                    "Answers that cost no call",
                    f'sum(rate(coop_signal_answers_total{{source!="call"}}[{RATE}]))'
                    f" / sum(rate(coop_signal_answers_total[{RATE}]))",
                    "share",
                    unit="percentunit",
                ),
                rates("Media fetched", "coop_media_fetched_bytes_total", unit="Bps"),
                lines("Media kept", "max(coop_review_media_kept_bytes)", "veiled", unit="bytes"),
                lines(
                    "Webhooks in a day", "sum(increase(coop_delivery_attempts_total[1d]))", "sent"
                ),
            ],
        ),
    ],
)

_BY_DAY = """\
SELECT day::timestamptz AS time, org_id AS metric, sum(units)::float AS value
  FROM review.organisation_days
 WHERE $__timeFilter(day::timestamptz) AND figure = '{figure}'
   AND org_id IN (SELECT org_id FROM review.organisation_days
                   WHERE $__timeFilter(day::timestamptz) AND figure = '{figure}'
                   GROUP BY org_id ORDER BY sum(units) DESC LIMIT 10)
 GROUP BY 1, 2
 ORDER BY 1"""

USE = Dashboard(
    "coop-use",
    "Coop: what organisations use",
    "By organisation and day (UTC), of the database: a data source for PostgreSQL whose role is"
    " made by deploy/observability/usage-reader.sql. Shares of what all costs are by evaluations.",
    [
        Row(
            "All organisations",
            [
                Panel(
                    "In this time",
                    Statement(
                        """\
SELECT org_id AS "organisation",
       sum(units) FILTER (WHERE figure = 'evaluations')::float AS "evaluations",
       (sum(units) FILTER (WHERE figure = 'evaluations')
        / sum(sum(units) FILTER (WHERE figure = 'evaluations')) OVER ())::float AS "share",
       sum(units) FILTER (WHERE figure = 'matches')::float AS "rules matched",
       sum(units) FILTER (WHERE figure = 'actions')::float AS "actions",
       sum(units) FILTER (WHERE figure = 'decisions')::float AS "decisions"
  FROM review.organisation_days
 WHERE $__timeFilter(day::timestamptz)
 GROUP BY org_id
 ORDER BY 2 DESC NULLS LAST"""
                    ),
                    shape="table",
                    width=24,
                    height=12,
                ),
            ],
        ),
        Row(
            "The ten with the most",
            [
                Panel("Evaluations a day", Statement(_BY_DAY.format(figure="evaluations"))),
                Panel("Actions a day", Statement(_BY_DAY.format(figure="actions"))),
                Panel("Decisions a day", Statement(_BY_DAY.format(figure="decisions"))),
                Panel("Rules matched a day", Statement(_BY_DAY.format(figure="matches"))),
            ],
        ),
    ],
    days=30,
)
