"""A stub that answers as a Hasher-Matcher-Actioner 1.1.7 does."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

NO_ROUTE = httpx.Response(404, text="<!doctype html><title>404 Not Found</title>")
NOTHING_FETCHED: dict[str, Any] = {
    "last_fetch_complete_ts": None,
    "last_fetch_succeeded": None,
    "up_to_date": False,
    "fetched_items": 0,
    "checkpoint_ts": None,
    "running_fetch_start_ts": None,
}


class Stub:
    """Answers as HMA does, with its oddities: text for distances, 403 for a bank that is there,
    every tenant's banks where none are named, 400 for upper case; 500 for an exchange of a name
    that is taken, its bank on from the start, an answer to PUT that is not JSON. Of 1.1.7 a kind of
    exchange has credentials; `modern`, each exchange."""

    def __init__(self, *, modern: bool = False) -> None:
        self.modern = modern
        self.apis = ["ncmec", "stop_ncii", "fb_threatexchange", "local_file", "sample"]
        self.exchanges: dict[str, dict[str, Any]] = {}
        self.fetches: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, dict[str, str]] = {}  # of a kind, or of an exchange
        self.banks: dict[str, float] = {}
        self.contents: list[tuple[str, str, str]] = []  # bank, type, signal
        self.status = 200
        self.broken: httpx.Response | None = None
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.broken is not None:
            return self.broken
        path = request.url.path
        if path == "/status":
            words = {200: "I-AM-ALIVE", 503: "INDEX-STALE"}[self.status]
            return httpx.Response(self.status, text=words)
        if path == "/m/lookup":
            return self._look_up(dict(request.url.params))
        if path == "/c/banks" and request.method == "GET":
            told = [{"name": n, "matching_enabled_ratio": r} for n, r in self.banks.items()]
            return httpx.Response(200, json=told)
        body = json.loads(request.content or b"{}")
        if path.startswith("/c/exchange"):
            return self._exchange(request.method, path.split("/")[2:], body)
        if path == "/c/banks":
            if body["name"] in self.banks:
                return httpx.Response(403, json={"message": "Bank already exists"})
            assert re.fullmatch("[A-Z_][A-Z0-9_]*", body["name"])
            self.banks[body["name"]] = body["enabled_ratio"]
            return httpx.Response(201, json=body)
        found = path.removeprefix("/c/bank/")
        if request.method == "PUT" and found in self.banks:
            self.banks[found] = body["enabled_ratio"]
            return httpx.Response(200, json=body)
        return NO_ROUTE

    def _exchange(self, method: str, path: list[str], body: dict[str, Any]) -> httpx.Response:
        match method, path:
            case "GET", ["exchanges"]:
                return httpx.Response(200, json=list(self.exchanges))
            case "GET", ["exchanges", "apis"]:
                return httpx.Response(200, json=self.apis)
            case "POST", ["exchanges"]:
                return self._create(body)
            case "GET" | "POST", ["exchanges", "api", api]:
                if api not in self.apis:
                    return httpx.Response(400, json={"message": f"no such Exchange API '{api}'"})
                if method == "POST":
                    self.accounts[api] = body["credential_json"]
                    if not body["credential_json"]:
                        del self.accounts[api]
                told = {"has_set_authentification": api in self.accounts}
                return httpx.Response(200, json=told | {"supports_authentification": True})
            case _, ["exchange", name, *_] if name not in self.exchanges:
                if method == "DELETE":
                    return httpx.Response(200, json={"message": "Exchange deleted"})
                return httpx.Response(404, json={"message": f"Exchange '{name}' not found"})
            case "GET", ["exchange", name]:
                return httpx.Response(200, json=self.exchanges[name])
            case "GET", ["exchange", name, "status"]:
                return httpx.Response(200, json=self.fetches[name])
            case "PUT", ["exchange", name]:
                self.exchanges[name]["enabled"] = body["enabled"]
                kind = {"content-type": "application/json"}
                return httpx.Response(200, text="nameapienabled", headers=kind)
            case "DELETE", ["exchange", name]:
                del self.exchanges[name]
                self.accounts.pop(name, None)
                return httpx.Response(200, json={"message": "Exchange deleted"})
            case _, ["exchange", name, "credentials"] if self.modern:
                if method == "POST":
                    self.accounts[name] = body["credential_json"]
                has = name in self.accounts or self.exchanges[name]["api"] in self.accounts
                return httpx.Response(200, json={"supports_auth": True, "has_credentials": has})
        return NO_ROUTE

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        name, api, settings = body["bank"], body["api"], body["api_json"]
        if not re.fullmatch("[A-Z0-9_]+", name) or api not in self.apis:
            return httpx.Response(400, json={"message": "No such exchange type, or a bad name"})
        wanted = {
            "ncmec": {"environment"},
            "fb_threatexchange": {"privacy_group"},
            "local_file": {"filename"},
        }
        if not wanted.get(api, set()) <= settings.keys():
            return httpx.Response(400, json={"message": "Failed to parse `api_json`"})
        if name in self.exchanges or name in self.banks:
            return httpx.Response(500, json={"message": "Internal Server Error"})
        self.exchanges[name] = {"name": name, "api": api, "enabled": True, **settings}
        self.banks[name] = 1.0
        self.fetches[name] = dict(NOTHING_FETCHED)
        return httpx.Response(201, json={"message": "Created successfully"})

    def _look_up(self, asked: dict[str, str]) -> httpx.Response:
        signal, kind = asked["signal"], asked["signal_type"]
        if kind == "pdq" and not re.fullmatch("[0-9a-f]{64}", signal):
            return httpx.Response(400, json={"message": "invalid signal: invalid PDQ hash"})
        named = asked.get("banks", "").split(",") if asked.get("banks") else list(self.banks)
        told: dict[str, list[dict[str, Any]]] = {}
        for number, (of, type_, known) in enumerate(self.contents, 1):
            if of not in named or type_ != kind or not self.banks.get(of):
                continue
            off = (int(known, 16) ^ int(signal, 16)).bit_count()
            if (kind == "pdq" and off <= 31) or off == 0:
                distance = str(off) if kind == "pdq" else "-"
                told.setdefault(of, []).append({"bank_content_id": number, "distance": distance})
        return httpx.Response(200, json=told)
