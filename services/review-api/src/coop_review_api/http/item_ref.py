"""An item named on the wire."""

from __future__ import annotations

from coop_review_api.http.body import Model


class ItemRefView(Model):
    id: str
    type_id: str
