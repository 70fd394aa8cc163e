"""What an integration says of itself: its account, its signals, its model.

Guarantees: `problems_of` names everything that is wrong with a manifest, each in one line.
Must not: hold a value of a configuration field. The sections of a model card are Coop's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from coop_contracts.config import ScalarType
from coop_rules.signal.signal import Output, SignalType, Thresholds

MAX_COST = 1000
_ID = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,63}")


class ConfigField(Struct, frozen=True, kw_only=True, rename="camel"):
    """One field of the account. `password` fields are secrets: stored encrypted, never shown."""

    key: str
    label: str
    required: bool = False
    input_type: Literal["text", "password", "json", "array"] = "text"
    description: str = ""


class ModelCard(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one must know before trusting a model's scores. Every section is required; where
    something is not known, the section says so."""

    training_data: str
    policy_and_taxonomy: str
    annotation_methodology: str
    performance_benchmarks: str
    bias_and_limitations: str
    implementation_guidance: str
    relevant_links: tuple[str, ...]


class SignalDeclaration(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A signal: what it takes and gives. `order` are the values of an ENUM, lowest first; `cost`
    orders conditions (0 a field, 20 a remote model); `languages` empty means all."""

    name: str
    display_name: str
    description: str
    inputs: frozenset[ScalarType]
    output: Output
    cost: int = 20
    order: tuple[str, ...] = ()
    subcategories: bool = False
    allowed_in_rules: bool = True
    recommended_thresholds: Thresholds | None = None
    languages: tuple[str, ...] = ()

    @classmethod
    def of(cls, signal: SignalType) -> SignalDeclaration:
        """What a built-in signal declares."""
        return cls(**{name: getattr(signal, name) for name in cls.__struct_fields__})

    def signal_type(self, manifest: Manifest) -> SignalType:
        """The signal as rules know it: fetched by the slow lane."""
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        return SignalType(
            **own,
            lane="SLOW",
            external=True,
            integration=manifest.id,
            needs_account=manifest.requires_config,
            docs_url=manifest.docs_url,
        )


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """An integration. `id` is that of its configuration document. Without `requires_config` its
    signals run for every organisation that has not switched the integration off. A plugin has
    signals; of the built-in ones Google Places has none."""

    id: str
    name: str
    version: str
    docs_url: str
    model_card: ModelCard
    signals: tuple[SignalDeclaration, ...]
    requires_config: bool = False
    config_fields: tuple[ConfigField, ...] = ()


def problems_of(manifest: Manifest) -> list[str]:
    """Everything wrong with a manifest, each in one line; empty when it is good."""
    try:
        # Structs made in Python are not checked when they are made.
        msgspec.convert(msgspec.to_builtins(manifest), Manifest)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        return [f"the manifest is malformed: {error}"]
    return [
        *_identity_problems(manifest),
        *_field_problems(manifest),
        *_signal_problems(manifest),
        *_card_problems(manifest.model_card),
    ]


def _identity_problems(manifest: Manifest) -> Iterator[str]:
    if not _ID.fullmatch(manifest.id):
        yield f"the id {manifest.id!r} is not of the form EXAMPLE_ID"
    for name in ("name", "version"):
        if not getattr(manifest, name).strip():
            yield f"the {name} is empty"
    if not manifest.docs_url.startswith(("https://", "http://")):
        yield "the docs URL is not an http URL"


def _field_problems(manifest: Manifest) -> Iterator[str]:
    keys = [field.key for field in manifest.config_fields]
    for key in keys:
        if not _KEY.fullmatch(key):
            yield f"the configuration field {key!r} has no proper key"
    if len(set(keys)) != len(keys):
        yield "two configuration fields have the same key"
    if manifest.requires_config and not keys:
        yield "a configuration is required, and there are no fields for it"


def _signal_problems(manifest: Manifest) -> Iterator[str]:
    if not manifest.signals:
        yield "there are no signals"
    names = [signal.name for signal in manifest.signals]
    if len(set(names)) != len(names):
        yield "two signals have the same name"
    for signal in manifest.signals:
        if not _ID.fullmatch(signal.name):
            yield f"the signal name {signal.name!r} is not of the form EXAMPLE_NAME"
        if not signal.inputs:
            yield f"{signal.name} takes no input"
        if not 0 <= signal.cost <= MAX_COST:
            yield f"{signal.name} has a cost outside 0 to {MAX_COST}"
        if signal.output == "STRING":
            yield f"{signal.name} gives a STRING, which no condition can compare"
        elif signal.output == "ENUM":
            if len(signal.order) < 2 or len(set(signal.order)) != len(signal.order):
                yield f"{signal.name} needs an order of at least two different values"
        elif signal.order:
            yield f"{signal.name} has an order but is no ENUM"


def _card_problems(card: ModelCard) -> Iterator[str]:
    for section in card.__struct_fields__:
        content = getattr(card, section)
        empty = not content.strip() if isinstance(content, str) else not content
        if empty:
            yield f"the model card's section {section} is empty"
