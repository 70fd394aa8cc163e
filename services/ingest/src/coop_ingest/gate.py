"""What every request passes before anything is done with it.

    head ─▶ configuration read? ─▶ key ─▶ scope ─▶ suspended? ─▶ rate ─▶ media type
         ─▶ body, within limits ─▶ Idempotency-Key ─▶ the route's own handling

Guarantees: nothing of a body is read before its sender is known, may do this and is within its
rate; no request passes without a scope being asked for.
Must not: know the routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from coop_contracts.config import ApiScope, Kind, OrgSettings
from coop_ingest import metric
from coop_ingest.answer import Answer
from coop_ingest.body import Intake, RequestHead, check_media_type, read_head
from coop_ingest.credential import Credentials
from coop_ingest.idempotency import Idempotency, SubmissionIds
from coop_ingest.rate_limit import RateLimiter
from coop_ingest.refusal import crowded, forbidden, suspended, unauthorized, unavailable
from coop_ingest.trace import request_span
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process import telemetry
from coop_runtime.process.asgi import Receive


class AdmittedRequest(NamedTuple):
    """A request that passed. `query` is the raw query string, `request_id` ours, `traceparent` the
    trace that its events belong to."""

    org_id: str
    request_id: str
    traceparent: str
    query: bytes
    body: bytes


Run = Callable[[AdmittedRequest, SubmissionIds], Awaitable[Answer]]


class RequestGate:
    """Wired once; used by every route."""

    def __init__(
        self,
        *,
        table: ConfigTable,
        credentials: Credentials,
        limiter: RateLimiter,
        intake: Intake,
        idempotency: Idempotency,
    ) -> None:
        self._table = table
        self._credentials = credentials
        self._limiter = limiter
        self._intake = intake
        self._idempotency = idempotency

    async def admit(self, head: RequestHead, *, needs: ApiScope) -> str:
        """The caller's organisation. Raises Refusal (401, 403 without the scope or while it is
        suspended, 429, 503).

        Items are refused (429) while too many of the organisation wait to be evaluated; what people
        send, reports and appeals, never for that.
        """
        if not self._table.ready():
            metric.UNAVAILABLE.labels("configuration").inc()
            raise unavailable("The configuration is being read.", retry_after=2, close=True)
        caller = self._credentials.caller_of(head.api_key)
        if caller is None:
            raise unauthorized()
        if needs not in caller.scopes:
            raise forbidden(needs)
        org_id = caller.org_id
        settings = self._table.get(org_id, Kind.SETTINGS, "settings")
        if isinstance(settings, OrgSettings) and settings.suspended_at is not None:
            raise suspended()
        if not self._limiter.try_take(org_id):
            await self._limiter.take(org_id)
        if needs is ApiScope.ITEMS_WRITE and self._limiter.crowded(org_id):
            raise crowded()
        return org_id

    async def post(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        request_id: str,
        run: Run,
        *,
        needs: ApiScope,
    ) -> Answer:
        """Admit, read, and run the request. Raises Refusal or ClientGone."""
        head = read_head(scope)
        org_id = await self.admit(head, needs=needs)
        check_media_type(head)
        body = await self._intake.read(receive, head, org_id)
        try:
            if not telemetry.exporting():
                traceparent = telemetry.traceparent_for_request(head.traceparent)
                request = AdmittedRequest(
                    org_id, request_id, traceparent, scope["query_string"], body
                )
                return await self._once(scope, head, request, run)
            with request_span(head.traceparent, scope["path"]) as traceparent:
                request = AdmittedRequest(
                    org_id, request_id, traceparent, scope["query_string"], body
                )
                return await self._once(scope, head, request, run)
        finally:
            self._intake.release(org_id, len(body))

    async def _once(
        self, scope: Mapping[str, Any], head: RequestHead, request: AdmittedRequest, run: Run
    ) -> Answer:
        if head.idempotency_key is None:
            return await run(request, SubmissionIds(request.org_id))
        target = scope["path"].rstrip("/").encode() + b"?" + request.query
        return await self._idempotency.once(
            request.org_id,
            head.idempotency_key,
            (target, request.body),
            lambda ids: run(request, ids),
        )
