"""The load of both rules benchmarks: an organisation with many rules, and items never seen before.

Guarantees: the same seed gives the same rules and items; no two items share a text (a lazily built
automaton looks forty times faster on repeated texts). Must not: be tuned to the engine under test.

Rules: 40 % keyword banks of 25, 30 % regexes, 30 % numbers, in rules of four conditions joined by
AND and OR. Items: about 1 KB of JSON with a text of 500 characters. With `dense`, numbers pass so
often that about seven of a hundred rules match an item. With a pool, all rules are made of as many
distinct conditions.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import msgspec

from coop_contracts.config import (
    Action,
    Document,
    Field,
    ItemType,
    Kind,
    Rule,
    ScalarType,
    TextBank,
)
from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem

ORG = "bench"
VERSION = "2026-01-01T00:00:00.000000Z"
NUMBERS = tuple(f"score{i}" for i in range(10))

Documents = list[tuple[Kind, Document]]


class Load:
    """Makes documents and items from one seed."""

    def __init__(self, seed: int = 1, *, dense: bool = False) -> None:
        self.random = random.Random(seed)
        self.dense = dense
        self.vocabulary = [self._word(self.random.randint(2, 9)) for _ in range(20_000)]
        self.made = 0

    def _word(self, length: int) -> str:
        return "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz", k=length))

    def _input(self) -> dict[str, Any]:
        if self.random.random() < 0.7:
            return {"type": "CONTENT_COOP_INPUT", "name": "All text"}
        return {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"}

    def _leaf(self, banks: list[TextBank]) -> dict[str, Any]:
        kind = self.random.random()
        if kind < 0.4:
            words = tuple(self._word(self.random.randint(4, 10)) for _ in range(25))
            bank = TextBank(id=f"bank{len(banks)}", name="Bank", type="STRING", strings=words)
            banks.append(bank)
            signal, matching = "TEXT_MATCHING_CONTAINS_TEXT", {"textBankIds": [bank.id]}
        elif kind < 0.7:
            regex = self.random.choice(
                [
                    rf"\b{self._word(4)}\w*\s+\d{{2,4}}",
                    rf"{self._word(3)}(ing|ed|s)?\W+{self._word(3)}",
                    rf"(?:{self._word(4)}|{self._word(5)}).{{0,20}}{self._word(3)}",
                    rf"{self._word(3)}[0-9]+{self._word(1)}",
                ]
            )
            signal, matching = "TEXT_MATCHING_CONTAINS_REGEX", {"strings": [regex]}
        else:
            name = self.random.choice(NUMBERS)
            above = self.random.random() < 0.7
            rare = self.random.uniform(0.5, 0.75) if self.dense else self.random.uniform(0.01, 0.2)
            threshold = 1 - rare if above else rare
            return {
                "input": {"type": "CONTENT_FIELD", "name": name, "contentTypeId": "post"},
                "comparator": "GREATER_THAN" if above else "LESS_THAN_OR_EQUALS",
                "threshold": str(round(threshold, 3)),
            }
        return {
            "input": self._input(),
            "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
            "matchingValues": matching,
        }

    def documents(self, rules: int, *, pool: int | None = None) -> Documents:
        """An item type, banks, an action and `rules` live rules that carry it."""
        fields = [Field(name="text", type=ScalarType.STRING, required=True)]
        fields += [Field(name=name, type=ScalarType.NUMBER) for name in NUMBERS]
        fields += [Field(name=f"note{i}", type=ScalarType.STRING) for i in range(3)]
        item_type = ItemType(
            id="post", name="Post", kind="CONTENT", version=VERSION, fields=tuple(fields)
        )
        action = Action(id="act", name="Delete", item_type_ids=("post",), callback_url="http://x")
        banks: list[TextBank] = []
        made: list[Document] = []
        shared = [self._leaf(banks) for _ in range(pool or 0)]
        for index in range(rules):
            outer = self.random.choice(["AND", "OR"])
            inner = "OR" if outer == "AND" else "AND"
            pairs = [
                self.random.sample(shared, 2) if shared else [self._leaf(banks), self._leaf(banks)]
                for _ in range(2)
            ]
            conditions = {
                "conjunction": outer,
                "conditions": [{"conjunction": inner, "conditions": pair} for pair in pairs],
            }
            made.append(
                Rule(
                    id=f"rule{index}",
                    name=f"Rule {index}",
                    status="LIVE",  # type: ignore[arg-type]
                    item_type_ids=("post",),
                    condition_set=conditions,
                    action_ids=("act",),
                )
            )
        documents: Documents = [(Kind.ITEM_TYPE, item_type), (Kind.ACTION, action)]
        documents += [(Kind.TEXT_BANK, bank) for bank in banks]
        return documents + [(Kind.RULE, rule) for rule in made]

    def text(self, length: int) -> str:
        words: list[str] = []
        while sum(map(len, words)) + len(words) < length:
            words += self.random.choices(self.vocabulary, k=12)
            words.append(self._word(self.random.randint(3, 8)))
            words.append(str(self.random.randint(0, 9999)))
        return " ".join(words)[:length]

    def item(self) -> ItemSubmitted:
        """An item with a text of its own, about 1 KB of data."""
        self.made += 1
        data: dict[str, Any] = {"text": self.text(500)}
        data |= {name: round(self.random.random(), 4) for name in NUMBERS}
        data |= {f"note{i}": self.text(60) for i in range(3)}
        submission = f"{self.random.getrandbits(128):032x}"
        return ItemSubmitted(
            event_id=submission,
            org_id=ORG,
            time=datetime.now(UTC),
            correlation_id=submission,
            submission_id=submission,
            item=SubmittedItem(
                id=f"item-{self.made}",
                type_id="post",
                type_version=VERSION,
                data=msgspec.Raw(msgspec.json.encode(data)),
                creator=ItemRef(f"user-{self.made % 997}", "user"),
                submission_id=submission,
            ),
            request_id=f"request-{self.made}",
            config_revision=1,
        )
