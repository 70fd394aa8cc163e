"""What a role may be.

Guarantees: its name is nobody else's, those of the default roles without a document included; no
permission stands twice.
Must not: say who may make it; `administration` does.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import Kind, RoleDefinition
from coop_contracts.error import pointer
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.role_permission import DEFAULTS
from coop_review_api.kernel.error import Fault

MAX_ROLES = 200


def check_role(document: RoleDefinition, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of a role."""
    stored = catalogue.all(Kind.ROLE, RoleDefinition)
    if document.id not in stored and len(stored) >= MAX_ROLES:
        yield Fault("", f"at most {MAX_ROLES} roles")
    for position, permission in enumerate(document.permissions):
        if permission in document.permissions[:position]:
            yield Fault(pointer("permissions", position), "given twice")
    for role_id, default in DEFAULTS.items():
        if role_id != document.id and role_id not in stored and default.name == document.name:
            yield Fault("/name", "already taken")
