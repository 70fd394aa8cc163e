"""Requests that Coop's own code makes, and what strangers make of them: `clients/vectors.json`.

    python -m tests.client_vectors        # writes it again, with new RSA keys

Guarantees: what is to be accepted was made and signed by the dispatcher; each of the others differs
from such a one by what its name says. Both libraries are held against the file, and the file
against the dispatcher of now (`tests/contract/test_client_vectors.py`).
Must not: hold a private key. The secrets are the words that one reads in them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.signer import Signer
from coop_contracts.config import Kind, WebhookKey
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.secret.signing import new_rsa_key, sign_standard_webhook
from coop_runtime.secret.vault import Vault
from tests import webhook_bodies

PATH: Final = Path(__file__).resolve().parents[1] / "clients/vectors.json"
NOW: Final = 1_767_225_600
ID: Final = "0198c0de-0000-7000-8000-000000000001"
ORG: Final = "org-1"

_VAULT = Vault([b"v" * 32])


def secret(words: str) -> str:
    """A webhook secret that says what it is."""
    return "whsec_" + base64.b64encode(words.encode().ljust(32, b".")).decode()


NEW_SECRET: Final = secret("the new secret of the vectors")
OLD_SECRET: Final = secret("the old secret of the vectors")
OTHER_SECRET: Final = secret("somebody else's secret")


def keyring(private: str, executor: ThreadPoolExecutor) -> Keyring:
    """The dispatcher's, in the middle of a rotation of secrets."""
    table = ConfigTable.of([])
    documents = (
        ("rsa", "RSA_SHA256", private, "ACTIVE", 2),
        ("new", "STANDARD_WEBHOOKS", NEW_SECRET, "ACTIVE", 2),
        ("old", "STANDARD_WEBHOOKS", OLD_SECRET, "RETIRING", 1),
    )
    for revision, (key_id, scheme, plain, status, day) in enumerate(documents, 1):
        document = WebhookKey(
            id=key_id,
            scheme=scheme,  # type: ignore[arg-type]
            secret=_VAULT.encrypt(plain, context=f"{ORG}/{Kind.WEBHOOK_KEY}/{key_id}"),
            created_at=datetime(2026, 1, day, tzinfo=UTC),
            status=status,  # type: ignore[arg-type]
        )
        table.apply(ConfigChange(ORG, Kind.WEBHOOK_KEY, key_id, document, revision))
    return Keyring(_VAULT, table, Signer(executor, workers=1))


class Vectors:
    """Cases, as they are made."""

    def __init__(self, keys: Keyring, private: str, public: list[str]) -> None:
        self._keys, self._private, self._public = keys, private, public
        self.cases: list[dict[str, Any]] = []

    async def signed(self, body: bytes) -> dict[str, str]:
        """The headers with which the dispatcher sends it."""
        return dict(await self._keys.sign(ORG, webhook_id=ID, timestamp=NOW, body=body))

    def add(
        self,
        name: str,
        headers: Mapping[str, str] | list[tuple[str, str]],
        body: bytes,
        **expected: Any,
    ) -> None:
        """`expected` is the verdict (`kind`, `refused`, `unreadable`), and what a verifier has that
        is not the usual (`secrets`, `publicKeys`, `now`, `maxBody`, `unstamped`)."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers
        told = {"name": name, "headers": pairs, "body": body.decode("latin-1"), **expected}
        self.cases.append(told)

    async def change(
        self, name: str, refused: str, change: Callable[[dict[str, str]], Any], **more: Any
    ) -> None:
        """A request of the dispatcher's, with its headers changed."""
        body = webhook_bodies.action()
        headers = await self.signed(body)
        changed = change(headers)
        self.add(name, headers if changed is None else changed, body, refused=refused, **more)

    async def accepted(self) -> None:
        """What the dispatcher says, and a receiver in a rotation."""
        for name, (kind, body) in webhook_bodies.all_bodies().items():
            self.add(name, await self.signed(body), body, kind=kind)
        body = webhook_bodies.action()
        headers = await self.signed(body)
        self.add("a receiver with the old secret alone", headers, body, kind="action",
                 secrets=[OLD_SECRET])  # fmt: skip
        self.add("a receiver with the new secret alone", headers, body, kind="action",
                 secrets=[NEW_SECRET])  # fmt: skip
        self.add("a receiver with the old and the new public key", headers, body, kind="action",
                 publicKeys=self._public)  # fmt: skip
        self.add("a receiver without a public key", headers, body, kind="action", publicKeys=[])
        self.add("as old as is tolerated", headers, body, kind="action", now=NOW + 300)
        self.add("as far ahead as is tolerated", headers, body, kind="action", now=NOW - 300)
        known = headers["webhook-signature"]
        later = {**headers, "webhook-signature": f"v1a,AAAA {known} v2,AAAA"}
        self.add("beside signatures of versions to come", later, body, kind="action")
        shouted = {name.upper(): value for name, value in headers.items()}
        self.add("names of headers in other letters", shouted, body, kind="action")
        coop = {"Coop-Signature": headers["coop-signature"]}
        self.add("of Coop itself, while both send", coop, body, kind="action", unstamped=True)

    async def refused(self) -> None:
        """What is not Coop's, or not now."""
        await self._wrong_keys()
        await self._wrong_stamps()
        await self._wrong_signatures()
        await self._wrong_headers()

    async def _wrong_keys(self) -> None:
        no = "webhook-signature does not verify"
        await self.change("another secret", no, lambda h: None, secrets=[OTHER_SECRET])
        rsa_no = "Coop-Signature does not verify"
        await self.change("another public key", rsa_no, lambda h: None,
                          publicKeys=self._public[1:])  # fmt: skip
        body = webhook_bodies.action()
        headers = await self.signed(body)
        self.add("a body with one byte more", headers, body + b" ", refused=no)
        self.add("another body", headers, body.replace(b"post-1", b"post-2"), refused=no)
        self.add("an empty body", headers, b"", refused=no)
        too_large = f"the body has more than {len(body) - 1} bytes"
        self.add("a body above the limit", headers, body, refused=too_large, status=413,
                 maxBody=len(body) - 1)  # fmt: skip

    async def _wrong_stamps(self) -> None:
        old, ahead = "webhook-timestamp is too old", "webhook-timestamp is in the future"
        await self.change("replayed later", old, lambda h: None, now=NOW + 301)
        await self.change("too far ahead", ahead, lambda h: None, now=NOW - 301)
        no = "webhook-signature does not verify"
        await self.change("replayed with a new time", no,
                          lambda h: {**h, "webhook-timestamp": str(NOW + 900)},
                          now=NOW + 900)  # fmt: skip
        await self.change(
            "replayed with a new id", no, lambda h: {**h, "webhook-id": ID[:-1] + "2"}
        )
        body = webhook_bodies.action()
        headers = await self.signed(body)
        for value in ("", "now", "-1", f" {NOW}", f"{NOW}.0", f"+{NOW}", "1e9", "9" * 13, "١٢٣"):
            told = {**headers, "webhook-timestamp": value}
            no = "webhook-timestamp is no number of seconds"
            self.add(f"the time {value!r}", told, body, refused=no)
        for value in ("", f"{ID}.{NOW}", f"{ID}, {ID}", f" {ID}", f"{ID}\n", "x" * 257, "ä"):
            told = {**headers, "webhook-id": value}
            no = "webhook-id is not one of Coop's"
            self.add(f"the id {value[:50]!r}", told, body, refused=no)

    async def _wrong_signatures(self) -> None:
        body = webhook_bodies.action()
        headers = await self.signed(body)
        good = headers["webhook-signature"].split(" ")[0]
        of_body = sign_standard_webhook([NEW_SECRET], webhook_id="x", timestamp=NOW, body=body)
        no, malformed = "webhook-signature does not verify", "webhook-signature is malformed"
        for name, value, why in (
            ("a version that is not known", "v2," + good[3:], no),
            ("an asymmetric version", "v1a," + good[3:], no),
            ("half a signature", good[:23], no),
            ("a signature of another id", of_body, no),
            ("no signature", "", malformed),
            ("no algorithm", "none", malformed),
            ("an algorithm and no signature", "v1,", malformed),
            ("two blanks", good + "  " + good, malformed),
            ("joined by a comma", f"{good}, {good}", malformed),
            ("letters of another base64", "v1," + "-_" * 22, malformed),
            ("too many", " ".join([good] * 17), "webhook-signature has too many signatures"),
        ):
            self.add(name, {**headers, "webhook-signature": value}, body, refused=why)
        no, malformed = "Coop-Signature does not verify", "Coop-Signature is malformed"
        for name, value, why in (
            ("RSA with PSS", self._rsa(body, _pss(), hashes.SHA256()), no),
            ("RSA with SHA-1", self._rsa(body, padding.PKCS1v15(), hashes.SHA1()), no),
            ("RSA with SHA-512", self._rsa(body, padding.PKCS1v15(), hashes.SHA512()), no),
            ("the HMAC in the place of RSA", good[3:], no),
            ("zeros", base64.b64encode(bytes(256)).decode(), no),
            ("an empty RSA signature", "", malformed),
            ("no base64", "no base64!", malformed),
            ("a signature of a kilobyte and more", "A" * 2049, malformed),
            ("the form that Coop's old documents show", f"t={NOW},v1=00", malformed),
        ):
            self.add(name, {**headers, "coop-signature": value}, body, refused=why)

    async def _wrong_headers(self) -> None:
        body = webhook_bodies.action()
        headers = await self.signed(body)
        for name in headers:
            shown = "Coop-Signature" if name == "coop-signature" else name
            rest = {key: value for key, value in headers.items() if key != name}
            self.add(f"without {name}", rest, body, refused=f"{shown} is missing")
            twice = [*headers.items(), (name.title(), headers[name])]
            self.add(f"{name} twice", twice, body, refused=f"{name} is there twice")
        self.add("without any header", {}, body, refused="webhook-id is missing")
        coop = {"Coop-Signature": headers["coop-signature"]}
        self.add("stripped to what Coop sends", coop, body, refused="webhook-id is missing")
        self.add("a stamp in part, while both send", {**coop, "webhook-id": ID}, body,
                 unstamped=True, refused="webhook-timestamp is missing")  # fmt: skip

    async def unreadable(self) -> None:
        """Signed by Coop, and nothing that a receiver of today knows."""
        for name, body, why in (
            ("no JSON", b"{", "the body is no JSON"),
            ("not UTF-8", b'{"id":"\xff"}', "the body is no JSON"),
            ("no number", b'{"id":NaN}', "the body is no JSON"),
            ("a list", b"[]", "the body is no object"),
            ("nothing known", b"{}", "the body is of no known kind"),
            ("an action without an item", b'{"action":{"id":"a"}}', "item is no object"),
            ("an action on no id", b'{"action":{},"item":{"id":7,"typeId":"t"}}', "id is no text"),
            ("a decision of another kind",
             b'{"appealId":"a","item":{"id":"i","typeId":"t"},"appealDecision":"MAYBE"}',
             "appealDecision is neither ACCEPT nor REJECT"),
            ("no list of items", b'{"items":{}}', "items is no list"),
        ):  # fmt: skip
            self.add(name, await self.signed(body), body, unreadable=why)

    def _rsa(self, body: bytes, form: Any, algorithm: hashes.HashAlgorithm) -> str:
        key = serialization.load_pem_private_key(self._private.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return base64.b64encode(key.sign(body, form, algorithm)).decode()


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)


async def made() -> dict[str, Any]:
    """The file's content, with RSA keys that nobody has afterwards."""
    (private, public), (_, other) = new_rsa_key(), new_rsa_key()
    with ThreadPoolExecutor(1) as executor:
        vectors = Vectors(keyring(private, executor), private, [public, other])
        await vectors.accepted()
        await vectors.refused()
        await vectors.unreadable()
    return {
        "about": "Made by `python -m tests.client_vectors`; bodies are one character a byte.",
        "now": NOW,
        "id": ID,
        "secrets": [NEW_SECRET, OLD_SECRET],
        "publicKeys": [public],
        "cases": vectors.cases,
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(asyncio.run(made()), indent=1, ensure_ascii=True) + "\n")
