"""What a text bank may hold.

Guarantees: every entry is one that rules can match (`coop_rules`): patterns compile in RE2, the
engine they run in, so that no pattern of a user's can take more than linear time.
Must not: try patterns on text.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import Kind, TextBank
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.error import Fault
from coop_rules.check import bank_problems

MAX_STRINGS = 20_000
_MAX_FAULTS = 20


def check_text_bank(
    bank: TextBank, previous: TextBank | None, catalogue: Catalogue
) -> Iterator[Fault]:
    """Faults of a text bank, at most 20 of its strings."""
    if not bank.strings and catalogue.users_of(Kind.TEXT_BANK, bank.id):
        yield Fault("/strings", "rules match this bank: at least one string")
    if previous is not None and previous.type != bank.type:
        yield Fault("/type", "cannot be changed: rules match it as it is")
    if len(bank.strings) > MAX_STRINGS:
        yield Fault("/strings", f"at most {MAX_STRINGS} strings")
        return
    for problem in bank_problems(bank)[:_MAX_FAULTS]:
        yield Fault(problem.pointer, problem.reason)
