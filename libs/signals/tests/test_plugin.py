"""Plugins: what is good is used, what is broken is reported and left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coop_signals.manifest import ConfigField
from coop_signals.plugin import (
    PluginProblem,
    load,
)

from .signals_plugin import CARD, LENGTH, Entry, entry, known, length
from .signals_server import Internet
from .signals_world import OTHER, World


async def test_a_plugins_signal_gives_scores(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """It is in the catalogue, of the slow lane, and runs for every organisation."""
    world = make_world(known=known(length))
    signal = world.providers.catalogue()["TEXT_LENGTH"]
    assert (signal.external, signal.lane, signal.integration) == (True, "SLOW", "LENGTHS")
    assert (signal.cost, signal.output, signal.docs_url) == (2, "NUMBER", "https://example.com/")
    values = await world.values("TEXT_LENGTH", "a", "four")
    assert [value.score for value in values] == [1.0, 4.0]
    assert (await world.value("TEXT_LENGTH", "abc", org_id=OTHER)).score == 3.0
    assert internet.hits == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Entry("b", ImportError("no such thing")), "its import failed: ImportError: no such thing"),
        (Entry("b", SystemExit(3)), "its import failed: SystemExit"),
        (Entry("b", object()), "its entry point is a object, not a Plugin"),
        (Entry("b", None), "its entry point is a NoneType, not a Plugin"),
        (entry("b", id="lower case"), "the id 'lower case' is not of the form"),
        (entry("b", id="LENGTHS"), "the id LENGTHS is taken"),
        (entry("b", id="OPEN_AI"), "the id OPEN_AI is taken"),
        (entry("b", id="B"), "is not of the form"),
        (entry("b", id="OTHER"), "there is a signal TEXT_LENGTH already"),
        (entry("b", version=7), "the manifest is malformed"),
        (entry("b", name=" "), "the name is empty"),
        (entry("b", docs_url="javascript:alert(1)"), "docs URL"),
        (entry("b", model_card=None), "the manifest is malformed"),
        (
            entry("b", model_card=msgspec.structs.replace(CARD, training_data="")),
            "section training_data is empty",
        ),
        (
            entry("b", model_card=msgspec.structs.replace(CARD, relevant_links=())),
            "section relevant_links is empty",
        ),
        (entry("b", signals=()), "there are no signals"),
        (entry("b", signals=(LENGTH, LENGTH)), "two signals have the same name"),
        (
            entry("b", signals=(msgspec.structs.replace(LENGTH, inputs=frozenset()),)),
            "takes no input",
        ),
        (entry("b", signals=(msgspec.structs.replace(LENGTH, output="STRING"),)), "STRING"),
        (entry("b", signals=(msgspec.structs.replace(LENGTH, output="TEXT"),)), "malformed"),
        (entry("b", signals=(msgspec.structs.replace(LENGTH, output="ENUM"),)), "needs an order"),
        (entry("b", signals=(msgspec.structs.replace(LENGTH, cost=-1),)), "cost"),
        (entry("b", requires_config=True), "there are no fields for it"),
        (
            entry("b", config_fields=(ConfigField(key="a", label="A"),) * 2),
            "two configuration fields have the same key",
        ),
        (entry("b", functions={}), "TEXT_LENGTH has no function"),
        (entry("b", functions={"TEXT_LENGTH": length, "X": length}), "X has no declaration"),
        (entry("b", functions={"TEXT_LENGTH": len}), "is not asynchronous"),
        (entry("b", functions=7), "cannot be checked"),
        (entry("b", timeout=0), "timeout"),
        (entry("b", timeout=3600), "timeout"),
        (entry("b", concurrency=0), "concurrency"),
    ],
)
async def test_a_broken_plugin_is_reported_and_left_out(
    make_world: Callable[..., World],
    broken: Entry,
    reason: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The others, and the service, go on; the log and `problems` say why."""
    world = make_world(known=load([broken, entry("a")]))
    (problem,) = world.providers.problems()
    assert problem.entry_point == "b"
    assert reason in problem.reason
    assert "\n" not in problem.reason
    assert "a plugin is left out" in capfd.readouterr().out
    assert (await world.value("TEXT_LENGTH", "four")).score == 4.0
    assert (await world.value("OPEN_AI_HATE_TEXT_MODEL", "words")).score == 0.2


def test_an_import_that_hangs_does_not_hold_up_the_start() -> None:
    """After a while the plugin counts as broken."""
    gate = threading.Event()
    found = load([Entry("a", gate.wait)], import_seconds=0.2)
    gate.set()
    assert found.problems == (PluginProblem("a", "", "its import took over 0.2 s"),)


def test_of_two_with_one_id_the_same_one_is_left_out() -> None:
    """Whatever order the packages are found in."""
    one, two = entry("one"), entry("two", id="LENGTHS")
    for order in ([one, two], [two, one]):
        assert [problem.entry_point for problem in load(order).problems] == ["two"]


def test_the_example_of_the_documents_loads() -> None:
    """What docs/plugins.md shows is a plugin that Coop takes."""
    text = (Path(__file__).parents[3] / "docs/plugins.md").read_text(encoding="utf-8")
    source = text.split("```python\n")[1].split("```")[0]
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    found = load([Entry("acme", namespace["PLUGIN"])])
    assert found.problems == ()
    assert "ACME_TOXICITY" in found.catalogue


def test_installed_packages_are_found() -> None:
    """Without being told of entry points, those of the environment are loaded."""
    found = load()
    assert {"OPEN_AI", "ZENTROPI", "GOOGLE_CONTENT_SAFETY_API"} <= found.manifests.keys()
    assert {problem.entry_point for problem in found.problems} == set()
