"""Both sides of a comparison: items sent here and evaluated as the engine does, webhooks as Coop
sends them to a receiver that is a process, and the report as the command gives it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from psycopg.types.json import Jsonb

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.history.store import ItemStore
from coop_review_api.shadow.shadow_command import run_shadow
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions
from coop_runtime.secret.signing import public_pem, sign_rsa_sha256

from ..history.history_world import version
from ..moving.conftest import Moving
from ..moving.coop_world import ACME, CONTAINS, RSA_KEY, conditions, leaf
from ..world.evaluation import Evaluated

DEADLINE = 60.0
PRIVATE = RSA_KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
STRANGER = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    .decode()
)


def webhook(item_id: str, *rules: str, action: str = "remove", **more: Any) -> bytes:
    """The body that Coop sends for an action on a post."""
    return json.dumps(
        {
            "item": {"id": item_id, "typeId": "post", "typeName": "Post"},
            "policies": [],
            "rules": [{"id": one, "name": one.title()} for one in rules],
            "action": {"id": action},
            "custom": {},
            **more,
        }
    ).encode()


@dataclass
class Receiving:
    """The receiver, and who sends to it."""

    file: Path
    pem: Path
    arguments: tuple[str, ...] = ()
    address: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It listens when this returns."""
        said = self.file.with_suffix(".log")
        with said.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "coop_review_api", "shadow", "receive"),
                    *("--listen", "127.0.0.1:0", "--file", str(self.file), "--pem", str(self.pem)),
                    *self.arguments,
                ],
                stderr=errors,
            )
        deadline = time.monotonic() + DEADLINE
        while not said.read_text().startswith("listening on "):
            assert time.monotonic() < deadline, "it never listened"
            assert self.process.poll() is None, said.read_text()
            time.sleep(0.02)
        self.address = "http://" + said.read_text().split()[-1]

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(DEADLINE)

    async def post(self, body: bytes, *, key: str = PRIVATE, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=DEADLINE) as client:
            return await self.post_by(client, body, key=key, **headers)

    async def post_by(
        self, client: httpx.AsyncClient, body: bytes, *, key: str = PRIVATE, **headers: str
    ) -> httpx.Response:
        signed = {"coop-signature": sign_rsa_sha256(key, body), **headers}
        return await client.post(self.address + "/hook", content=body, headers=signed)

    def lines(self, kind: str = "webhook") -> list[dict[str, Any]]:
        """Those of the file that are of this kind."""
        found = [json.loads(line) for line in self.file.read_text().splitlines()]
        return [one for one in found if one["kind"] == kind]


def receiving_at(folder: Path, *arguments: str) -> Receiving:
    pem = folder / "coop.pem"
    pem.write_text(public_pem(RSA_KEY))
    return Receiving(folder / "heard.jsonl", pem, arguments)


@dataclass
class Both:
    """An organisation that was moved in, from `since` on."""

    moving: Moving
    new_url: str
    folder: Path
    since: datetime
    capture: pytest.CaptureFixture[str]

    async def move_in(self) -> None:
        """Coop's rules, each of which asks for `remove`; `ahead` is a draft here."""
        for rule_id, words in (("more", "more money"), ("edited", "edited"), ("limited", "limit")):
            self._rule(rule_id, conditions(leaf(CONTAINS, matchingValues={"strings": [words]})))
        self.moving.coop("UPDATE rules SET max_daily_actions = 2 WHERE id = 'limited'")
        variants = "TEXT_MATCHING_CONTAINS_VARIANT"
        self._rule("means", conditions(leaf(variants, matchingValues={"strings": ["ass"]})))
        self.moving.kinds = frozenset(
            {Kind.ITEM_TYPE, Kind.ACTION, Kind.POLICY, Kind.RULE, Kind.TEXT_BANK, Kind.WEBHOOK_KEY}
        )
        report = await (await self.moving.mover(ACME)).apply()
        self.import_report.write_bytes(msgspec.json.encode(report))
        context = SimpleNamespace(
            engine=self.moving.here.engine,
            signals=self.moving.here.signals,
            clock=lambda: datetime.now(UTC),
        )
        self.world = Evaluated(None, context, ACME, None)

    def _rule(self, rule_id: str, given: Any) -> None:
        coop = self.moving.coop
        coop("DELETE FROM rules_and_actions WHERE rule_id = %s", rule_id)
        coop("DELETE FROM rules_and_item_types WHERE rule_id = %s", rule_id)
        coop("DELETE FROM rules WHERE id = %s", rule_id)
        coop(
            "INSERT INTO rules (id, org_id, name, status_if_unexpired, condition_set, creator_id)"
            " VALUES (%s, %s, %s, 'LIVE', %s, 'ada')",
            *(rule_id, ACME, rule_id.title(), Jsonb(given)),
        )
        coop(
            "INSERT INTO rules_and_item_types (rule_id, item_type_id) VALUES (%s, 'post')", rule_id
        )
        coop(
            "INSERT INTO rules_and_actions (rule_id, action_id, action_parameters)"
            " VALUES (%s, 'remove', '{\"days\": 3}')",
            rule_id,
        )

    @property
    def import_report(self) -> Path:
        return self.folder / "import.json"

    async def send(self, item_id: str, text: str) -> str:
        """The item comes here, is evaluated and kept; its submission."""
        submission_id = await self.world.submit("post", {"text": text}, item_id=item_id)
        await self.world.evaluate(submission_id)
        item = SubmittedItem(
            id=item_id,
            type_id="post",
            type_version="v",
            data=msgspec.Raw(msgspec.json.encode({"text": text})),
            creator=ItemRef("author", "user"),
        )
        engine = engine_of(self.new_url, pool_size=1, application_name="test-history")
        try:
            store = ItemStore(engine, Partitions(engine))
            at = datetime.now(UTC)
            await store.add([version(ACME, item, at, submission_id=submission_id)])
        finally:
            await engine.dispose()
        return submission_id

    async def report(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report, of the command."""
        code, out, errors = await self.run(*arguments, "--format", "json")
        assert out, errors
        return code, json.loads(out)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output, errors; in a loop of its own, as a process has one."""
        self.capture.readouterr()
        asked = ["report", "--org", ACME, "--since", self.since.isoformat(), *arguments]
        code = await asyncio.to_thread(run_shadow, [*asked, "--work", str(self.folder)])
        said = self.capture.readouterr()
        return code, said.out, said.err
