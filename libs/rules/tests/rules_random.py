"""Random rules, items and external values, for hypothesis."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from coop_contracts.event import SignalValue

from .rules_example import (
    ALL_TEXT,
    ANYWHERE,
    BANKS,
    LOCATION_BANKS,
    POST,
    both,
    counted,
    field,
    leaf,
    program,
    signal,
    text,
    transcribed,
)
from .rules_reference import Reference

AUTHOR = {"type": "CONTENT_COOP_INPUT", "name": "Content author (user)"}
ANY_IMAGE = {"type": "CONTENT_COOP_INPUT", "name": "Any image"}
CLIP = transcribed(field("clip"))

words = st.sampled_from(["spam", "SPAM", "free", "FR33", "straße", "STRASSE", "hello", "ſpam", ""])
texts = st.lists(words, max_size=4).map(" ".join)
numbers = st.sampled_from([0, 1, -1, 0.5, 2, 10**18])
times = st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-01-01", "2025-12-31T23:00:00-02:00"])
places = st.sampled_from(["u09tvw0f6sz", "u4pruydqqvj", "dr5regw3ppy", "not a geohash!"])
urls = st.sampled_from(["https://x.test/a.png", "https://x.test/b.png"])
# A tenth of the values has the wrong type, as data of an older version of the item type may.
wrong = st.sampled_from([{"id": 3}, ["x"], {"a": 1}])


def sometimes(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, values, values, values, values, values, values, wrong, st.none())


media = st.fixed_dictionaries(
    {"url": urls}, optional={"mediaType": st.sampled_from(["IMAGE", "VIDEO", None])}
)
items = st.fixed_dictionaries(
    {},
    optional={
        "title": sometimes(texts),
        "likes": sometimes(st.one_of(numbers, st.booleans())),
        "scores": sometimes(st.lists(st.one_of(numbers, st.none()), max_size=3)),
        "tags": sometimes(st.lists(st.one_of(texts, st.none(), numbers), max_size=3)),
        "captions": sometimes(st.dictionaries(st.sampled_from("ab"), texts, max_size=2)),
        "public": sometimes(st.booleans()),
        "sent": sometimes(times),
        "author": sometimes(st.sampled_from([{"id": "u1", "typeId": "user"}])),
        "picture": sometimes(urls.map(lambda url: {"url": url})),
        "media": sometimes(media),
        "clip": sometimes(urls.map(lambda url: {"url": url})),
        "place": sometimes(places),
    },
)
equality = st.sampled_from(["EQUALS", "NOT_EQUAL_TO"])
ordered = st.sampled_from(
    ["LESS_THAN", "LESS_THAN_OR_EQUALS", "GREATER_THAN", "GREATER_THAN_OR_EQUALS"]
)
order = st.one_of(equality, ordered)
listing = st.sampled_from(["IN", "NOT_IN"])
presence = st.sampled_from(["IS_NOT_PROVIDED", "IS_UNAVAILABLE"])
text_inputs = st.sampled_from([ALL_TEXT, *map(field, ("title", "tags", "captions"))])
numeric = st.sampled_from([field("likes"), field("scores")])
any_input = st.sampled_from([ALL_TEXT, {"type": "USER_ID"}, CLIP, *map(field, ("title", "scores"))])

plain = st.one_of(
    st.builds(leaf, numeric, order, numbers),
    st.builds(leaf, numeric, order, numbers.map(str)),
    st.builds(leaf, text_inputs, equality, words),
    st.builds(leaf, st.just(field("public")), equality, st.sampled_from(["true", "false", True])),
    st.builds(leaf, st.just(field("public"))),
    st.builds(leaf, st.just(field("sent")), order, times),
    st.builds(leaf, st.sampled_from([{"type": "USER_ID"}, field("author")]), equality, words),
    st.builds(leaf, st.sampled_from([{"type": "USER_ID"}, AUTHOR]), equality, st.just("u1")),
    st.builds(leaf, any_input, presence),
    st.builds(leaf, st.just(field("body", "comment")), equality, words),
)
listed = st.one_of(
    st.builds(leaf, numeric, listing, st.lists(numbers, min_size=1, max_size=3)),
    st.builds(leaf, text_inputs, listing, st.lists(words, min_size=1, max_size=3)),
    st.builds(
        lambda comparator, strings: {
            **leaf(field("tags"), comparator),
            "matchingValues": {"strings": strings},
        },
        listing,
        st.lists(words.filter(bool), min_size=1, max_size=3),
    ),
    st.builds(leaf, text_inputs, st.just("CONTAINS"), words),
    st.builds(leaf, st.just(field("captions")), st.just("CONTAINS"), st.sampled_from(["a", "b"])),
    st.builds(leaf, st.just(field("scores")), st.just("CONTAINS"), numbers),
    st.builds(leaf, st.just(ANY_IMAGE), st.just("CONTAINS"), urls),
)


def _text(source: Any, kind: str, negation: str, strings: list[str]) -> dict[str, Any]:
    return text(*strings, kind=f"{negation}CONTAINS_{kind}", source=source)


scanned = st.one_of(
    st.builds(
        _text,
        st.one_of(text_inputs, st.just(CLIP)),
        st.sampled_from(["TEXT", "WORD"]),
        st.sampled_from(["", "NOT_"]),
        st.lists(words.filter(bool), min_size=1, max_size=3),
    ),
    st.builds(
        _text,
        text_inputs,
        st.just("VARIANT"),
        st.just(""),
        st.lists(words.filter(bool), min_size=1, max_size=2),
    ),
    st.builds(
        _text,
        text_inputs,
        st.just("REGEX"),
        st.sampled_from(["", "NOT_"]),
        st.lists(
            st.sampled_from([r"fr[e3]{2}\b", "^spam", "hello$", "x*", "[^ ]3", r"\bspam\b|free"]),
            min_size=1,
            max_size=2,
        ),
    ),
    st.builds(
        lambda negation, source: text(
            kind=f"{negation}CONTAINS_REGEX", source=source, banks=("regexes",)
        ),
        st.sampled_from(["", "NOT_"]),
        text_inputs,
    ),
    st.builds(
        lambda equal, threshold: {**text(banks=("words",)), "comparator": equal, **threshold},
        equality,
        st.sampled_from(["true", "false"]).map(lambda found: {"threshold": found}),
    ),
    st.just({**text("spam", source=field("tags")), "comparator": "IS_UNAVAILABLE"}),
)
computed = st.one_of(
    st.builds(
        lambda comparator, threshold: signal(
            "TEXT_SIMILARITY_SCORE", field("title"), comparator, threshold, strings=["spam free"]
        ),
        order,
        st.sampled_from([0.5, 0.8, 1.0]),
    ),
    st.builds(
        lambda how: {
            **signal("GEO_CONTAINED_WITHIN", field("place"), locationBankIds=["places"]),
            **how,
        },
        st.sampled_from([{}, {"comparator": "EQUALS", "threshold": "false"}]),
    ),
)
external = st.one_of(
    st.builds(
        lambda source, comparator, threshold: signal(
            "USER_STRIKE_VALUE", source, comparator, threshold
        ),
        st.sampled_from([AUTHOR, field("author")]),
        order,
        numbers,
    ),
    st.builds(
        lambda comparator, threshold: signal(
            "OPEN_AI_HATE_TEXT_MODEL", field("tags"), comparator, threshold
        ),
        st.one_of(ordered, st.just("IS_UNAVAILABLE"), st.just("IS_NOT_PROVIDED")),
        st.sampled_from([0.5, "0.9"]),
    ),
    st.builds(lambda comparator: signal("OPEN_AI_HATE_TEXT_MODEL", CLIP, comparator, 0.5), ordered),
    st.builds(
        lambda name: signal(f"IMAGE_SIMILARITY_{name}", ANY_IMAGE, imageBankIds=["bank"]),
        st.sampled_from(["MATCH", "DOES_NOT_MATCH"]),
    ),
    st.builds(
        lambda comparator, threshold: signal(
            "GOOGLE_CONTENT_SAFETY_API_IMAGE", field("picture"), comparator, threshold
        ),
        order,
        st.sampled_from(["LOW", "HIGH"]),
    ),
    st.just(counted({"type": "USER_ID"})),
    st.just(counted({"type": "USER_ID"}, condition_set=both(text("spam")), threshold=1)),
)
leaves = st.one_of(plain, plain, listed, scanned, scanned, computed, external)


def _set(name: str, children: list[Any]) -> dict[str, Any]:
    return {"conjunction": name, "conditions": children[:1] if name == "NOT" else children}


nested = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner,
        st.builds(
            _set,
            st.sampled_from(["AND", "OR", "XOR", "NOT"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=8,
)
condition_sets = st.one_of(
    st.builds(
        _set, st.sampled_from(["AND", "OR", "XOR"]), st.lists(nested, min_size=0, max_size=4)
    ),
    st.builds(_set, st.just("NOT"), st.lists(nested, min_size=1, max_size=1)),
)

given_values = st.one_of(
    st.just("absent"),
    st.just("errored"),
    st.sampled_from([0, 1, 0.7, 5, True, False, "LOW", "VERY_HIGH", "spam and more", "what"]),
)
"""What an external signal says of one value: drawn again for each key and position."""


class World:
    """Draws external values when they are asked for, and remembers them by key and position."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._known: dict[tuple[str, int], Any] = {}

    def values(self, key: str, name: str, count: int) -> list[SignalValue]:
        found = []
        for position in range(count):
            if (key, position) not in self._known:
                self._known[key, position] = self._data.draw(given_values)
            value = self._known[key, position]
            if value == "errored":
                found.append(SignalValue(key=key, signal=name, position=position, error="down"))
            elif value != "absent":
                found.append(SignalValue(key=key, signal=name, position=position, score=value))
        return found


_KEYS: dict[tuple[str, bool], str] = {}


def key_of(one: dict[str, Any], *, derived: bool = False) -> str:
    """The key of a leaf's need, or of the need that derives its input."""
    name = json.dumps(one, sort_keys=True), derived
    if name not in _KEYS:
        needs = program(both(one), routing=True, catalogue=ANYWHERE).needs
        _KEYS[name] = next(n.key for n in needs if (n.signal.derivation is not None) is derived)
    return _KEYS[name]


REFERENCE = Reference(POST, banks=BANKS, location_banks=LOCATION_BANKS, key_of=key_of)
