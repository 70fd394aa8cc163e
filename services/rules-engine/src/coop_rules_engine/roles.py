"""What can be run of the rules engine.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Role, RoleTable

TABLE = RoleTable(
    "coop_rules_engine",
    roles=(
        Role(
            "slow",
            "coop_rules_engine.app:slow",
            settings="coop_rules_engine.settings:SlowSettings",
            process="rules-engine-slow",
            internal_port=9088,
            secret_keys=True,
            egress=True,
        ),
        Role(
            "backtest",
            "coop_rules_engine.app:backtest",
            settings="coop_rules_engine.settings:BacktestSettings",
            process="rules-engine-backtest",
            internal_port=9089,
        ),
        Role(
            "engine",
            "coop_rules_engine.app:engine",
            settings="coop_rules_engine.settings:Settings",
            process="rules-engine",
            internal_port=9083,
        ),
    ),
)
