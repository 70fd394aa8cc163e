"""The application: its routes are made once, each test has its own state."""

from __future__ import annotations

import copy
import functools
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import State

from coop_review_api.http.context import Context
from coop_review_api.process.application import build, limited


@functools.cache
def _built() -> FastAPI:
    return build(None)  # type: ignore[arg-type]  # only an application's state holds a context


def application_of(context: Context) -> FastAPI:
    """What `build` makes, on the routes that were built before: three hundred, with their models,
    take a second. Who adds a route builds an application of their own."""
    app = copy.copy(_built())
    app.state = State({"context": context})
    app.middleware_stack = None  # a stack leads to the application that made it
    return app


@pytest.fixture
def app(context: Context) -> FastAPI:
    return application_of(context)


def client_of(app: FastAPI, context: Context) -> httpx.AsyncClient:
    served = limited(app, max_body=context.settings.review_max_body)
    transport = httpx.ASGITransport(served)
    return httpx.AsyncClient(transport=transport, base_url="http://review")


@pytest.fixture
async def http(app: FastAPI, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session."""
    async with client_of(app, context) as client:
        yield client
