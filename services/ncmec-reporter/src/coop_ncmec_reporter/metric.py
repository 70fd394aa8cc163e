"""What is counted of reports to NCMEC.

Must not: carry a label whose values the outside world chooses.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

REPORTS = Counter(
    "coop_ncmec_reports_total",
    "Reports by what became of them: `filed` (in `environment`), `known` (was filed before the "
    "database was brought back from a backup), `attention` (a person has to look), `done`.",
    ["outcome", "environment"],
)
CALLS = Counter(
    "coop_ncmec_calls_total",
    "Calls of NCMEC's interface: `ok`, `refused` (a code that says why), `unauthorized`, "
    "`uncertain` (no answer that can be read).",
    ["step", "outcome"],
)
CALL_SECONDS = Histogram(
    "coop_ncmec_call_seconds",
    "Time of a call of NCMEC's interface.",
    ["step"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
PLATFORM = Counter(
    "coop_ncmec_platform_questions_total",
    "Questions to platforms: `additional-info` and `preservation`, `ok` or `failed`.",
    ["what", "outcome"],
)
FILES = Counter(
    "coop_ncmec_files_total",
    "Files of reports: `held` as evidence, or `missing` (gone, or not to be had in time).",
    ["outcome"],
)
PAUSED = Level(
    "coop_ncmec_paused_organisations",
    "Organisations of which nothing is filed because NCMEC refuses their credentials.",
    measured=True,
    together="each",
    gone="stays: filing is paused until a person mends it",
)
OPEN = Level(
    "coop_ncmec_open_reports",
    "Reports that are not filed yet, those that need a person among them.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
OLDEST_SECONDS = Level(
    "coop_ncmec_oldest_report_seconds",
    "Age of the oldest report that is not filed yet.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
DUE = Level(
    "coop_ncmec_due_reports",
    "Reports whose evidence was kept long enough and is not held: people may ask for its "
    "destruction.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
PRESERVATIONS = Level(
    "coop_ncmec_waiting_preservations",
    "Filed reports whose platform has not taken the request to preserve what it has.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
OLDEST_PRESERVATION_SECONDS = Level(
    "coop_ncmec_oldest_preservation_seconds",
    "Time since the filing of the oldest report whose platform has not taken the request to "
    "preserve.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
ORPHANS = Level(
    "coop_ncmec_orphan_files",
    "Files of evidence that no row knows, before they are removed.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
DESTROYED = Counter(
    "coop_ncmec_destroyed_reports_total",
    "Reports of which two people had the evidence destroyed, keys and files.",
)
ATTENTION = Level(
    "coop_ncmec_attention_reports",
    "Reports that cannot go on without a person.",
    measured=True,
    together="each",
    gone="stays as it was last known",
)
SCHEMA_DIFFERS = Level(
    "coop_ncmec_schema_differs",
    "1 where NCMEC served another schema last than the file that documents are checked with says. "
    "Nothing is told of an environment whose schema was never served, or without a file.",
    ["environment"],
    measured=True,
    together="same",
    gone="stays until the schema is served again, or a new file is",
)
