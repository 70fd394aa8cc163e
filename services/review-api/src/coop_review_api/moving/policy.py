"""Coop's policies, parents first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coop_contracts.config import Kind, Policy
from coop_review_api.moving.mapped import Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row

_LONGEST: Final = 50_000
"""Characters of a text that people can save here."""


def policies(source: CoopSource) -> Iterator[Mapped]:
    """A parent that is not there, or is below its own child, is left out."""
    rows = {row["id"]: row for row in source.of("public.policies")}
    done: dict[str, bool] = {}

    def visit(policy_id: str) -> Iterator[Mapped]:
        done[policy_id] = False  # on the way
        row = rows[policy_id]
        note = Noter(Kind.POLICY, policy_id, row["name"])
        parent = row["parent_id"]
        if parent is not None and parent not in rows:
            note.differs(f"is below the policy {parent}, which Coop has no more", "/parentId")
            parent = None
        elif parent is not None and done.get(parent) is False:
            note.differs(f"is below {parent}, which is below it: left out", "/parentId")
            parent = None
        elif parent is not None and parent not in done:
            yield from visit(parent)
        yield _policy(row, parent, note)
        done[policy_id] = True

    for policy_id in rows:
        if policy_id not in done:
            yield from visit(policy_id)


def _text(given: str | None, note: Noter, at: str) -> str:
    if given and len(given) > _LONGEST:
        note.cannot(
            f"the text has {len(given)} characters: what is beyond {_LONGEST} is left out", at
        )
        return given[:_LONGEST]
    return given or ""


def _policy(row: Row, parent_id: str | None, note: Noter) -> Mapped:
    return Mapped(
        kind=Kind.POLICY,
        document=Policy(
            id=row["id"],
            name=row["name"],
            parent_id=parent_id,
            policy_text=_text(row["policy_text"], note, "/policyText"),
            enforcement_guidelines=_text(
                row.get("enforcement_guidelines"), note, "/enforcementGuidelines"
            ),
            policy_type=row["policy_type"],
            user_strike_count=1 if row["user_strike_count"] is None else row["user_strike_count"],
            apply_strikes_to_sub_policies=bool(
                row.get("apply_user_strike_count_config_to_children")
            ),
            penalty=row["penalty"] or "NONE",
        ),
        findings=tuple(note.findings),
    )
