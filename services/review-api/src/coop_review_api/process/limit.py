"""What one process, one organisation or one person may have at most, where a slice limits it."""

from __future__ import annotations

from coop_review_api.analytics.figure import FigureLimits
from coop_review_api.analytics.query import QueryLimits
from coop_review_api.automation.worker import AutomationLimits
from coop_review_api.backtest.request import BacktestLimits
from coop_review_api.comment.store import CommentLimits
from coop_review_api.delivery.trial import TrialLimits
from coop_review_api.export.store import ExportLimits
from coop_review_api.job_context.material import ContextLimits
from coop_review_api.note.store import NoteLimits
from coop_review_api.people.forgotten_password import ForgottenPasswordLimits
from coop_review_api.signal.trial import AccountTrialLimits
from coop_review_api.single_sign_on.attempt import AttemptLimits


def limits() -> dict[type, object]:
    """Each slice's, by their types: parts of a `Context`."""
    known = (
        AccountTrialLimits(),
        AttemptLimits(),
        AutomationLimits(),
        BacktestLimits(),
        CommentLimits(),
        ContextLimits(),
        ExportLimits(),
        FigureLimits(),
        ForgottenPasswordLimits(),
        NoteLimits(),
        QueryLimits(),
        TrialLimits(),
    )
    return {type(one): one for one in known}
