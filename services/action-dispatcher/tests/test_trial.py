"""A webhook that somebody tries out: what is sent, and what is told of the answer."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from typing import Any

import pytest
from standardwebhooks import Webhook

from coop_action_dispatcher.arrival import NotYet, Undeliverable
from coop_action_dispatcher.keyring import CannotSign
from coop_contracts.config import Kind
from coop_contracts.dispatch import SendTrial
from coop_contracts.event import ItemRef

ORG = "org-1"


def asked(**fields: Any) -> SendTrial:
    values: dict[str, Any] = {
        "action_id": "a-1",
        "trial_id": uuid.uuid4(),
        "item": ItemRef("coop-trial", "t-1"),
        "config_revision": 1,
    }
    return SendTrial(**{**values, **fields})


async def test_a_trial_is_a_webhook_that_says_so(
    make_trials: Any, configuration: Any, platform: Any, answer: Any
) -> None:
    """Signed, with the action's own headers, marked in a header and in its body; the answer's
    status, headers and beginning are told, its cookies are not."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url, callback_url_body={"team": "trust"})

    async def refuse(_hit: Any, writer: Any) -> None:
        await answer(writer, 418, b"x" * 3000, X_Why="teapot", Set_Cookie="session=secret")

    platform.behave = refuse
    wanted = asked(parameters={"days": 3}, actor_email="admin@acme.example")
    sent = await make_trials("127.0.0.0/8").send(ORG, wanted)
    (hit,) = platform.hits
    body = json.loads(hit.body)
    assert body["trial"] is True
    assert body["item"] == {"id": "coop-trial", "typeId": "t-1", "typeName": "Post"}
    assert body["custom"] == {"team": "trust", "days": 3}
    assert body["actorEmail"] == "admin@acme.example"
    assert hit.headers["coop-trial"] == "true"
    assert hit.headers["authorization"].startswith("Bearer ")
    assert hit.webhook_id == sent.trial_id == str(wanted.trial_id)
    assert len(base64.b64decode(hit.headers["coop-signature"])) == 256
    Webhook(keys.secret).verify(hit.body, hit.headers)
    assert (sent.status, sent.error, sent.refused) == (418, None, False)
    assert sent.response == "x" * 1024
    assert sent.body == hit.body.decode()
    shown = {header.name.lower(): header.value for header in sent.headers}
    assert shown == {"content-length": "3000", "x-why": "teapot"}
    assert "secret" not in sent.endpoint


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/hook", "http://2130706433/", "http://localhost/"]
)
async def test_the_guard_holds_for_trials(
    make_trials: Any, configuration: Any, platform: Any, url: str
) -> None:
    """What a delivery may not reach, a trial may not; the reason is told."""
    configuration.put_keys()
    configuration.put_action(url)
    sent = await make_trials().send(ORG, asked())
    assert (sent.status, sent.refused, sent.headers, sent.response) == (None, True, (), None)
    assert "egress guard" in (sent.error or "")
    assert platform.connections == 0


async def test_nobody_there_is_told(make_trials: Any, configuration: Any) -> None:
    """A platform that does not answer is an answer to the question, not a failure."""
    configuration.put_keys()
    configuration.put_action("http://127.0.0.1:1/hook")
    sent = await make_trials("127.0.0.0/8").send(ORG, asked())
    assert (sent.status, sent.refused) == (None, False)
    assert sent.error


async def test_an_action_saved_a_moment_ago_is_waited_for(
    make_trials: Any, configuration: Any, platform: Any
) -> None:
    """The configuration arrives by the log: a trial waits for the revision it was asked under."""
    configuration.put_keys()
    revision = configuration.revision + 1
    trying = asyncio.create_task(
        make_trials("127.0.0.0/8").send(ORG, asked(config_revision=revision))
    )
    await asyncio.sleep(0)
    configuration.put_action(platform.url)
    assert (await trying).status == 200


async def test_what_cannot_be_tried(
    make_trials: Any, configuration: Any, platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown action, one without a URL, an organisation without keys, a revision that does
    not come."""
    trials = make_trials("127.0.0.0/8")
    with pytest.raises(Undeliverable):
        await trials.send(ORG, asked(action_id="gone"))
    configuration.put_action(None)
    with pytest.raises(Undeliverable, match="no callback URL"):
        await trials.send(ORG, asked())
    configuration.put_action(platform.url)
    with pytest.raises(CannotSign):
        await trials.send(ORG, asked())
    configuration.put_keys()
    configuration.remove(Kind.ACTION, "a-1")
    monkeypatch.setattr("coop_action_dispatcher.trial._CONFIG_SECONDS", 0.1)
    with pytest.raises(NotYet):
        await trials.send(ORG, asked(config_revision=10_000))
    assert platform.hits == []
