"""The compose file really run: every role in its container, and a platform outside.

One stack for all, which begins on the images of the commit before; the tests follow each other, and
each leaves it whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.corpus import CorpusMessage
from coop_local.demo.organisation import OrganisationBuilder
from coop_local.demo.platform import Platform
from coop_local.demo.sender import CorpusSender
from coop_local.engine import write_private
from coop_local.roster import _TABLES

from .compose import ENGINE_PASSWORD, ComposeStack, why_not

pytestmark = [
    pytest.mark.containers,
    # The first of them starts everything; a busy machine takes minutes for that.
    pytest.mark.timeout(600),
    pytest.mark.skipif(why_not() is not None, reason=f"containers: {why_not()}"),
]

_SECONDS = 180.0
_OUTAGE_SECONDS = 30
_SCAM = CorpusMessage(text="You won the lottery, claim now", label="scam")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# Every role of every service, as the compose file names it.
PROCESSES = tuple(role.process for table in _TABLES for role in table.roles)


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    return {"COOP_INGEST_PORT": str(free_port()), "COOP_REVIEW_PORT": str(free_port())}


@pytest.fixture(scope="module")
def stack(ports: dict[str, str]) -> Iterator[ComposeStack]:
    made = ComposeStack(
        f"cooptest{uuid.uuid4().hex[:8]}",
        {
            "COOP_IMAGE": os.environ.get("COOP_TEST_PREVIOUS_IMAGE", os.environ["COOP_TEST_IMAGE"]),
            "COOP_ENGINE_PASSWORD": ENGINE_PASSWORD,
            # The platform of the tests is this machine, as containers see it.
            "COOP_EGRESS_ALLOW": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            **ports,
        },
    )
    try:
        made.up()
        yield made
    finally:
        made.down()


@dataclass
class World:
    """An organisation with rules, and its platform."""

    ingest: str
    api_key: str
    ids: dict[str, dict[str, str]]
    platform: str

    def sender(self, prefix: str) -> CorpusSender:
        return CorpusSender(
            ingest_url=self.ingest,
            api_key=self.api_key,
            item_types=self.ids["item-types"],
            prefix=prefix,
        )

    async def times(self, prefix: str) -> Counter[str]:
        """How often the platform got a verified webhook, by the item's id."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            said = (await http.get(f"{self.platform}/received?itemPrefix={prefix}")).json()
        assert said["refused"] == 0
        counted: Counter[str] = Counter()
        for delivery in said["deliveries"]:
            counted[delivery["itemId"]] += 1
        return counted

    async def delivered(self, prefix: str, count: int) -> Counter[str]:
        """The same, once `count` items are there."""
        found: Counter[str] = Counter()
        async with asyncio.timeout(_SECONDS):
            while len(found) < count:
                found = await self.times(prefix)
                await asyncio.sleep(0.2)
        return found


@pytest.fixture(scope="module")
async def world(
    stack: ComposeStack, ports: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    created: dict[str, Any] = json.loads(
        stack.call("run", "--rm", "organisation", "--name", "Largo", "--admin-email", "a@b.example")
        .strip()
        .splitlines()[-1]
    )
    keys: Path = tmp_path_factory.mktemp("platform") / "keys.json"
    write_private(
        keys,
        json.dumps(
            {"webhookSecrets": [created["webhookSecret"]], "publicKeys": [created["publicKey"]]}
        ),
    )
    listening = socket.create_server((stack.gateway(), 0))
    host, port = listening.getsockname()
    server = uvicorn.Server(
        uvicorn.Config(Platform(keys), log_level="warning", access_log=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    platform = f"http://{host}:{port}"
    async with ConsoleClient(f"http://127.0.0.1:{ports['COOP_REVIEW_PORT']}") as console:
        await console.log_in(created["admin"]["email"], created["admin"]["password"])
        ids = await OrganisationBuilder(console, f"{platform}/webhooks").build()
    yield World(f"http://127.0.0.1:{ports['COOP_INGEST_PORT']}", created["apiKey"], ids, platform)
    server.should_exit = True
    await serving


async def send(world: World, prefix: str, count: int, *, rate: float) -> None:
    sender = world.sender(prefix)
    try:
        await sender.send([_SCAM] * count, rate=rate, batch=1, report_every=0)
    finally:
        await sender.close()
    assert len(sender.accepted_at) == count


async def settled(stack: ComposeStack) -> None:
    """All are ready again. Compose's own wait gives up on who was not for a while."""
    async with asyncio.timeout(_SECONDS):
        while await asyncio.to_thread(stack.waiting):  # noqa: ASYNC110 - Compose tells nobody
            await asyncio.sleep(1)


async def test_an_item_becomes_a_verified_webhook(world: World) -> None:
    """From the platform through the containers and back, both signatures verified, once."""
    await send(world, "first-", 3, rate=10)
    assert set((await world.delivered("first-", 3)).values()) == {1}


@pytest.mark.skipif("COOP_TEST_PREVIOUS_IMAGE" not in os.environ, reason="no image before this one")
async def test_an_upgrade_under_load_loses_and_doubles_nothing(
    world: World, stack: ComposeStack
) -> None:
    """First what prepares the database, under the services of before; then a member of the new
    version beside the old one, where several may be; then all of the new one."""
    new = os.environ["COOP_TEST_IMAGE"]
    sending = asyncio.create_task(send(world, "upgraded-", 300, rate=2))
    stack.use_image(new)
    await asyncio.to_thread(stack.call, "run", "--rm", "--no-deps", "init", seconds=240)
    both = ("rules-engine", "routing", "action-dispatcher", "review-relay", "review-projector")
    scaled = [argument for service in both for argument in ("--scale", f"{service}=2")]
    await asyncio.to_thread(stack.up, "--no-recreate", "--no-deps", *scaled, *both)
    for service in both:
        images = {
            stack.state(container)["Config"]["Image"] for container in stack.containers(service)
        }
        assert images == {os.environ["COOP_TEST_PREVIOUS_IMAGE"], new}, service
    await send(world, "beside-", 60, rate=10)
    assert set((await world.delivered("beside-", 60)).values()) == {1}
    await asyncio.to_thread(stack.up)
    await sending
    assert set((await world.delivered("upgraded-", 300)).values()) == {1}
    await settled(stack)
    for process in PROCESSES:
        for container in stack.containers(process):
            assert stack.state(container)["Config"]["Image"] == new, process


def test_every_container_is_confined(stack: ComposeStack) -> None:
    """An ordinary user, a root that cannot be written, no capability, no way to get one."""
    for service in ("ingest", "rules-engine", "review-api", "review-relay", "ncmec-reporter"):
        (container,) = stack.containers(service)
        found = stack.state(container)
        assert found["Config"]["User"] == "10001:10001", service
        assert found["HostConfig"]["ReadonlyRootfs"], service
        assert found["HostConfig"]["CapDrop"] == ["ALL"], service
        status = stack.docker(
            "exec", container, "grep", "-E", "CapEff|NoNewPrivs", "/proc/1/status"
        )
        assert status.split() == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"], service


def test_the_console_is_served(ports: dict[str, str], stack: ComposeStack) -> None:
    """Its page and what the page loads come with review-api's image."""
    base = f"http://127.0.0.1:{ports['COOP_REVIEW_PORT']}"
    page = httpx.get(base, trust_env=False)
    assert page.status_code == 200
    assert 'type="module"' in page.text


async def test_prometheus_hears_every_role(stack: ComposeStack) -> None:
    """The profile's Prometheus starts with its file and its rules, scrapes each role's internal
    port under the role's name, and asks nothing that its rules are not sure of."""
    profile = ("--profile", "observability")
    await asyncio.to_thread(
        stack.call, *profile, "up", "--detach", "--no-deps", "--wait", "prometheus", seconds=240
    )

    def asked(path: str) -> Any:
        command = [*profile, "exec", "-T", "prometheus", "wget", "-q", "-O", "-"]
        return json.loads(stack.call(*command, f"http://127.0.0.1:9090/api/v1/{path}"))["data"]

    heard: set[str] = set()
    async with asyncio.timeout(_SECONDS):
        while heard < set(PROCESSES):
            found = (await asyncio.to_thread(asked, "query?query=up==1"))["result"]
            heard = {one["metric"]["job"] for one in found}
            await asyncio.sleep(2)
    rules = (await asyncio.to_thread(asked, "rules"))["groups"]
    assert rules
    assert {one["health"] for group in rules for one in group["rules"]} <= {"ok", "unknown"}
    await asyncio.to_thread(stack.call, *profile, "rm", "--stop", "--force", "prometheus")


async def test_killed_processes_lose_and_double_nothing(world: World, stack: ComposeStack) -> None:
    """SIGKILL to each role that an item passes, under load; all is delivered, each item once."""
    sending = asyncio.create_task(send(world, "killed-", 60, rate=6))
    for service in ("rules-engine", "action-dispatcher", "review-relay", "routing"):
        (container,) = stack.containers(service)
        await asyncio.to_thread(stack.docker, "kill", "--signal", "KILL", container)
        await asyncio.to_thread(stack.docker, "start", container)
    await sending
    counted = await world.delivered("killed-", 60)
    assert set(counted.values()) == {1}
    await settled(stack)


async def test_engines_that_are_away_are_waited_for(world: World, stack: ComposeStack) -> None:
    """Each stopped for a while under load: what was accepted is delivered, and no container had to
    be started again."""
    services = ("rules-engine", "routing", "action-dispatcher", "review-relay")
    before = {service: stack.state(stack.containers(service)[0]) for service in services}
    sending = asyncio.create_task(send(world, "away-", 120, rate=1))
    for engine in ("postgres", "valkey", "kafka"):
        await asyncio.to_thread(stack.call, "stop", engine)
        await asyncio.sleep(_OUTAGE_SECONDS)
        await asyncio.to_thread(stack.call, "start", engine)
    await sending
    counted = await world.delivered("away-", 120)
    assert set(counted.values()) == {1}
    await settled(stack)
    for service, was in before.items():
        now = stack.state(stack.containers(service)[0])
        assert now["State"]["StartedAt"] == was["State"]["StartedAt"], service


async def test_a_service_is_scaled_and_stops_in_order(world: World, stack: ComposeStack) -> None:
    """One to three and back under load, with exit code 0 for who was told to go, and nothing lost
    or doubled."""
    sending = asyncio.create_task(send(world, "scaled-", 90, rate=3))
    await asyncio.to_thread(stack.up, "--no-recreate", "--scale", "rules-engine=3")
    assert len(stack.containers("rules-engine")) == 3
    stopped = stack.containers("rules-engine")[1:]
    await asyncio.to_thread(stack.docker, "stop", "--time", "30", *stopped, seconds=90)
    codes = {stack.state(container)["State"]["ExitCode"] for container in stopped}
    await asyncio.to_thread(stack.up, "--no-recreate", "--scale", "rules-engine=1")
    await sending
    assert codes == {0}
    assert set((await world.delivered("scaled-", 90)).values()) == {1}


async def test_a_rolling_restart_of_everything_loses_and_doubles_nothing(
    world: World, stack: ComposeStack
) -> None:
    """Each role told to stop and started again, one after the other, under load: all end in order,
    and a client that repeats what was not answered has everything delivered once."""
    sending = asyncio.create_task(send(world, "rolled-", 200, rate=2))
    for process in PROCESSES:
        (container,) = stack.containers(process)
        await asyncio.to_thread(stack.docker, "stop", "--time", "30", container, seconds=90)
        assert stack.state(container)["State"]["ExitCode"] == 0, process
        await asyncio.to_thread(stack.docker, "start", container)
    await sending
    assert set((await world.delivered("rolled-", 200)).values()) == {1}
    await settled(stack)


@pytest.mark.skipif(shutil.which("nsenter") is None, reason="nobody can cut a network here")
async def test_the_world_cut_off_from_the_dispatcher_is_waited_for(
    world: World, stack: ComposeStack
) -> None:
    """Its packets to the platform are dropped without a word, the ones to its engines are not: it
    stays alive and ready, and what waited is delivered once when the way is there again."""
    (container,) = stack.containers("action-dispatcher")
    before = stack.state(container)["State"]
    inside = ["nsenter", "--target", str(before["Pid"]), "--net", "iptables", "--wait"]
    rule = ["OUTPUT", "--destination", stack.gateway(), "--jump", "DROP"]
    await asyncio.to_thread(subprocess.run, [*inside, "--insert", *rule], check=True)
    try:
        await send(world, "cut-", 30, rate=3)
        await asyncio.sleep(_OUTAGE_SECONDS)
        assert await world.times("cut-") == {}
        assert stack.state(container)["State"]["Health"]["Status"] == "healthy"
    finally:
        await asyncio.to_thread(subprocess.run, [*inside, "--delete", *rule], check=True)
    assert set((await world.delivered("cut-", 30)).values()) == {1}
    assert stack.state(container)["State"]["StartedAt"] == before["StartedAt"]
