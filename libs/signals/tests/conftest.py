"""Fixtures of the library's tests: a local internet, and providers that live in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from .signals_server import Internet
from .signals_world import World


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    """A server on loopback that speaks the providers' interfaces and hosts media."""
    server = Internet()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def make_world(internet: Internet) -> AsyncIterator[Callable[..., World]]:
    """Makes worlds: providers over one configuration, all calls going to `internet`."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(internet.url, **settings))
        return made[-1]

    yield make
    for world in made:
        await world.providers.aclose()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
