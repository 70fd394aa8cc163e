"""What a change of identity providers, or of their being required, must not do.

Guarantees: whoever sets a provider up holds all that anybody of the organisation holds, because
with a provider of one's own one may sign in as anybody; where single sign-on is required, there is
a provider to sign in with. (That somebody can still sign in without one: `administration`.)
Must not: be called without the organisation's lock.
"""

from __future__ import annotations

from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.directory.person import roles_in_use
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.people.administration import administration_of
from coop_review_api.single_sign_on.provider import of_org


async def check_may_set_up(configuration: LockedConfiguration, principal: Principal) -> None:
    """Raises `Forbidden` for a caller who lacks what somebody of the organisation holds."""
    administration = await administration_of(configuration, principal, Permission.MANAGE_ORG)
    in_use = await roles_in_use(configuration.connection, configuration.org_id)
    roles = await role_permission.definitions(configuration.connection, configuration.org_id)
    held = {one for name in in_use & roles.keys() for one in roles[name].permissions}
    administration.check_covers(held)


async def check_possible(configuration: LockedConfiguration) -> None:
    """Raises `Conflict` where single sign-on is required and there is nothing to sign in with."""
    connection, org_id = configuration.connection, configuration.org_id
    if not (await settings_of(connection, org_id)).requires_single_sign_on:
        return
    if not await of_org(connection, org_id):
        raise Conflict("single sign-on is required, and no identity provider is turned on")
