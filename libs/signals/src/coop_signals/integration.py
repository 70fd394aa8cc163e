"""The built-in integrations: OpenAI, Google Content Safety, Google Places, Zentropi.

Must not: claim of a model what its maker does not say. Where the maker publishes nothing, the card
says so.
"""

from __future__ import annotations

from coop_rules.signal.catalogue import SignalCatalogue
from coop_signals.manifest import ConfigField, Manifest, ModelCard, SignalDeclaration

_API_KEY = ConfigField(key="apiKey", label="API key", required=True, input_type="password")
_UNPUBLISHED = "Not published by the maker."

_OPEN_AI = ModelCard(
    training_data=_UNPUBLISHED,
    policy_and_taxonomy="Hate, self-harm, sexual content, sexual content involving minors and "
    "violence, with sub-categories, as in the maker's moderation guide. Images are scored for "
    "self-harm, sexual content and violence only.",
    annotation_methodology=_UNPUBLISHED,
    performance_benchmarks="The maker reports results of its own; measure on your content by a "
    "backtest before a rule acts.",
    bias_and_limitations="Best in English. The model behind the name changes over time, and scores "
    "with it. Texts and the addresses of images leave your systems.",
    implementation_guidance="Start from thresholds of 0.95 (few mistakes) or 0.9 (few misses) in "
    "the background, then adjust.",
    relevant_links=(
        "https://platform.openai.com/docs/guides/moderation",
        "https://platform.openai.com/docs/guides/speech-to-text",
    ),
)
_GOOGLE = ModelCard(
    training_data=_UNPUBLISHED,
    policy_and_taxonomy="How urgently people should look at an image for child sexual abuse: "
    "VERY_LOW to VERY_HIGH.",
    annotation_methodology=_UNPUBLISHED,
    performance_benchmarks=_UNPUBLISHED,
    bias_and_limitations="A priority, not a finding: it says nothing about legality. Images leave "
    "your systems.",
    implementation_guidance="Use it in routing rules, to bring what is urgent to people first.",
    relevant_links=("https://protectingchildren.google/tools-for-partners/",),
)
_PLACES = ModelCard(
    training_data="None: a directory of places, not a model.",
    policy_and_taxonomy="Places of Google Maps by their place id.",
    annotation_methodology=_UNPUBLISHED,
    performance_benchmarks=_UNPUBLISHED,
    bias_and_limitations="A place's area is the rectangle in which Google shows it, which is more "
    "than its outline. Place ids change when places do. Areas are asked for again within 30 days, "
    "for which Google allows keeping them. Place ids leave your systems, items do not.",
    implementation_guidance="Put place ids into a location bank. Until an area is known, and where "
    "the provider says none, rules that match the place are undecided, and the bank says why.",
    relevant_links=(
        "https://developers.google.com/maps/documentation/places/web-service/place-details",
    ),
)
_ZENTROPI = ModelCard(
    training_data=_UNPUBLISHED,
    policy_and_taxonomy="Your own: a labeler is made of a policy that you write.",
    annotation_methodology="Your own; see the maker's documentation on labelers.",
    performance_benchmarks="The maker measures each labeler on your examples; backtest as well.",
    bias_and_limitations="As good as the policy's words. Texts leave your systems.",
    implementation_guidance="Name the labeler's version as the condition's subcategory. Start from "
    "thresholds of 0.8 (few mistakes) or 0.6 (few misses).",
    relevant_links=("https://docs.zentropi.ai/",),
)


def builtin_manifests() -> tuple[Manifest, ...]:
    """The manifests of the built-in integrations."""
    return (
        _manifest("OPEN_AI", "OpenAI", "https://platform.openai.com/docs", _OPEN_AI),
        _manifest(
            "GOOGLE_CONTENT_SAFETY_API",
            "Google Content Safety",
            "https://protectingchildren.google/tools-for-partners/",
            _GOOGLE,
        ),
        _manifest(
            "GOOGLE_PLACES",
            "Google Places",
            "https://developers.google.com/maps/documentation/places/web-service",
            _PLACES,
        ),
        _manifest(
            "ZENTROPI",
            "Zentropi",
            "https://docs.zentropi.ai/",
            _ZENTROPI,
            ConfigField(
                key="labelerVersions",
                label="Labeler versions",
                input_type="json",
                description='The labelers to choose from: [{"id": "…", "label": "…"}].',
            ),
        ),
    )


def _manifest(
    id: str,  # noqa: A002
    name: str,
    docs_url: str,
    card: ModelCard,
    *fields: ConfigField,
) -> Manifest:
    catalogue = SignalCatalogue.builtin()
    return Manifest(
        id=id,
        name=name,
        version="1",
        docs_url=docs_url,
        model_card=card,
        requires_config=True,
        config_fields=(_API_KEY, *fields),
        signals=tuple(
            SignalDeclaration.of(signal)
            for signal in catalogue.values()
            if signal.integration == id
        ),
    )
