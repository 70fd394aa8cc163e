"""The internal API of the reporter: reports to NCMEC, an organisation's records.

    /internal/v1/orgs/{org_id}/…     the contract is `coop_contracts.cybertip`

Guarantees: every query names its organisation; errors are problems.
Must not: be reachable from outside; review-api is its caller and checks what a person may do.
"""

from __future__ import annotations

from fastapi import FastAPI

from coop_ncmec_reporter.api import cybertip, ending, record, schema
from coop_ncmec_reporter.api.context import Context
from coop_runtime.internal.problem import install

ROUTERS = (cybertip.router, ending.router, record.router, schema.router)


def build(context: Context) -> FastAPI:
    """The application; who serves it puts a gate before it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
