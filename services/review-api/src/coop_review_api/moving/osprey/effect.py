"""What follows from Osprey's rules, as actions here: a webhook that says which effect it is.

    LabelAdd(entity=UserId, label='spam')  ─▶  the action `osprey-…`, "LabelAdd label=spam", whose
                                               body has effect, label and the entity's field

A label is a state of an entity that Osprey keeps; nothing here keeps it, and no rule here can ask
for it. So it is said to the platform, as a verdict and any other effect is.

Guarantees: one effect with the same constants is one action, under an id made of them.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from coop_contracts.config import Action, Kind
from coop_review_api.moving.mapped import Mapped
from coop_review_api.moving.osprey.expression import Meaning
from coop_review_api.moving.osprey.feature import UnmappedError
from coop_review_api.moving.osprey.ruleset import Statement, arguments_of, place_of

_SECONDS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_NAME: Final = 200
_DIGITS: Final = 24


@dataclass
class Effects:
    """The actions of a set of rules, and the rules that ask for them, by name."""

    meaning: Meaning
    callback: str | None
    actions: dict[str, Action] = field(default_factory=dict)
    of_rule: dict[str, set[str]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    acting: set[str] = field(default_factory=set)

    def read(self, statement: Statement) -> None:
        """A WhenRules."""
        arguments = arguments_of(statement.call) or {}
        asking, then = arguments.get("rules_any"), arguments.get("then")
        if not isinstance(asking, ast.List) or not isinstance(then, ast.List):
            self.refused.append((statement.place, "has no list of rules, or none of effects"))
            return
        action_ids = []
        for one in then.elts:
            try:
                action_ids.append(self._action(one, statement.file))
            except UnmappedError as error:
                self.refused.append((error.place, error.reason))
        for one in asking.elts:
            if isinstance(one, ast.Name):
                self.acting.add(one.id)
                self.of_rule.setdefault(one.id, set()).update(action_ids)
            else:
                self.refused.append((place_of(statement.file, one), "is no name of a rule"))

    def mapped(self) -> list[Mapped]:
        return [Mapped(kind=Kind.ACTION, document=one) for _, one in sorted(self.actions.items())]

    def _action(self, node: ast.expr, file: str) -> str:
        place = place_of(file, node)
        arguments = arguments_of(node) if isinstance(node, ast.Call) else None
        if arguments is None or not isinstance(node, ast.Call):
            raise UnmappedError(place, "is no effect with named arguments")
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if "apply_if" in arguments:
            raise UnmappedError(place, f"{name} under a condition of its own: make a rule of it")
        body: dict[str, Any] = {"effect": name}
        for key, value in sorted(arguments.items()):
            body[key] = self._argument(value, file)
        if self.callback is None:
            raise UnmappedError(place, f"{name} needs the address of a webhook: --callback")
        shown = ", ".join(f"{key}={value}" for key, value in body.items() if key != "effect")
        digest = hashlib.sha256(msgspec.json.encode(body)).hexdigest()
        action_id = f"osprey-{digest[:_DIGITS]}"
        self.actions[action_id] = Action(
            id=action_id,
            name=f"{name} {shown}"[:_NAME],
            description="An effect of Osprey's",
            item_type_ids=(self.meaning.type_id,),
            callback_url=self.callback,
            callback_url_body=body,
        )
        return action_id

    def _argument(self, node: ast.expr, file: str) -> Any:
        """A constant, a time in seconds, or the field of an entity."""
        feature = self.meaning.feature(node, file)
        if feature is not None:
            return {"field": feature.field}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = arguments_of(node)
            if node.func.id == "TimeDelta" and given and given.keys() <= _SECONDS.keys():
                return {"seconds": sum(self._seconds(k, one, file) for k, one in given.items())}
            raise UnmappedError(place_of(file, node), f"{node.func.id} has no counterpart here")
        if isinstance(node, ast.JoinedStr):
            return ast.unparse(node)[:_NAME]
        return self.meaning.value(node, file)

    def _seconds(self, unit: str, node: ast.expr, file: str) -> float:
        value = self.meaning.value(node, file)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnmappedError(place_of(file, node), "is no number")
        return value * _SECONDS[unit]
