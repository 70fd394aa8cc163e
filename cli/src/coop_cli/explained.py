"""Which submission somebody means: by its own id, or by that of the item that was submitted.

Must not: show anything; `explanation_text` does.
"""

from __future__ import annotations

from typing import Any

from coop_cli.api_client import ApiRefused, ReviewApi, part

_NOT_ONE = (404, 422)  # of an id that is no submission's
_MOST = 20  # earlier submissions that are told of


class NotExplained(Exception):
    """Nothing is recorded; the message says of what."""


def explained(
    api: ReviewApi, named: str, *, item_type: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The explanation, and what else is recorded of the same item, the newest first.

    Raises NotExplained, ApiRefused, ApiUnavailable.
    """
    if item_type is None:
        try:
            return _explanation(api, named), []
        except ApiRefused as error:
            if error.status not in _NOT_ONE:
                raise
    recorded = _recorded(api, named, item_type)
    if not recorded:
        raise NotExplained(
            f"HTTP 404: no submission has the id {named}, and nothing is recorded of an item with "
            "it: recorded is what a rule matched or could not decide, and a sample of the rest"
        )
    newest, *others = recorded
    return _explanation(api, newest["submissionId"]), others[:_MOST]


def _explanation(api: ReviewApi, submission_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/submissions/{part(submission_id)}/explanation")
    return found


def _recorded(api: ReviewApi, item_id: str, item_type: str | None) -> list[dict[str, Any]]:
    """The evaluations of the item, one a submission, whatever its type, the newest first."""
    types = [
        one["id"]
        for one in api.all("item-types")
        if item_type is None or item_type in (one["id"], one["name"])
    ]
    if not types:
        raise NotExplained(f"there is no item type {item_type}")
    found: dict[str, dict[str, Any]] = {}
    for type_id in types:
        page = api.get("/v1/evaluations", itemTypeId=type_id, itemId=item_id, limit="200")
        for one in page["items"]:
            found.setdefault(one["submissionId"], one)
    return sorted(found.values(), key=lambda one: str(one["time"]), reverse=True)
