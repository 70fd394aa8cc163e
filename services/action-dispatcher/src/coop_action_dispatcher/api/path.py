"""Where the internal API's routes begin, and the organisation that each of them names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from coop_action_dispatcher.api.model import Text

PREFIX = "/internal/v1/orgs/{org_id}"

OrgId = Annotated[Text, Path(min_length=1, max_length=128)]
