"""What Coop loads: the manifest, and the two functions.

Must not: raise for a text, whatever it is; a value that is no text is refused.
"""

from __future__ import annotations

from typing import Any

from coop_contracts.config import ScalarType
from coop_example_signals.shortener import has_shortened_link
from coop_example_signals.shouting import shouting_score
from coop_signals.plugin import (
    ConfigField,
    Context,
    InputRefused,
    Manifest,
    ModelCard,
    Plugin,
    SignalDeclaration,
)

MAX_DOMAINS = 100
_TEXT = frozenset({ScalarType.STRING})


async def shouting(value: Any, _context: Context) -> float:
    """TEXT_SHOUTING_SCORE."""
    return shouting_score(_text(value))


async def shortened_link(value: Any, context: Context) -> bool:
    """TEXT_HAS_SHORTENED_LINK. The account may name further domains."""
    domains = context.config.get("domains", [])
    more = [name.lower() for name in domains[:MAX_DOMAINS] if isinstance(name, str) and name]
    return has_shortened_link(_text(value), more)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InputRefused("the input is not a text")
    return value


MANIFEST = Manifest(
    id="EXAMPLE",
    name="Example signals",
    version="0.1.0",
    docs_url="https://example.com/coop-example-signals",
    config_fields=(
        ConfigField(
            key="domains",
            label="Further link shorteners",
            input_type="array",
            description="Domains such as go.example.com.",
        ),
    ),
    model_card=ModelCard(
        training_data="None: the rules are written by hand.",
        policy_and_taxonomy="Shouting is a matter of manners, a shortened link one of caution; "
        "neither violates a policy by itself.",
        annotation_methodology="None.",
        performance_benchmarks="None: an example.",
        bias_and_limitations="Shouting needs a script with capitals: Arabic, Chinese, Hindi and "
        "many others have none. The list of link shorteners is short and grows old.",
        implementation_guidance="Combine with other conditions: a score over 0.8 from a new user.",
        relevant_links=("https://unicode.org/reports/tr21/tr21-5.html",),
    ),
    signals=(
        SignalDeclaration(
            name="TEXT_SHOUTING_SCORE",
            display_name="Shouting",
            description="Capitals and repeated exclamation marks: 0 calm to 1 shouting.",
            inputs=_TEXT,
            output="NUMBER",
            cost=2,
        ),
        SignalDeclaration(
            name="TEXT_HAS_SHORTENED_LINK",
            display_name="Has shortened link",
            description="A link of a service that hides where it leads.",
            inputs=_TEXT,
            output="BOOLEAN",
            cost=2,
        ),
    ),
)
PLUGIN = Plugin(
    MANIFEST,
    {"TEXT_SHOUTING_SCORE": shouting, "TEXT_HAS_SHORTENED_LINK": shortened_link},
    timeout=1.0,
)
