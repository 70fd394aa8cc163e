"""Whose explanation is meant: a submission's, or an item's newest."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from coop_cli.api_client import ApiRefused, ReviewApi
from coop_cli.explained import NotExplained, explained

EVALUATIONS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("t-post", "post/1 ?"): [
        {"submissionId": "s-2", "lane": "SLOW", "time": "2026-03-02T00:00:00Z"},
        {"submissionId": "s-2", "lane": "FAST", "time": "2026-03-02T00:00:00Z"},
        {"submissionId": "s-1", "lane": "FAST", "time": "2026-03-01T00:00:00Z"},
    ],
    ("t-comment", "post/1 ?"): [
        {"submissionId": "s-3", "lane": "FAST", "time": "2026-03-03T00:00:00Z"}
    ],
}


class Api:
    """An API that knows three submissions, and what it was asked."""

    def __init__(self, *, status: int = 404) -> None:
        self.status = status
        self.client = ReviewApi(
            httpx.Client(transport=httpx.MockTransport(self), base_url="http://review")
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/item-types":
            types = [{"id": "t-post", "name": "Post"}, {"id": "t-comment", "name": "Comment"}]
            return httpx.Response(200, json={"items": types, "nextCursor": None})
        if path == "/v1/evaluations":
            asked = request.url.params
            found = EVALUATIONS.get((asked["itemTypeId"], asked["itemId"]), [])
            return httpx.Response(200, json={"items": found, "nextCursor": None})
        submission = path.split("/")[3]
        if submission.startswith("s-"):
            return httpx.Response(200, json={"submissionId": submission})
        return httpx.Response(self.status, json={"title": "no", "detail": "no such submission"})


def test_a_submission_is_explained_by_its_id() -> None:
    """At once, without looking for items."""
    assert explained(Api().client, "s-1", item_type=None) == ({"submissionId": "s-1"}, [])


@pytest.mark.parametrize("status", [404, 422])
def test_an_item_is_explained_by_its_newest_submission(status: int) -> None:
    """Of whatever type; the earlier ones are told of, each once."""
    found, others = explained(Api(status=status).client, "post/1 ?", item_type=None)
    assert found["submissionId"] == "s-3"
    assert [one["submissionId"] for one in others] == ["s-2", "s-1"]


def test_an_items_type_can_be_said() -> None:
    """By its name or its id; one that is not there is said."""
    for named in ("Post", "t-post"):
        found, others = explained(Api().client, "post/1 ?", item_type=named)
        assert found["submissionId"] == "s-2"
        assert [one["submissionId"] for one in others] == ["s-1"]
    with pytest.raises(NotExplained, match="no item type Posts"):
        explained(Api().client, "post/1 ?", item_type="Posts")


def test_nothing_recorded_is_said_with_its_reason() -> None:
    """What is kept of items that matched nothing is a sample."""
    with pytest.raises(NotExplained, match=r"HTTP 404.*a sample of the rest"):
        explained(Api().client, "unknown", item_type=None)


def test_other_refusals_are_the_apis() -> None:
    """A missing permission is no unknown submission."""
    with pytest.raises(ApiRefused):
        explained(Api(status=403).client, "unknown", item_type=None)
