"""Roles as documents, and the permissions as people know them.

Guarantees: a role that nobody changed is there all the same; deleting a default role's document
brings its defaults back; a role in use is not deleted; nobody changes a role beyond what they hold,
and nobody locks the organisation out (`administration`).
"""

from __future__ import annotations

from typing import Final

from coop_contracts.config import Kind, RoleDefinition
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind
from coop_review_api.people.administration import administration_of, settle

_P = Permission

GROUPS: tuple[tuple[str, tuple[tuple[Permission, str, str], ...]], ...] = (
    (
        "Organization Management",
        (
            (_P.MANAGE_ORG, "Manage Organization Settings", "Settings, types, actions, keys."),
            (_P.MANAGE_USERS, "Manage Users", "Invite, approve, change and remove people."),
            (_P.MANAGE_ROLES, "Manage Roles", "Say what each role may do."),
            (
                _P.ERASE_END_USERS,
                "Erase End Users",
                "Delete what there is of the platform's users.",
            ),
        ),
    ),
    (
        "Rules Management",
        (
            (_P.MUTATE_NON_LIVE_RULES, "Create Draft Rules", "Write rules that do not act yet."),
            (
                _P.MUTATE_LIVE_RULES,
                "Create Live Rules",
                "Turn rules on; change live ones, banks.",
            ),
            (_P.RUN_BACKTEST, "Run Backtests", "Try a rule on past items."),
            (_P.RUN_RETROACTION, "Run Retroaction", "Let a rule act on past items."),
            (_P.VIEW_INSIGHTS, "View Rules Metrics", "See what rules did, and how much waits."),
            (_P.VIEW_RULES_DASHBOARD, "View Rules Dashboard", "Read the rules."),
            (_P.MANAGE_POLICIES, "Manage Policies", "Write policies."),
        ),
    ),
    (
        "Manual Review",
        (
            (_P.VIEW_MRT, "View Manual Review Tool", "Claim and decide jobs."),
            (_P.VIEW_MRT_DATA, "View Manual Review Metrics", "See decisions, history and counts."),
            (_P.EDIT_MRT_QUEUES, "Manage Queues And Routing", "Make queues, see all of them."),
            (_P.MANAGE_ROUTING_RULES, "Manage Routing Rules", "Say what goes to which queue."),
            (_P.MANUALLY_ACTION_CONTENT, "Manually Action Content", "Act without a job."),
            (_P.VIEW_CHILD_SAFETY_DATA, "View Child Safety Content", "Every view is recorded."),
        ),
    ),
    (
        "Investigation",
        ((_P.VIEW_INVESTIGATION, "View Investigation Tool", "Look items and users up."),),
    ),
)
"""Every permission once, as people know it (Coop's groups and labels)."""


async def _require_covered(change: DocumentChange[RoleDefinition]) -> None:
    administration = await administration_of(
        change.configuration, change.principal, _P.MANAGE_ROLES
    )
    before, after = change.before, change.after
    changed = after or before
    default = role_permission.DEFAULTS.get(changed.id) if changed else None
    for one in (before or default, after or default):
        administration.check_covers(one.permissions if one else ())
    if after is None and before is not None and default is None:
        await administration.check_unused(before.id)


async def _settle(change: DocumentChange[RoleDefinition]) -> None:
    """Somebody must still be able to administer the organisation; what people without the right to
    it any more had set in motion ends."""
    await settle(change.configuration)


ROLES: Final = DocumentKind(
    kind=Kind.ROLE,
    type=RoleDefinition,
    noun="Role",
    guard=_require_covered,
    saved=_settle,
    implied=role_permission.DEFAULTS,
)
