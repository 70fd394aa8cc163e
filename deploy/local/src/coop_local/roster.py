"""Who runs in the local stack: each service's command, environment and ports, and the migrations.

Guarantees: a service gets its own database role and only the secrets that it uses; no service gets
the superuser's address. The order is that of the start; the stop goes the other way, so that the
front door closes first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coop_local.counters import Counted
from coop_local.engine import EngineError, is_free, remembered_port
from coop_local.migration import MigrationSpec
from coop_local.secret_file import Secrets
from coop_local.service_process import ServiceSpec
from coop_local.settings import Settings
from coop_local.stack import Addresses
from coop_runtime.database.engine import service_url

_OWNED = (
    "COOP_TEST_",
    "COOP_STATE",
    "COOP_CACHE",
    "COOP_POSTGRES",
    "COOP_SECRET_KEYS",
    "COOP_INTERNAL_TOKEN",
)
_LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class _Role:
    name: str
    module: str
    role: str
    database_role: str | None = None
    secret_keys: bool = False
    egress: bool = False
    public_port: str | None = None
    """The setting of its public port, which is also the variable that tells the service."""
    shown: bool = True
    """Whether people and platforms go there."""
    internal_token: bool = False


_ROLES = (
    _Role("review-relay", "coop_review_api", "relay", "coop_review", secret_keys=True),
    _Role("review-projector", "coop_review_api", "projector", "coop_review"),
    _Role(
        "review-api",
        "coop_review_api",
        "api",
        "coop_review",
        secret_keys=True,
        public_port="review_port",
        internal_token=True,
    ),
    _Role(
        "dispatch-api",
        "coop_action_dispatcher",
        "api",
        "coop_dispatch",
        public_port="dispatch_port",
        shown=False,
        internal_token=True,
    ),
    _Role(
        "action-dispatcher",
        "coop_action_dispatcher",
        "dispatcher",
        "coop_dispatch",
        secret_keys=True,
        egress=True,
    ),
    _Role("routing", "coop_routing", "router", "coop_queues", secret_keys=True, egress=True),
    _Role("rules-engine-slow", "coop_rules_engine", "slow", secret_keys=True, egress=True),
    _Role("rules-engine-backtest", "coop_rules_engine", "backtest"),
    _Role("rules-engine", "coop_rules_engine", "engine"),
    _Role("ingest", "coop_ingest", "api", public_port="ingest_port"),
)

# The internal ports as the services' own defaults number them.
_INTERNAL_ORDER = (
    "ingest",
    "review-api",
    "review-relay",
    "rules-engine",
    "routing",
    "action-dispatcher",
    "demo-platform",
    "review-projector",
    "rules-engine-slow",
    "rules-engine-backtest",
    "dispatch-api",
)

_MIGRATIONS = (
    ("coop_routing", "coop_queues"),
    ("coop_review_api", "coop_review"),
    ("coop_action_dispatcher", "coop_dispatch"),
)

COUNTED = (
    Counted("accepted", "ingest", "coop_ingest_accepted_total", {"kind": "item"}),
    Counted("evaluated", "rules-engine", "coop_rules_items_evaluated_total"),
    Counted("delivered", "action-dispatcher", "coop_deliveries_delivered_total"),
    Counted("jobs", "routing", "coop_routing_jobs_created_total"),
)


@dataclass(frozen=True)
class Ports:
    """The stack's ports by service: `public` where people and platforms go, `internal` for health
    and metrics."""

    public: Mapping[str, int]
    internal: Mapping[str, int]


def ports_of(settings: Settings) -> Ports:
    """The ports to use, each of them free. Raises EngineError, which names the setting."""
    public = {
        "ingest": _port(settings, "ingest_port"),
        "review-api": _port(settings, "review_port"),
        "demo-platform": _port(settings, "platform_port"),
        "dispatch-api": _port(settings, "dispatch_port"),
    }
    internal = {}
    for number, name in enumerate(_INTERNAL_ORDER):
        fixed = settings.internal_ports + number
        internal[name] = _checked(settings, f"internal-{name}", fixed, "internal_ports")
    _check_distinct(public, internal)
    return Ports(public, internal)


def _check_distinct(public: Mapping[str, int], internal: Mapping[str, int]) -> None:
    """Raises EngineError where two services would listen on one port."""
    taken: dict[int, str] = {}
    named = [*public.items(), *((f"{name}'s metrics", port) for name, port in internal.items())]
    for name, port in named:
        if port in taken:
            raise EngineError(
                f"Port {port} would serve {taken[port]} and {name}: change COOP_INGEST_PORT, "
                "COOP_REVIEW_PORT, COOP_PLATFORM_PORT, COOP_DISPATCH_PORT or COOP_INTERNAL_PORTS."
            )
        taken[port] = name


def _port(settings: Settings, name: str) -> int:
    return _checked(settings, name, int(getattr(settings, name)), name)


def _checked(settings: Settings, memory: str, fixed: int, setting: str) -> int:
    if settings.free_ports:
        return remembered_port(settings.state / "ports" / memory)
    if not is_free(fixed):
        raise EngineError(
            f"Port {fixed} is in use by another process: choose another one with "
            f"COOP_{setting.upper()}, or let the stack choose with COOP_FREE_PORTS=true."
        )
    return fixed


def services(
    settings: Settings, addresses: Addresses, secrets: Secrets, ports: Ports
) -> list[ServiceSpec]:
    """The services, in the order of the start."""
    specs = []
    for role in _ROLES:
        internal = f"http://127.0.0.1:{ports.internal[role.name]}"
        environment = _environment(settings, addresses) | {
            "COOP_INTERNAL_PORT": str(ports.internal[role.name])
        }
        # Where the links of invitations and of single sign-on lead to.
        public_url = f"http://127.0.0.1:{ports.public['review-api']}"
        environment.setdefault("COOP_REVIEW_PUBLIC_URL", public_url)
        if role.database_role:
            environment["COOP_POSTGRES"] = _database(addresses, secrets, role.database_role)
        if role.secret_keys:
            environment["COOP_SECRET_KEYS"] = secrets.secret_keys
        if role.internal_token:
            environment["COOP_INTERNAL_TOKEN"] = secrets.internal_token
            environment["COOP_DISPATCH_URL"] = f"http://127.0.0.1:{ports.public['dispatch-api']}"
        if role.egress:
            # The demo platform receives its webhooks on this machine.
            environment.setdefault("COOP_EGRESS_ALLOW", _LOOPBACK)
        url = None
        if role.public_port:
            environment[f"COOP_{role.public_port.upper()}"] = str(ports.public[role.name])
        if role.public_port and role.shown:
            url = f"http://127.0.0.1:{ports.public[role.name]}"
        specs.append(
            ServiceSpec(
                name=role.name,
                command=(sys.executable, "-m", role.module, role.role),
                environment=environment,
                ready_url=f"{internal}/readyz",
                metrics_url=f"{internal}/metrics",
                url=url,
            )
        )
    return specs


def migrations(settings: Settings, addresses: Addresses, secrets: Secrets) -> list[MigrationSpec]:
    """The migrations, each with its schema's role."""
    found = []
    for module, role in _MIGRATIONS:
        environment = _environment(settings, addresses) | {
            "COOP_POSTGRES": _database(addresses, secrets, role),
            # Read by every role's settings; a migration listens on nothing.
            "COOP_INTERNAL_PORT": "0",
        }
        found.append(
            MigrationSpec(
                name="migrate-" + module.removeprefix("coop_").replace("_", "-"),
                command=(sys.executable, "-m", module, "migrate"),
                environment=environment,
            )
        )
    return found


def _environment(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """The user's own environment, which may set what services read, under the stack's facts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OWNED) and name != "COOP_INTERNAL_PORT"
    }
    return {
        "COOP_REVIEW_SECURE_COOKIES": "false",  # plain HTTP on loopback
        **kept,
        "PYTHONUNBUFFERED": "1",
        "COOP_KAFKA": addresses.kafka,
        "COOP_KAFKA_IDEMPOTENCE": str(addresses.kafka_idempotence).lower(),
        "COOP_REDIS": addresses.redis,
        "COOP_STOP_TIMEOUT": f"{settings.stop_timeout:g}",
    }


def _database(addresses: Addresses, secrets: Secrets, role: str) -> str:
    return service_url(addresses.postgres_admin, role, secrets.passwords[role])


def log_path(state: Path, name: str) -> Path:
    """Where a service or a migration writes its log."""
    return state / "logs" / f"{name}.log"
