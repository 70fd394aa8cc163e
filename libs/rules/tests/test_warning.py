"""What may be saved and is not what it seems is warned of."""

from __future__ import annotations

from coop_rules.language.warning import MAX_WARNINGS, condition_warnings, regex_bank_warnings
from coop_rules.signal.catalogue import SignalCatalogue

from .rules_example import ALL_TEXT, both, counted, either, field, signal, text, transcribed

CATALOGUE = SignalCatalogue.builtin()


def warned(condition_set: object, *accounts: str) -> list[tuple[str, str]]:
    found = condition_warnings(condition_set, catalogue=CATALOGUE, accounts=accounts)
    return [(one.pointer, one.reason) for one in found]


def test_regexes() -> None:
    """Regexes that JavaScript reads otherwise are named by their place, however deep."""
    conditions = either(
        both(text("[[:alpha:]]"), text(r"free\s", r"\p{L}", kind="CONTAINS_REGEX")),
        both(counted(condition_set=both(text(r"\A", kind="NOT_CONTAINS_REGEX")))),
    )
    (first, why), (second, _) = warned(conditions)
    assert first == "/conditions/0/conditions/1/matchingValues/strings/1"
    assert why.startswith(r"\p is a class of Unicode's")
    assert second == (
        "/conditions/1/conditions/0/signal/args/aggregationClause/conditionSet/conditions/0"
        "/matchingValues/strings/0"
    )


def test_accounts() -> None:
    """A model without its account is named, also where it only derives a text."""
    hateful = signal("OPEN_AI_HATE_TEXT_MODEL", ALL_TEXT, "GREATER_THAN", 0.5)
    spoken = text("spam", source=transcribed(field("clip")))
    strikes = signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "GREATER_THAN", 3)
    conditions = both(hateful, spoken, strikes)
    places = ["/conditions/0/signal/type", "/conditions/1/input/spec/derivationType"]
    assert [place for place, _ in warned(conditions, "ZENTROPI")] == places
    assert "OPEN_AI is not set up" in warned(conditions)[0][1]
    assert warned(conditions, "OPEN_AI") == []


def test_banks() -> None:
    """Entries of a bank are named, at most so many; a condition set that is none warns of
    nothing."""
    assert [one.pointer for one in regex_bank_warnings(["a", "[]a]", r"\u0061"])] == ["/strings/1"]
    assert len(regex_bank_warnings([rf"\p{{L}}{n}" for n in range(200)])) == MAX_WARNINGS
    assert warned({"conjunction": "AND"}) == []
