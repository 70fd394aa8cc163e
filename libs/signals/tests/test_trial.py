"""An account is tried out: what is wrong is said in one word and one line, and never the secret."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Integration
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.secret.vault import Vault
from coop_signals.plugin import InstalledSignals, Plugin, load
from coop_signals.settings import SignalSettings
from coop_signals.trial import AccountTrial, AccountTrials

from .signals_plugin import LENGTH, MANIFEST, Entry, length
from .signals_server import Behave, Internet, body, drip, flood, hang, reset, status
from .signals_world import ORG, SECRET

VAULT = Vault([b"k" * 32])
LABELERS: dict[str, Any] = {"labelerVersions": [{"id": "v-1", "label": "Spam"}]}
ASKED = {
    "OPEN_AI": "/v1/moderations",
    "GOOGLE_CONTENT_SAFETY_API": "/v1beta1/images:classify",
    "GOOGLE_PLACES": "/v1/places/",
    "ZENTROPI": "/v1/label",
}


def account(
    integration: str, *, key: str | None = SECRET, enabled: bool = True, org: str = ORG
) -> Integration:
    credential = None
    if key is not None:
        plain = msgspec.json.encode({"apiKey": key}).decode()
        credential = VAULT.encrypt(plain, context=f"{org}/integration/{integration}")
    config: dict[str, Any] = LABELERS if integration == "ZENTROPI" else {}
    return Integration(id=integration, credential=credential, config=config, enabled=enabled)


def trials(
    url: str,
    *,
    allow: tuple[str, ...] = ("127.0.0.0/8",),
    deadline: float = 20.0,
    known: InstalledSignals | None = None,
) -> AccountTrials:
    told: dict[str, Any] = {
        "internal_port": 0,
        "signal_open_ai_url": url,
        "signal_google_url": url,
        "signal_google_places_url": url,
        "signal_zentropi_url": url,
    }
    settings = SignalSettings(**told)
    return AccountTrials(settings, EgressGuard(allow), VAULT, known or load([]), deadline=deadline)


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("integration", ASKED)
async def test_a_good_account(internet: Internet, integration: str) -> None:
    """One request, with the key in a header, also where the account is switched off; what is asked
    is nobody's."""
    internet.behave["/v1/places/"] = body({"id": "ChIJ"})
    tried = await trials(internet.url).of(ORG, account(integration, enabled=False))
    assert tried == AccountTrial(verdict="OK")
    (hit,) = internet.hits
    assert hit.target.startswith(ASKED[integration])
    assert SECRET not in hit.target
    assert SECRET in str(hit.headers)


@pytest.mark.parametrize("integration", ASKED)
@pytest.mark.parametrize(
    ("behave", "verdict"),
    [
        (status(401), "REFUSED"),
        (status(403), "REFUSED"),
        (body(b"<html>a page</html>"), "UNEXPECTED"),
        (body({"any": "thing"}), "UNEXPECTED"),
        (status(302, location="https://elsewhere.example"), "UNEXPECTED"),
        (status(404), "UNEXPECTED"),
        (flood, "UNEXPECTED"),
        (status(429), "RATE_LIMITED"),
        (status(503), "FAILING"),
        (reset, "UNREACHABLE"),
    ],
)
async def test_what_is_wrong(
    internet: Internet, integration: str, behave: Behave, verdict: str
) -> None:
    """Each fault of the other side has its word, by one attempt, and its line without the secret,
    which a server repeats gladly."""
    internet.behave[ASKED[integration]] = behave
    tried = await trials(internet.url).of(ORG, account(integration))
    assert tried.verdict == verdict, tried
    assert tried.reason
    assert SECRET not in tried.reason
    assert "elsewhere" not in tried.reason
    assert len(internet.hits) == 1


@pytest.mark.parametrize("behave", [hang, drip])
async def test_a_slow_provider(internet: Internet, behave: Behave) -> None:
    """Whoever does not answer, or never comes to an end, is given up at the deadline."""
    internet.behave["/v1/moderations"] = behave
    tried = await trials(internet.url, deadline=0.3).of(ORG, account("OPEN_AI"))
    assert (tried.verdict, tried.reason) == ("SLOW", "there was no answer within 0.3 s")


async def test_what_is_not_sent(internet: Internet) -> None:
    """Nobody listens; the guard refuses the address; the account is incomplete, cannot be opened,
    or says nothing that could be asked: nothing is sent."""
    nobody = await trials(f"http://127.0.0.1:{closed_port()}").of(ORG, account("OPEN_AI"))
    assert nobody.verdict == "UNREACHABLE"
    refused = await trials(internet.url, allow=()).of(ORG, account("OPEN_AI"))
    assert refused == AccountTrial(verdict="NOT_ALLOWED", reason="its address is not allowed")
    ours = trials(internet.url)
    for wrong in (account("OPEN_AI", key=None), account("OPEN_AI", org="other")):
        assert (await ours.of(ORG, wrong)).verdict == "NOT_CONFIGURED"
    bare = msgspec.structs.replace(account("ZENTROPI"), config={"labelerVersions": [7]})
    assert (await ours.of(ORG, bare)).verdict == "CANNOT_TRY"
    assert (await ours.of(ORG, account("OPEN_AI", key="no key\n"))).verdict == "REFUSED"
    assert (await ours.of(ORG, account("GONE"))).verdict == "CANNOT_TRY"
    assert internet.hits == []


async def test_a_plugin(internet: Internet) -> None:
    """A plugin is asked about a text; what its code raises is told without its words."""

    async def wrong(_value: Any, _context: Any) -> int:
        raise ValueError(SECRET)

    for function, verdict in ((length, "OK"), (wrong, "FAILING")):
        entry = Entry("lengths", Plugin(manifest=MANIFEST, functions={LENGTH.name: function}))
        known = load([entry])
        assert known.problems == ()
        tried = await trials(internet.url, known=known).of(ORG, account("LENGTHS", key=None))
        assert tried.verdict == verdict
        assert SECRET not in tried.reason
