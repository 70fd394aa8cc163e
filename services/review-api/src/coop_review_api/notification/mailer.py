"""Sends the queue of mails for as long as it runs.

Guarantees: a server that is down costs no mail an attempt, and is asked again within a minute; a
mail that it refuses for good, that was tried too often or waited for days is dead, visible and
counted; any number of mailers share the queue.
Must not: stop the process for a mail or a server.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.mail_server import MailServer
from coop_review_api.notification import letter
from coop_review_api.notification import mail as queue
from coop_review_api.notification.mail import Mail
from coop_review_api.notification.smtp import (
    Connection,
    MailError,
    MailRefused,
    MailServerUnreachable,
    connect,
)
from coop_runtime.database.engine import transaction
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import SecretError, Vault

MAX_AGE: Final = timedelta(days=3)
"""After which nobody wants to know any more."""

_BATCH = 20
_EVERY = 2.0  # seconds
_BATCH_SECONDS = 100.0  # the rest of a batch is put back: well within the lease
_BACKOFF_FIRST = 1.0
_BACKOFF_LAST = 60.0

_log = logger("coop.review_api.mail")


class Mailer:
    """One process's mailer."""

    def __init__(
        self,
        engine: AsyncEngine,
        server: MailServer,
        *,
        clock: Clock,
        vault: Vault,
        every: float = _EVERY,
    ) -> None:
        self._engine = engine
        self._server = server
        self._vault = vault
        self._clock = clock
        self._every = every

    async def run(self) -> None:
        """Until cancelled. Outages of the server or the database are waited out."""
        backoff = Backoff(first=_BACKOFF_FIRST, last=_BACKOFF_LAST)
        while True:
            try:
                more = await self.deliver()
                backoff.reset()
                if not more:
                    await asyncio.sleep(self._every)
            except (MailServerUnreachable, Retryable) as error:
                metric.MAIL_OUTAGES.inc()
                _log.warning("mails wait", reason=str(error))
                await asyncio.sleep(backoff.next_delay())

    async def deliver(self) -> bool:
        """Sends what is due; true when there may be more. Raises `MailServerUnreachable`,
        `Retryable`."""
        async with transaction(self._engine) as connection:
            taken = await queue.take(connection, limit=_BATCH, now=self._clock())
            metric.MAILS_PENDING.set(await queue.pending(connection))
        if not taken:
            return False
        rest = [mail for mail in taken if not await self._is_too_old(mail)]
        until = time.monotonic() + _BATCH_SECONDS
        try:
            async with connect(self._server) as server:
                while rest and time.monotonic() < until:
                    await self._send(server, rest.pop(0))
        finally:
            if rest:
                async with transaction(self._engine) as connection:
                    await queue.put_back(
                        connection, rest, None, delay=0, now=self._clock(), untried=True
                    )
        return len(taken) == _BATCH

    async def _send(self, server: Connection, mail: Mail) -> None:
        error: MailError | None = None
        try:
            await server.send(letter.opened(mail, self._vault))
        except SecretError as raised:
            error = MailRefused(f"its link cannot be read: {raised}", for_good=True)
        except (MailRefused, MailServerUnreachable) as raised:
            error = raised
        async with transaction(self._engine) as connection:
            if error is None:
                await queue.sent(connection, mail, now=self._clock())
                outcome = "sent"
            else:
                dead = await queue.failed(
                    connection,
                    mail,
                    str(error),
                    for_good=isinstance(error, MailRefused) and error.for_good,
                    now=self._clock(),
                )
                outcome = "dead" if dead else "retried"
        metric.MAILS.labels(outcome).inc()
        if error is not None:
            _log.warning("mail not taken", mail=mail.mail_id, outcome=outcome, reason=str(error))
        if isinstance(error, MailServerUnreachable):
            raise error

    async def _is_too_old(self, mail: Mail) -> bool:
        now = self._clock()
        if now - mail.created_at < MAX_AGE:
            return False
        async with transaction(self._engine) as connection:
            await queue.failed(connection, mail, "waited too long", for_good=True, now=now)
        metric.MAILS.labels("dead").inc()
        return True
