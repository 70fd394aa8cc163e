"""Accounts: what is missing is said, what is secret is not."""

from __future__ import annotations

import pytest

from coop_runtime.secret.vault import Vault

from .signals_server import Internet
from .signals_world import ORG, OTHER, SECRET, World

TEXT = "OPEN_AI_VIOLENCE_TEXT_MODEL"
INTEGRATION = "OPEN_AI"


async def test_an_integration_that_is_not_set_up(world: World, internet: Internet) -> None:
    """No account, no call; the other organisation has its own."""
    world.tear_down(ORG, INTEGRATION)
    value = await world.value(TEXT, "words")
    assert value.error == "the integration OPEN_AI is not set up"
    assert internet.hits == []
    assert (await world.value(TEXT, "words", org_id=OTHER)).score == 0.7


async def test_an_integration_that_is_switched_off(world: World) -> None:
    """Switching off counts at once, whatever is cached."""
    assert (await world.value(TEXT, "words")).score == 0.7
    world.set_up(ORG, INTEGRATION, {"apiKey": SECRET}, enabled=False)
    value = await world.value(TEXT, "words")
    assert value.error == "the integration OPEN_AI is switched off"


async def test_a_new_key_is_used_from_the_next_call(world: World, internet: Internet) -> None:
    """Rotation needs no restart."""
    await world.value(TEXT, "words")
    world.set_up(ORG, INTEGRATION, {"apiKey": "sk-new"})
    await world.value(TEXT, "other words")
    assert [hit.headers["authorization"] for hit in internet.hits] == [
        f"Bearer {SECRET}-{ORG}",
        "Bearer sk-new",
    ]


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        (None, "has no apiKey"),
        ({}, "has no apiKey"),
        ({"apiKey": ""}, "has no apiKey"),
        ("not a ciphertext", "cannot be read"),
        ({"apiKey": "two\r\nlines: x"}, "not of the form of a key"),
        ({"apiKey": "schlüssel"}, "not of the form of a key"),
    ],
)
async def test_a_credential_that_cannot_be_used(
    world: World, internet: Internet, credential: dict[str, str] | str | None, reason: str
) -> None:
    """Missing, unreadable or malformed: the reason is told, its content is not."""
    world.set_up(ORG, INTEGRATION, credential)
    value = await world.value(TEXT, "words")
    assert value.error is not None
    assert reason in value.error
    assert internet.hits == []


async def test_another_organisations_credential_does_not_open(world: World) -> None:
    """A ciphertext moved to another organisation is unreadable there."""
    sealed = world.vault.encrypt(
        '{"apiKey": "stolen"}', context=f"{OTHER}/integration/{INTEGRATION}"
    )
    world.set_up(ORG, INTEGRATION, sealed)
    value = await world.value(TEXT, "words")
    assert value.error == "the credential of the integration OPEN_AI cannot be read"


async def test_a_credential_under_a_lost_key(world: World) -> None:
    """A ciphertext of a key that this process does not have is unreadable, not fatal."""
    sealed = Vault([b"x" * 32]).encrypt(
        '{"apiKey": "k"}', context=f"{ORG}/integration/{INTEGRATION}"
    )
    world.set_up(ORG, INTEGRATION, sealed)
    assert (await world.value(TEXT, "words")).error is not None


async def test_a_secret_kept_in_the_open_is_not_used(world: World, internet: Internet) -> None:
    """A key in the plain part of the document would be shown to people: it is refused."""
    world.set_up(ORG, INTEGRATION, None, config={"apiKey": "open"})
    value = await world.value(TEXT, "words")
    assert value.error == "the apiKey of the integration OPEN_AI is not kept as a secret"
    assert internet.hits == []
