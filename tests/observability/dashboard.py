"""All dashboards, and where their files lie."""

from __future__ import annotations

from pathlib import Path

from .dashboard_system import COST, KAFKA, OVERVIEW, SERVICE, USE
from .dashboard_work import CHILD_SAFETY, ENFORCEMENT, QUEUES, RULES
from .rule_file import ROOT

FOLDER: Path = ROOT / "deploy" / "helm" / "coop" / "files" / "dashboards"
DASHBOARDS = (OVERVIEW, SERVICE, QUEUES, ENFORCEMENT, RULES, CHILD_SAFETY, KAFKA, COST, USE)
