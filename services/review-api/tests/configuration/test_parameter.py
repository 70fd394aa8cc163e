"""Values of action parameters, and what a decision makes of them, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.config import ActionParameter, ParameterOption, Policy, Rule, RuleStatus
from coop_review_api.configuration.parameter import check_parameters, resolve_values
from coop_review_api.configuration.reference import references_of

OPTIONS = tuple(ParameterOption(value=name, label=name.upper()) for name in ("a", "b", "c"))


def parameter(kind: str, **more: Any) -> ActionParameter:
    return ActionParameter(name="p", display_name="P", type=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "value", "good"),
    [
        (parameter("STRING", max_length=3), "abc", True),
        (parameter("STRING", max_length=3), "abcd", False),
        (parameter("STRING"), 3, False),
        (parameter("NUMBER", min=1, max=2), 1, True),
        (parameter("NUMBER", min=1, max=2), 2.5, False),
        (parameter("NUMBER"), True, False),
        (parameter("NUMBER"), float("nan"), False),
        (parameter("NUMBER"), "1", False),
        (parameter("BOOLEAN"), False, True),
        (parameter("BOOLEAN"), 0, False),
        (parameter("SELECT", options=OPTIONS), "b", True),
        (parameter("SELECT", options=OPTIONS), "d", False),
        (parameter("SELECT", options=OPTIONS), ["b"], False),
        (parameter("MULTISELECT", options=OPTIONS), ["a", "b"], True),
        (parameter("MULTISELECT", options=OPTIONS), ["a", "a"], True),
        (parameter("MULTISELECT", options=OPTIONS), ["d"], False),
        (parameter("MULTISELECT", options=OPTIONS), [["a"]], False),
        (parameter("MULTISELECT", options=OPTIONS), "a", False),
    ],
)
def test_values_fit_their_parameter(spec: ActionParameter, value: Any, good: bool) -> None:
    """A value is taken as it is or refused with the pointer of the parameter, never coerced."""
    resolved, faults = resolve_values([spec], {"p": value}, at="/x")
    assert (not faults) == good
    if good:
        assert resolved == {"p": value}
    else:
        assert faults[0].pointer == "/x/p"


@pytest.mark.parametrize("empty", [None, "", []])
def test_required_is_required(empty: Any) -> None:
    """Empty is missing for a required parameter; a default stands in where nothing is given."""
    kind = "MULTISELECT" if empty == [] else "STRING"
    spec = parameter(kind, required=True, options=OPTIONS if empty == [] else ())
    _, faults = resolve_values([spec], {"p": empty}, at="")
    assert [fault.reason for fault in faults] == ["required"]
    given_default = parameter("STRING", required=True, default_value="d")
    assert resolve_values([given_default], {}, at="") == ({"p": "d"}, [])
    assert [fault.reason for fault in resolve_values([given_default], {"p": empty}, at="")[1]] == [
        "required" if empty != [] else "must be a string"
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["p", "q"]), json_values))
def test_any_value_is_judged(values: dict[str, Any]) -> None:
    """Whatever is sent, the answer is values or faults, never an error; names must be known."""
    for kind in ("STRING", "NUMBER", "BOOLEAN", "SELECT", "MULTISELECT"):
        spec = parameter(kind, options=OPTIONS if "SELECT" in kind else ())
        resolved, faults = resolve_values([spec], values, at="")
        assert set(resolved) <= {"p"}
        assert any(fault.pointer == "/q" for fault in faults) == ("q" in values)


@given(json_values.filter(lambda value: value != ""))
def test_a_valid_default_is_a_valid_value(default: Any) -> None:
    """What passes as a default passes as a value, and the other way round; an empty text is no
    default, and as a value it is left out."""
    spec = parameter("SELECT", options=OPTIONS, default_value=default)
    defaults_good = not list(check_parameters([spec]))
    values_good = not resolve_values([parameter("SELECT", options=OPTIONS)], {"p": default}, at="")[
        1
    ]
    assert defaults_good == values_good


def test_references_in_conditions_are_found_at_any_depth() -> None:
    """Banks and item types are found however deep they are nested, each with its pointer."""
    leaf = {
        "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "t"},
        "matchingValues": {"textBankIds": ["b"]},
    }
    condition: dict[str, Any] = leaf
    for _ in range(2000):
        condition = {"conjunction": "AND", "conditions": [condition]}
    rule = Rule(
        id="r",
        name="R",
        status=RuleStatus.DRAFT,
        item_type_ids=("t",),
        condition_set=condition,
        policy_ids=("p",),
    )
    found = [(reference.kind, reference.id) for reference in references_of(rule)]
    assert found == [
        ("item-type", "t"),
        ("policy", "p"),
        ("item-type", "t"),
        ("text-bank", "b"),
    ]
    assert not list(references_of(Policy(id="p", name="P")))
