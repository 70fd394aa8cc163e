"""Where reports are filed to, and as whom.

Guarantees: a real report needs the operator's setting and the queue's; one that was decided as a
test stays one; without an address nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_ncmec_reporter.ncmec import NcmecClient
from coop_ncmec_reporter.outcome import Later, NeedsPerson
from coop_ncmec_reporter.signed_call import Platforms
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.secret.vault import SecretError


@dataclass(frozen=True, kw_only=True)
class Places:
    """`test_url`, `production_url`: bases of NCMEC's interface, or of a stand-in's. `outside`:
    whether another machine may be asked at all. `production`: whether the operator files real
    reports."""

    platforms: Platforms
    test_url: str
    production_url: str
    production: bool
    outside: bool
    seconds: float = 60.0

    def url(self, environment: str) -> str:
        """Where such reports are filed to; empty where they are not."""
        if environment != "PRODUCTION":
            return self.test_url.rstrip("/")
        return self.production_url.rstrip("/") if self.production else ""

    def client(self, tip: Cybertip) -> NcmecClient:
        """For this report. Raises Later, NeedsPerson."""
        settings = self.platforms.settings(tip.org_id)
        url = self.test_url
        if tip.environment == "PRODUCTION":
            if not self.production:
                raise NeedsPerson(
                    "it was decided as a real report, and this reporter files tests only",
                    resume=tip.state,
                )
            if tip.queue_id not in settings.production_queue_ids:
                raise NeedsPerson(
                    "it was decided as a real report, and its queue files tests only",
                    resume=tip.state,
                )
            url = self.production_url
        if not url:
            raise Later("the operator gave no address of NCMEC's interface")
        if settings.password is None or not settings.username:
            raise NeedsPerson("there are no credentials", resume=tip.state)
        return self._made(tip.org_id, url, settings.username, settings.password)

    def of(self, org_id: str, environment: str) -> NcmecClient | None:
        """To ask whether the credentials are good now; None where there are none, or no address.
        Raises Later."""
        settings = self.platforms.settings(org_id)
        url = self.production_url if environment == "PRODUCTION" else self.test_url
        if not url or settings.password is None:
            return None
        return self._made(org_id, url, settings.username, settings.password)

    def _made(self, org_id: str, url: str, username: str, ciphertext: str) -> NcmecClient:
        try:
            password = self.platforms.secret(org_id, ciphertext)
            return NcmecClient(
                url,
                username=username,
                password=password,
                outside=self.outside,
                seconds=self.seconds,
            )
        except SecretError:
            raise Later("the password cannot be decrypted") from None
        except ValueError as error:
            raise Later(str(error)) from None
