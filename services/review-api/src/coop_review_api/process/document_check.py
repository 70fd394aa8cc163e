"""What documents are checked for: by configuration itself, and by the slices that know a kind."""

from __future__ import annotations

from coop_contracts.config import Kind
from coop_review_api.configuration.check import OWN_CHECKS, DocumentChecks
from coop_review_api.cybertip.settings_document import check_ncmec_settings
from coop_review_api.rule_proposal.forecast import foretell
from coop_review_api.single_sign_on.provider_check import check_identity_provider
from coop_runtime.egress.guard import EgressGuard, EgressRefused


def document_checks(guard: EgressGuard) -> DocumentChecks:
    """All checks; `guard` judges the addresses that will be asked."""

    def refusal(url: str) -> str | None:
        try:
            guard.check(url)
        except EgressRefused as error:
            return str(error)
        return None

    return DocumentChecks(
        {
            **OWN_CHECKS,
            Kind.IDENTITY_PROVIDER: lambda it: check_identity_provider(it.document),
            Kind.NCMEC_SETTINGS: check_ncmec_settings,
        },
        refusal,
        foretell,
    )
