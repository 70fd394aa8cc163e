"""What other slices read of the projection by joining with it: all, it is there to be asked."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.projection import table

SUBMISSIONS = Relation.whole(table.submissions)
RECENT_SUBMISSIONS = Relation.whole(table.recent_submissions)
EVALUATIONS = Relation.whole(table.evaluations)
EVALUATION_RULES = Relation.whole(table.evaluation_rules)
EXECUTIONS = Relation.whole(table.executions)
REQUESTED_ACTIONS = Relation.whole(table.requested_actions)
DELIVERIES = Relation.whole(table.deliveries)
