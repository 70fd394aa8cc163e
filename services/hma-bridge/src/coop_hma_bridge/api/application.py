"""The internal API of the bridge: contents of hash banks, look-ups, exchanges, the
Hasher-Matcher-Actioner that is asked, media that were seen, an organisation's records.

    /internal/v1/orgs/{org_id}/…     the contract is `coop_contracts.hash_bank`

Guarantees: every query names its organisation; errors are problems; before the banks and their
documents were read, nothing is said of them (503).
Must not: be reachable from outside; review-api is its caller and checks what a person may do.
"""

from __future__ import annotations

from fastapi import FastAPI

from coop_hma_bridge.api import account, entry, exchange, match, seen
from coop_hma_bridge.api.context import Context, context_of
from coop_hma_bridge.org_record import RECORDS
from coop_runtime.internal.problem import install
from coop_runtime.internal.records import records_router

# Once the documents of an organisation are gone, what a process still knows matches nothing.
ROUTERS = (
    entry.router,
    match.router,
    exchange.router,
    account.router,
    seen.router,
    records_router(RECORDS, lambda request: context_of(request).engine),
)


def build(context: Context) -> FastAPI:
    """The application; who serves it puts a gate before it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
