"""The erasure of an end user, as an operator asks for it: nothing that they said, or that was said
of them, is anywhere afterwards, and what is another's stays.

Topics are not among the places: they forget by their retention, which no test waits for. That they
do, with the settings that they are made with, is in `libs/runtime/tests/kafka/test_retention.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.journey.leftover import in_database, in_files, in_redis
from tests.journey.marked_user import MarkedUser, echo_action, echoing, is_everywhere
from tests.journey.platform_client import administrator, eventually
from tests.local_stack import LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

_PLANTED = {
    "review.comments",
    "review.decisions",
    "review.item_versions",
    "review.job_drafts",
    "review.log_export_chunks",
    "review.recent_submissions",
    "review.requested_actions",
    "review.user_notes",
    "queues.entries",
    "queues.job_items",
    "dispatch.attempts",
    "dispatch.requests",
}
_NAMED = {"review.evaluations", "dispatch.strike_users", "queues.jobs"}
_ON_THEIR_WAY = {"review.outbox", "dispatch.outbox"}


def _erase(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`coop erase …` as an operator of the stack."""
    given = dict(word.split("=", 1) for word in (stack.state / "cli.env").read_text().split())
    mine = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return subprocess.run(
        [sys.executable, "-m", "coop_cli", "erase", *arguments],
        env=mine | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _erased(stack: LocalStack, user: MarkedUser) -> dict[str, Any]:
    """The user's erasure, when it is finished: its report."""
    asked = _erase(stack, "user", user.ref["typeId"], user.id, "--yes", "--reason", "asked")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    erasure = json.loads(asked.stdout)
    assert erasure["state"] == "RUNNING"

    def finished() -> Any:
        shown = _erase(stack, "show", erasure["id"])
        return json.loads(shown.stdout) if shown.returncode == 0 else None

    found: dict[str, Any] = eventually(finished, "the end of the erasure", within=120)
    return found


async def test_nothing_of_an_erased_user_is_anywhere(stack: LocalStack) -> None:
    """A marker in all that a user sent and in all that was said of it is in the tables of every
    service before, and after `coop erase user` in no table, key, file or log; another user, who
    reported them and wrote with them, has all that they had."""
    async with administrator(stack) as console:
        user, other = MarkedUser.new(stack, console), MarkedUser.new(stack, console)
        with echoing() as (url, sent):
            async with echo_action(user, url) as action_id:
                await is_everywhere(user, other, action_id)
                eventually(lambda: user.marker in "".join(sent), "the decision's webhook")
                eventually(
                    lambda: in_database(stack, user.marker) >= _PLANTED,
                    "the marker in every table",
                )
                eventually(lambda: in_database(stack, user.id) >= _NAMED, "their id, too")
                eventually(lambda: in_redis(stack, user.id), "the user's strikes in Redis")
                theirs = in_database(stack, other.marker) - _ON_THEIR_WAY
                report = _erased(stack, user)
    assert in_database(stack, user.marker) == set()
    # Who of the organisation noted something on whom: append-only, and said to stay.
    assert in_database(stack, user.id) <= {"review.audit_log"}
    for word in (user.marker, user.id):
        assert in_redis(stack, word) == set()
        assert in_files(stack, word) == set()
    assert (report["state"], report["done"], report["error"]) == ("COMPLETE", 1, None)
    kinds = {one["kind"] for one in report["erased"]}
    assert {"item_versions", "evaluations", "comments", "decisions", "jobs", "webhooks"} <= kinds
    assert in_database(stack, other.marker) == theirs
