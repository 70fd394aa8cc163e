"""Alerts on what every process has: itself, the log, the configuration, the outboxes."""

from __future__ import annotations

from coop_local.roster import _TABLES

from .alert import Alert, grew

ROLES = tuple(role.process for table in _TABLES for role in table.roles)
_GONE = " or ".join(f'absent(up{{job="{role}"}} == 1)' for role in ROLES)
_ALL_UP = {f'up{{job="{role}",instance="a:1"}}': "1x60" for role in ROLES}

# Whose lag says nothing of their load: they commit late on purpose.
_LATE_ON_PURPOSE = 'group!~"rules-engine.slow|rules-engine.media"'
_LAG = f"sum by (group) (coop_consumer_lag_messages{{{_LATE_ON_PURPOSE}}})"

PROCESSES = (
    Alert(
        "CoopRoleGone",
        _GONE,
        wait="5m",
        severity="page",
        summary="No process of {{ $labels.job }} answers.",
        runbook="processes.md#a-role-is-gone",
        fires=_ALL_UP | {'up{job="routing",instance="a:1"}': "1x5 0x60"},
        silent=_ALL_UP | {'up{job="routing",instance="b:1"}': "0x60"},
    ),
    Alert(
        "CoopProcessDown",
        f'up{{job=~"{"|".join(ROLES)}"}} == 0',
        wait="10m",
        severity="ticket",
        summary="{{ $labels.instance }} of {{ $labels.job }} does not answer.",
        runbook="processes.md#a-role-is-gone",
        fires={'up{job="routing",instance="a:1"}': "0x60"},
        silent={'up{job="routing",instance="a:1"}': "1x30 0x5 1x60"},
    ),
    Alert(
        "CoopProcessUnready",
        "min by (job, instance, check) (coop_ready) == 0",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.job }} at {{ $labels.instance }} is not ready: {{ $labels.check }}.",
        runbook="processes.md#a-process-is-not-ready",
        fires={'coop_ready{job="routing",instance="a:1",check="database"}': "0x60"},
        silent={'coop_ready{job="routing",instance="a:1",check="database"}': "0x35 1x60"},
    ),
    Alert(
        "CoopTaskFailed",
        grew("coop_task_failures_total", "15m", by="job, task") + " > 0",
        wait="1m",
        severity="ticket",
        summary="In {{ $labels.job }} the task {{ $labels.task }} ended by a fault.",
        runbook="processes.md#a-background-task-failed",
        fires={'coop_task_failures_total{job="routing",instance="a:1",task="park"}': "_x35 1x60"},
        silent={'coop_task_failures_total{job="routing",instance="a:1",task="park"}': "1x60"},
    ),
    Alert(
        "CoopProcessRestarts",
        "sum by (job, instance) (changes(process_start_time_seconds[1h])) > 3",
        wait="1m",
        severity="ticket",
        summary="{{ $labels.job }} at {{ $labels.instance }} ends and is started again.",
        runbook="processes.md#a-role-is-gone",
        fires={'process_start_time_seconds{job="routing",instance="a:1"}': "1+1x60"},
        silent={'process_start_time_seconds{job="routing",instance="a:1"}': "1x20 2x60"},
    ),
    Alert(
        "CoopEventLoopLate",
        "min_over_time(coop_event_loop_lag_seconds[5m]) > 1",
        wait="5m",
        severity="ticket",
        summary="{{ $labels.job }} at {{ $labels.instance }} is held by something for over 1 s.",
        runbook="processes.md#the-event-loop-is-late",
        fires={'coop_event_loop_lag_seconds{job="ingest",instance="a:1"}': "2x60"},
        silent={'coop_event_loop_lag_seconds{job="ingest",instance="a:1"}': "0.01x43 2x60"},
    ),
    Alert(
        "CoopAnswersFail",
        'sum by (job) (rate(coop_http_requests_total{status=~"5.."}[5m]))'
        " / sum by (job) (rate(coop_http_requests_total[5m])) > 0.05",
        wait="10m",
        severity="page",
        summary="Of {{ $labels.job }}'s answers over 5 % are errors of ours.",
        runbook="processes.md#answers-are-errors",
        fires={
            'coop_http_requests_total{job="review-api",method="GET",route="/a",status="200"}': (
                "0+90x60"
            ),
            'coop_http_requests_total{job="review-api",method="GET",route="/a",status="503"}': (
                "0+10x60"
            ),
        },
        silent={
            'coop_http_requests_total{job="review-api",method="GET",route="/a",status="200"}': (
                "0+90x60"
            ),
            'coop_http_requests_total{job="review-api",method="GET",route="/a",status="404"}': (
                "0+90x60"
            ),
            'coop_http_requests_total{job="review-api",method="GET",route="/a",status="503"}': (
                "0+1x60"
            ),
        },
    ),
    Alert(
        "CoopLogLinesLost",
        grew("coop_log_lines_lost_total", "15m", by="job") + " > 0",
        wait="5m",
        severity="ticket",
        summary="{{ $labels.job }} cannot write its log.",
        runbook="processes.md#log-lines-are-lost",
        fires={'coop_log_lines_lost_total{job="ingest",instance="a:1"}': "0x30 0+5x60"},
        silent={'coop_log_lines_lost_total{job="ingest",instance="a:1"}': "7x60"},
    ),
)

LOG = (
    Alert(
        "CoopConsumerBehind",
        # Who has settled nothing yet has no rate, and is as far behind.
        f"{_LAG} > 1000 unless"
        f" {_LAG} <= 300 * sum by (group) (rate(coop_consumer_records_total[5m]))",
        wait="5m",
        severity="page",
        summary="{{ $labels.group }} is over five minutes behind.",
        runbook="log.md#consumers-fall-behind",
        fires={
            'coop_consumer_lag_messages{group="routing.reports",topic="t"}': "5000x60",
            'coop_consumer_records_total{group="routing.reports"}': "0+60x60",
        },
        silent={
            'coop_consumer_lag_messages{group="routing.reports",topic="t"}': "5000x60",
            'coop_consumer_records_total{group="routing.reports"}': "0+6000x60",
            'coop_consumer_lag_messages{group="rules-engine.slow",topic="s"}': ("9000x60"),
            'coop_consumer_records_total{group="rules-engine.slow"}': "0x60",
        },
    ),
    Alert(
        "CoopGroupWithoutMember",
        "sum by (group) (coop_consumer_assigned_partitions) == 0",
        wait="5m",
        severity="page",
        summary="Nobody reads for {{ $labels.group }}, though its processes run.",
        runbook="log.md#a-group-has-no-member",
        fires={'coop_consumer_assigned_partitions{group="routing.reports",instance="a:1"}': "0x60"},
        silent={
            'coop_consumer_assigned_partitions{group="routing.reports",instance="a:1"}': "0x60",
            'coop_consumer_assigned_partitions{group="routing.reports",instance="b:1"}': "6x60",
        },
    ),
    Alert(
        "CoopDeadLetters",
        grew("coop_consumer_dead_letters_total", "30m", by="group, reason") + " > 0",
        wait="1m",
        severity="ticket",
        summary="{{ $labels.group }} put records aside: {{ $labels.reason }}.",
        runbook="log.md#dead-letters",
        fires={
            'coop_consumer_dead_letters_total{group="hma-bridge.items",reason="poison"}': (
                "_x30 1x60"
            )
        },
        silent={
            'coop_consumer_dead_letters_total{group="hma-bridge.items",reason="poison"}': ("1x60")
        },
    ),
    Alert(
        "CoopConsumerWaits",
        "max by (group) (coop_consumer_backing_off) == 1",
        wait="10m",
        severity="page",
        summary="{{ $labels.group }} waits for what it depends on.",
        runbook="log.md#a-consumer-waits",
        # A process without partitions never waits.
        fires={
            'coop_consumer_backing_off{group="routing.reports",instance="a:1"}': "1x60",
            'coop_consumer_backing_off{group="routing.reports",instance="b:1"}': "0x60",
        },
        silent={
            'coop_consumer_backing_off{group="routing.reports",instance="a:1"}': "0x38 1x60",
        },
    ),
    Alert(
        "CoopConfigurationStale",
        "max by (job) (coop_config_stale_seconds) > 120",
        wait="5m",
        severity="page",
        summary="{{ $labels.job }} does not learn of changes of the configuration.",
        runbook="log.md#configuration-is-stale",
        fires={'coop_config_stale_seconds{job="ingest",instance="a:1"}': "0x20 60+60x60"},
        silent={'coop_config_stale_seconds{job="ingest",instance="a:1"}': "3x60"},
    ),
    Alert(
        "CoopConfigurationRejected",
        grew("coop_config_rejected_total", "30m", by="job, reason") + " > 0",
        wait="1m",
        severity="ticket",
        summary="{{ $labels.job }} left out documents of the configuration: {{ $labels.reason }}.",
        runbook="log.md#configuration-is-rejected",
        fires={'coop_config_rejected_total{job="ingest",reason="invalid_document"}': "_x30 1x60"},
        silent={'coop_config_rejected_total{job="ingest",reason="invalid_document"}': "2x60"},
    ),
    Alert(
        "CoopOrganisationsUnknown",
        "max(coop_review_unknown_orgs) > 0",
        wait="30m",
        severity="ticket",
        summary="The config topic knows organisations that the database does not.",
        runbook="log.md#organisations-that-nobody-knows",
        fires={"coop_review_unknown_orgs": "1x60"},
        silent={"coop_review_unknown_orgs": "1x20 0x60"},
    ),
    Alert(
        "CoopOutboxWaits",
        "max by (schema) (coop_outbox_oldest_seconds) > 60",
        wait="5m",
        severity="page",
        summary="What {{ $labels.schema }} has decided is not published.",
        runbook="log.md#the-outbox-waits",
        fires={'coop_outbox_oldest_seconds{schema="review"}': "0x20 60+60x60"},
        silent={'coop_outbox_oldest_seconds{schema="review"}': "90x3 0x60"},
    ),
    Alert(
        "CoopOutboxRefused",
        "max by (schema) (coop_outbox_refused_messages) > 0",
        wait="5m",
        severity="ticket",
        summary="Rows of {{ $labels.schema }}'s outbox cannot be published as they are.",
        runbook="log.md#rows-that-are-refused",
        fires={'coop_outbox_refused_messages{schema="review"}': "1x60"},
        silent={'coop_outbox_refused_messages{schema="review"}': "1x2 0x60"},
    ),
    Alert(
        "CoopNotOneRelay",
        "sum by (schema) (coop_outbox_relay_active) != 1",
        wait="5m",
        severity="page",
        summary="{{ $value }} relays of {{ $labels.schema }} publish; there should be one.",
        runbook="log.md#not-one-relay",
        fires={
            'coop_outbox_relay_active{schema="review",instance="a:1"}': "0x60",
            'coop_outbox_relay_active{schema="review",instance="b:1"}': "0x60",
        },
        silent={
            'coop_outbox_relay_active{schema="review",instance="a:1"}': "0x60",
            'coop_outbox_relay_active{schema="review",instance="b:1"}': "1x60",
        },
    ),
    Alert(
        "CoopProducerFails",
        "sum by (job, reason) (rate(coop_producer_failed_total[5m])) > 0",
        wait="10m",
        severity="page",
        summary="What {{ $labels.job }} sends is not acknowledged: {{ $labels.reason }}.",
        runbook="log.md#messages-are-not-acknowledged",
        fires={'coop_producer_failed_total{job="ingest",client="ingest",reason="r"}': "0+3x60"},
        silent={'coop_producer_failed_total{job="ingest",client="ingest",reason="r"}': "3x60"},
    ),
)
