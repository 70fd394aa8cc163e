"""What a request adds to a user's strikes, judged on the request and the configuration."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from coop_action_dispatcher.arrival import NotYet
from coop_action_dispatcher.strike import part_of, reversal_of, weight_of
from coop_contracts.config import ItemType, Kind, OrgSettings, Policy
from coop_contracts.event import ActionRequested, ItemRef
from coop_runtime.process.error import Poison

Make = Callable[..., ActionRequested]

AUTHOR = ItemRef("author-1", "u-1")
USER = ItemRef("user-1", "u-1")


@pytest.fixture
def striking(configuration: Any) -> Any:
    """An organisation with a strike-enabled action and a user type."""
    configuration.put(
        Kind.ITEM_TYPE, ItemType(id="u-1", name="User", kind="USER", fields=(), version="")
    )
    configuration.put_action("http://platform/hook", apply_user_strikes=True)
    configuration.put_action("http://platform/hook", action_id="a-plain")
    configuration.put(Kind.POLICY, Policy(id="p-3", name="Hate", user_strike_count=3))
    configuration.put(Kind.POLICY, Policy(id="p-0", name="Mild", user_strike_count=0))
    return configuration


def test_the_user_itself_or_the_creator_is_struck(striking: Any, make_request: Make) -> None:
    """A user item is struck itself, any other item's creator is, and without one nobody."""
    policies = ("p-3",)
    on_user = part_of(make_request(item=USER, creator=AUTHOR, policy_ids=policies), striking.table)
    on_author = part_of(make_request(creator=AUTHOR, policy_ids=policies), striking.table)
    on_nobody = part_of(make_request(policy_ids=policies), striking.table)
    assert on_user is not None
    assert on_user.user.ref == USER
    assert on_author is not None
    assert on_author.user.ref == AUTHOR
    assert on_nobody is None


def test_the_heaviest_policy_makes_the_strike(striking: Any, make_request: Make) -> None:
    """Of several policies the one with the greatest weight counts, and is named."""
    part = part_of(
        make_request(creator=AUTHOR, policy_ids=("p-spam", "p-3", "p-0")), striking.table
    )
    assert part is not None
    assert (part.weight, part.policy_id) == (3, "p-3")


@pytest.mark.parametrize(
    "fields",
    [
        {"policy_ids": ()},
        {"policy_ids": ("p-0",)},
        {"policy_ids": ("p-3",), "action_id": "a-plain"},
        {"policy_ids": ("p-3",), "source": "STRIKE_THRESHOLD"},
        {"policy_ids": ("p-3",), "source": "REVERSAL"},
        {"policy_ids": ("p-3",), "reverses": str(uuid.uuid4())},
    ],
)
def test_what_gives_no_strike(striking: Any, make_request: Make, fields: dict[str, Any]) -> None:
    """No policy, no weight, no strike-enabled action, a threshold's action, a reversal: none."""
    assert part_of(make_request(creator=AUTHOR, **fields), striking.table) is None


def test_late_configuration_is_waited_for(striking: Any, make_request: Make) -> None:
    """What the request was made under and is not here may decide about the strike."""
    ahead = striking.revision + 1
    request = make_request(
        creator=AUTHOR, policy_ids=("p-new",), config_revision=ahead, action_id="a-1"
    )
    with pytest.raises(NotYet):
        part_of(request, striking.table)
    with pytest.raises(NotYet):
        part_of(
            make_request(creator=AUTHOR, action_id="a-new", config_revision=ahead), striking.table
        )


def test_strikes_last_as_long_as_the_organisation_says(striking: Any, make_request: Make) -> None:
    """A strike expires so many days after the request as the settings say."""
    request = make_request(creator=AUTHOR, policy_ids=("p-3",))
    before = part_of(request, striking.table)
    striking.put(Kind.SETTINGS, OrgSettings(id="settings", name="Acme", user_strike_ttl_days=7))
    after = part_of(request, striking.table)
    assert before is not None
    assert after is not None
    assert before.expires_at - request.time == timedelta(days=90)
    assert after.expires_at - request.time == timedelta(days=7)


def test_the_cause_is_the_requests_own_or_its_correlation(
    striking: Any, make_request: Make
) -> None:
    """One cause gives a user one strike id; another cause, user or organisation another one."""
    fields: dict[str, Any] = {"creator": AUTHOR, "policy_ids": ("p-3",)}
    one = part_of(make_request(**fields, cause_id="c-1"), striking.table)
    same = part_of(make_request("post-2", **fields, cause_id="c-1"), striking.table)
    other = part_of(make_request(**fields), striking.table)
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.strike_id == same.strike_id != other.strike_id
    assert other.cause_id == "submission-1"


def test_weights_are_inherited(striking: Any, make_request: Make) -> None:
    """A policy that applies its strikes downwards is worth what it says; those below are worth at
    least what the nearest such ancestor says; without such an ancestor what they say."""
    tree = [
        ("top", None, 5, True),
        ("low", "top", 1, False),
        ("heavy", "top", 8, False),
        ("lenient", "top", 2, True),
        ("leaf", "lenient", 1, False),
        ("apart", None, 5, False),
        ("alone", "apart", 1, False),
        ("orphan", "gone", 4, False),
        ("loop-1", "loop-2", 1, False),
        ("loop-2", "loop-1", 2, False),
    ]
    for policy_id, parent_id, weight, applies in tree:
        striking.put(
            Kind.POLICY,
            Policy(
                id=policy_id,
                name=policy_id,
                parent_id=parent_id,
                user_strike_count=weight,
                apply_strikes_to_sub_policies=applies,
            ),
        )
    request = make_request()
    worth = {one[0]: weight_of(request, one[0], striking.table) for one in tree}
    assert worth == {
        "top": 5,
        "low": 5,
        "heavy": 8,
        "lenient": 2,
        "leaf": 2,
        "apart": 5,
        "alone": 1,
        "orphan": 4,
        "loop-1": 1,
        "loop-2": 2,
    }


def test_a_user_type_that_was_deleted_is_still_one(striking: Any, make_request: Make) -> None:
    """The versions of an item type say what it was."""
    striking.remove(Kind.ITEM_TYPE, "u-1")
    striking.put(
        Kind.ITEM_TYPE_VERSION,
        ItemType(id="u-1@2026", name="User", kind="USER", fields=(), version="2026"),
    )
    part = part_of(make_request(item=USER, policy_ids=("p-3",)), striking.table)
    assert part is not None
    assert part.user.ref == USER


def test_a_reversal_of_no_execution_is_poison(make_request: Make) -> None:
    """An id that is no UUID can never name an execution."""
    assert reversal_of(make_request()) is None
    with pytest.raises(Poison):
        reversal_of(make_request(reverses="that one"))
