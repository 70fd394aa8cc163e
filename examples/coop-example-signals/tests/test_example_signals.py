"""The example plugin computes what it says, and Coop loads it."""

from __future__ import annotations

import asyncio
import time
from importlib import metadata

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_example_signals.plugin import PLUGIN
from coop_example_signals.shortener import has_shortened_link
from coop_example_signals.shouting import shouting_score
from coop_rules.language.need import Need
from coop_rules.language.value import ValueSource
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.secret.vault import Vault
from coop_signals import Providers, SignalSettings
from coop_signals.plugin import GROUP, Context, InputRefused, load


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("have a nice day", 0, 0),
        ("The NASA said so", 0, 0.3),
        ("OK", 0, 0),
        ("WHY DO YOU DO THIS", 0.69, 0.71),
        ("WHY DO YOU DO THIS!!!!!!", 1, 1),
        ("really???", 0.1, 0.15),
        ("really?", 0, 0),
        ("ПОЧЕМУ ВЫ ЭТО ДЕЛАЕТЕ", 0.69, 0.71),
        ("你好你好你好你好你好", 0, 0),
    ],
)
def test_shouting(text: str, low: float, high: float) -> None:
    """Capitals and repeated marks shout; abbreviations and scripts without capitals do not."""
    assert low <= shouting_score(text) <= high


@given(st.text())
def test_a_shouting_score_is_within_its_bounds(text: str) -> None:
    """Any text at all has a score from 0 to 1."""
    assert 0 <= shouting_score(text) <= 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://bit.ly/3xYz", True),
        ("see HTTP://WWW.BIT.LY/3xYz now", True),
        ("(t.co/abc)", True),
        ("bit.ly:443/abc", True),
        ("bit.ly./abc", True),
        ("bit.ly is a company", False),
        ("https://bit.ly/ ", False),
        ("https://rabbit.ly/x", False),
        ("https://my-bit.ly/x", False),
        ("https://a.bit.ly/x", False),
        ("https://bit.ly.example.com/x", False),
        ("https://example.com/bit.ly/x", True),
        ("", False),
    ],
)
def test_shortened_links(text: str, found: bool) -> None:
    """Whole host names with a path are found; names that only contain one are not."""
    assert has_shortened_link(text) == found


def test_long_texts_take_no_longer_than_they_are() -> None:
    """Texts made to provoke the pattern are read in linear time."""
    for piece in ("www.", "bit.ly", "bit.ly:", "!?", "A"):
        began = time.monotonic()
        has_shortened_link(piece * 50_000)
        shouting_score(piece * 50_000)
        assert time.monotonic() - began < 10


async def test_the_account_may_name_domains() -> None:
    """Further domains count for that organisation; what is no domain is ignored."""
    async with httpx.AsyncClient() as http:
        config = {"domains": ["Go.Example.com", 7, ""]}
        context = Context("org", None, {}, config, http)
        function = PLUGIN.functions["TEXT_HAS_SHORTENED_LINK"]
        assert await function("https://go.example.com/x", context) is True
        assert await function("https://other.example.com/x", context) is False
        with pytest.raises(InputRefused):
            await function(7, context)


def test_coop_loads_the_installed_plugin() -> None:
    """The entry point leads to it, and nothing is wrong with it."""
    known = load(metadata.entry_points(group=GROUP, name="example"))
    assert known.problems == ()
    assert known.plugins == (PLUGIN,)
    assert {signal.name for signal in PLUGIN.manifest.signals} <= known.catalogue.keys()


async def test_its_signals_run_as_any_other() -> None:
    """Asked for by a rule's need, they give their scores."""
    providers = Providers.of(
        SignalSettings(internal_port=0), ConfigTable.of([]), Vault([b"k" * 32])
    )
    try:
        for signal, score in (("TEXT_SHOUTING_SCORE", 0.7), ("TEXT_HAS_SHORTENED_LINK", False)):
            found = providers.catalogue()[signal]
            need = Need(key="0" * 16, signal=found, values=ValueSource(next(iter(found.inputs))))
            deadline = asyncio.get_running_loop().time() + 20
            (value,) = await providers.values("org", need, ["WHY SO LOUD"], deadline=deadline)
            assert (value.score, value.error) == (score, None)
    finally:
        await providers.aclose()
