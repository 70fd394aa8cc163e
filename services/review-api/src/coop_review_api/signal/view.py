"""Integrations and signals on this API's wire: what comes in and what goes out.

Guarantees: of a secret that is stored the name goes out, never the value.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue

from coop_review_api.configuration.document_model import Stamped
from coop_review_api.http.body import Body, Model
from coop_rules.signal.signal import SignalType
from coop_signals.trial import Verdict


class IntegrationBody(Body):
    """An account. `credential` holds the manifest's secret fields and is never returned: leave it
    out to keep what is stored, send a null value to keep that secret. `config` holds the others."""

    credential: dict[str, str | None] | None = None
    config: dict[str, JsonValue] = Field(default_factory=dict)
    enabled: bool = True


class IntegrationView(Stamped):
    """An account. `credentialNames` are the secrets that are stored."""

    config: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    credential_names: list[str] = Field(default_factory=list)


class ConfigFieldView(Model):
    key: str
    label: str
    required: bool
    input_type: str
    description: str


class ModelCardView(Model):
    training_data: str
    policy_and_taxonomy: str
    annotation_methodology: str
    performance_benchmarks: str
    bias_and_limitations: str
    implementation_guidance: str
    relevant_links: list[str]


class ManifestView(Model):
    """What an integration says of itself. `signals` are names; see `/v1/signals`."""

    id: str
    name: str
    version: str
    docs_url: str
    requires_config: bool
    config_fields: list[ConfigFieldView]
    signals: list[str]
    model_card: ModelCardView


class AvailableView(Model):
    """An integration. `manifest` is null where an account is kept of one that is not installed, or
    is broken; `account` is null where there is none."""

    id: str
    manifest: ManifestView | None
    account: IntegrationView | None


class PluginProblemView(Model):
    """A plugin that was left out, and why."""

    entry_point: str
    distribution: str
    reason: str


class IntegrationList(Model):
    items: list[AvailableView]
    problems: list[PluginProblemView]


class ThresholdsView(Model):
    high_precision: float
    high_recall: float


class SignalView(Model):
    """A signal, for whoever writes conditions. `order` are the values of an ENUM, lowest first;
    `needsMatchingValues` what it looks for; with `subcategories` a condition names one. Where it is
    not `available`, `reason` says why. `allowedInRules` false: in routing rules only;
    `allowedInRoutingRules` false: in the others only."""

    name: str
    display_name: str
    description: str
    docs_url: str
    inputs: list[str]
    output: str
    order: list[str]
    cost: int
    lane: str
    needs_matching_values: list[str]
    subcategories: bool
    full_item: bool
    derivation: str | None
    allowed_in_rules: bool
    allowed_in_routing_rules: bool
    integration: str | None
    recommended_thresholds: ThresholdsView | None
    languages: list[str]
    available: bool
    reason: str | None


class SignalList(Model):
    items: list[SignalView]


def signal_view(signal: SignalType, reason: str | None) -> SignalView:
    """`reason`: why it is not available."""
    thresholds = signal.recommended_thresholds
    return SignalView(
        name=signal.name,
        display_name=signal.display_name,
        description=signal.description,
        docs_url=signal.docs_url,
        inputs=sorted(signal.inputs),
        output=signal.output,
        order=list(signal.order),
        cost=signal.cost,
        lane=signal.lane,
        needs_matching_values=sorted(signal.needs_matching_values),
        subcategories=signal.subcategories,
        full_item=signal.full_item,
        derivation=signal.derivation,
        allowed_in_rules=signal.allowed_in_rules,
        allowed_in_routing_rules=not signal.unfit_for_routing,
        integration=signal.integration,
        recommended_thresholds=None
        if thresholds is None
        else ThresholdsView(
            high_precision=thresholds.high_precision, high_recall=thresholds.high_recall
        ),
        languages=list(signal.languages),
        available=reason is None,
        reason=reason,
    )


class IntegrationTrialView(Model):
    """What came of trying an account; `reason` is one line for whoever set it up, null where all is
    well. NOT_CONFIGURED, CANNOT_TRY and NOT_ALLOWED: nothing was sent. REFUSED: the provider does
    not take the credential. FAILING: it says that it fails. UNEXPECTED: it answers something else
    than it should, perhaps it is somebody else."""

    verdict: Verdict
    reason: str | None
