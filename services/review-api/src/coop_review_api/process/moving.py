"""Wiring of the command `import`: moving in, with the checks that the API has.

Must not: decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.moving import import_command
from coop_review_api.process.document_check import document_checks
from coop_review_api.settings import Settings
from coop_runtime.egress.guard import EgressGuard


def run_import(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""

    def checks_of(settings: Settings) -> DocumentChecks:
        return document_checks(EgressGuard.of(settings))

    return import_command.run_import(arguments, checks_of)
