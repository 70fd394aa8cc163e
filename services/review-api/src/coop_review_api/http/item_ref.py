"""An item named on the wire."""

from __future__ import annotations

from coop_review_api.http.body import Model


class ItemRefView(Model):
    id: str
    type_id: str


class PlatformUserView(ItemRefView):
    """A user of the platform, with the name that they had last; null: not known."""

    display_name: str | None
