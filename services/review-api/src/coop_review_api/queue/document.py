"""Queues on this API's wire.

Guarantees and duties are those of `configuration.document_model`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coop_contracts.config import QueueOrder
from coop_review_api.configuration.document_model import DocumentBody, Ids, Name, Stamped, Text2000
from coop_review_api.http.body import Body
from coop_review_api.http.person_view import PeopleBeside

Disposition = Literal["AUTOMATIC_CLOSE", "IGNORE", "SAME_ACTION"]
ClearingScope = Literal["CURRENT_QUEUE", "ALL_QUEUES"]


class QueueWeightsFields(Body):
    """How many minutes of waiting a further report, a further reporter and a step of severity are
    worth."""

    report: float = 0.0
    reporter: float = 0.0
    severity: float = 0.0


class QueueBody(DocumentBody):
    """Where jobs wait. Those review here whom `reviewerIds` name, or by their role `reviewerRoles`;
    with `openToEveryone` all who review, which is false for a new queue unless it is said, and
    where somebody is named. Who edits queues sees all. Making a queue the default takes that from
    the one before.

    `targetMinutes` is how long a job may wait for its decision. Of a paused queue nothing is handed
    out. `autoCloseJobs` closes jobs whose item was deleted meanwhile. Deciding one of
    `clearReportsTriggerActionIds` here does `clearReportsDisposition` to the user's other jobs,
    appeals and child-abuse material excepted. `secondReviewShare` of the decisions are reviewed
    again by somebody else, `goldenShare` of the jobs handed out have a known answer.
    """

    name: Name
    description: Text2000 = ""
    is_default_queue: bool | None = None
    is_appeals_queue: bool = False
    hidden_action_ids: Ids = Field(default_factory=list)
    reviewer_ids: Ids = Field(default_factory=list)
    reviewer_roles: Ids = Field(default_factory=list)
    open_to_everyone: bool | None = None
    order: QueueOrder = QueueOrder.OLDEST_FIRST
    weights: QueueWeightsFields = QueueWeightsFields()
    target_minutes: int | None = None
    is_paused: bool = False
    auto_close_jobs: bool = False
    clear_reports_disposition: Disposition | None = None
    clear_reports_scope: ClearingScope = "CURRENT_QUEUE"
    clear_reports_trigger_action_ids: Ids = Field(default_factory=list)
    second_review_share: float = 0.0
    golden_share: float = 0.0


class QueueView(Stamped):
    name: str
    description: str = ""
    is_default_queue: bool = False
    is_appeals_queue: bool = False
    hidden_action_ids: list[str] = Field(default_factory=list)
    reviewer_ids: list[str] = Field(default_factory=list)
    reviewers: PeopleBeside = Field(default_factory=list)
    reviewer_roles: list[str] = Field(default_factory=list)
    open_to_everyone: bool = False
    order: QueueOrder = QueueOrder.OLDEST_FIRST
    weights: QueueWeightsFields = QueueWeightsFields()
    target_minutes: int | None = None
    is_paused: bool = False
    auto_close_jobs: bool = False
    clear_reports_disposition: Disposition | None = None
    clear_reports_scope: ClearingScope = "CURRENT_QUEUE"
    clear_reports_trigger_action_ids: list[str] = Field(default_factory=list)
    second_review_share: float = 0.0
    golden_share: float = 0.0
