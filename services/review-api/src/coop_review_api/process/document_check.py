"""What documents are checked for: by configuration itself, and by the slices that know a kind."""

from __future__ import annotations

from typing import Final

from coop_contracts.config import Kind
from coop_review_api.configuration.check import OWN_CHECKS, DocumentChecks
from coop_review_api.single_sign_on.provider_check import check_identity_provider

DOCUMENT_CHECKS: Final = DocumentChecks(
    {**OWN_CHECKS, Kind.IDENTITY_PROVIDER: lambda it: check_identity_provider(it.document)}
)
