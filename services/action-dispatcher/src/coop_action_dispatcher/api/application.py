"""The internal API of the dispatcher: deliveries, endpoints, executions, strikes, trials, and all
records of an organisation.

    /internal/v1/orgs/{org_id}/…     the organisation is always part of the path; what is asked and
                                     what is answered is the contract of `coop_contracts.dispatch`

Guarantees: every request passes the gate; every query names its organisation; errors are problems.
Must not: be reachable from outside; review-api is its caller and checks what a person may do.

A new part is a module of this folder with a `router = APIRouter(prefix=PREFIX)`, and is added to
`ROUTERS`.
"""

from __future__ import annotations

from fastapi import FastAPI

from coop_action_dispatcher.api import delivery, endpoint, record, strike, trial
from coop_action_dispatcher.api.context import Context
from coop_runtime.internal.gate import Gate
from coop_runtime.internal.problem import install

ROUTERS = (delivery.router, endpoint.router, strike.router, trial.router, record.router)


def build(context: Context) -> FastAPI:
    """The application; `guarded` makes it fit to be served."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def guarded(app: FastAPI, *, token: str) -> Gate:
    """The application behind its gate."""
    return Gate(app, token=token)
