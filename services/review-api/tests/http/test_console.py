"""The console beside the API: which file is served where, and under which policy."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from coop_review_api.http.console import Console
from coop_review_api.http.console_file import NoConsole, read_console
from coop_review_api.http.csp_report_route import CspReports, ReportLimits
from coop_review_api.http.limit import RequestLimit
from coop_review_api.kernel.error import TooManyAttempts
from coop_review_api.settings import Settings
from coop_runtime.process.asgi import Receive, Scope, Send

PAGE = '<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__"><div id="root"></div>'
SCRIPT, STYLE = "assets/index-BQ0c9x_1.js", "assets/index-a1b2c3d4.css"


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the API: says that it was asked."""
    del scope, receive
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"the API"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built console, and something beside it that is nobody's business."""
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(PAGE)
    (built / SCRIPT).write_text("let a = 1")
    (built / f"{SCRIPT}.br").write_bytes(b"as brotli")
    (built / f"{SCRIPT}.gz").write_bytes(gzip.compress(b"let a = 1", mtime=0))
    (built / STYLE).write_text("a{}")
    (built / "assets/plain.js").write_text("let b = 2")
    (built / "favicon.svg").write_text("<svg/>")
    (built / ".env").write_text("SECRET=1")
    (tmp_path / "secret.txt").write_text("secret")
    (built / "link.txt").symlink_to(tmp_path / "secret.txt")
    return built


def serving(folder: Path | None) -> httpx.AsyncClient:
    console = Console(api, None if folder is None else read_console(str(folder)))
    served = RequestLimit(console, max_body=1000, reads_itself=lambda _, __: False)
    return httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://review")


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(folder) as client:
        yield client


async def test_unpacking_holds_nobody_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept packed is unpacked beside the loop for who asks for it plain, and not at all for
    who asks for its length."""
    seen: list[int] = []
    unpack = gzip.decompress

    def watched(data: bytes) -> bytes:
        seen.append(threading.get_ident())
        return unpack(data)

    monkeypatch.setattr(gzip, "decompress", watched)
    head = await client.head(f"/{SCRIPT}", headers={"Accept-Encoding": "identity"})
    assert (head.headers["content-length"], seen) == ("9", [])
    plain = await client.get(f"/{SCRIPT}", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers["content-length"]) == ("let a = 1", "9")
    assert len(seen) == 1
    assert threading.get_ident() not in seen


@pytest.mark.parametrize("path", ["/", "/signup", "/reset_password", "/q/7?a=b", "/index.html"])
async def test_every_address_of_the_console_is_its_page(
    client: httpx.AsyncClient, path: str
) -> None:
    """It reads the rest itself, the token of an invitation too; it is asked for each time."""
    answer = await client.get(path)
    assert answer.status_code == 200
    assert '<div id="root">' in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in answer.headers["permissions-policy"]


def policy_of(answer: httpx.Response) -> dict[str, str]:
    parts = (
        one.strip().partition(" ") for one in answer.headers["content-security-policy"].split(";")
    )
    return {name: value for name, _, value in parts}


async def test_the_page_may_do_what_it_was_built_for(client: httpx.AsyncClient) -> None:
    """Scripts of this origin alone, none of them inline; no frame around it, and nothing sent
    elsewhere; what is kept from it is reported."""
    policy = policy_of(await client.get("/"))
    assert policy["default-src"] == policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: data:"
    assert policy["media-src"] == "'self' blob:"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["report-uri"] == "/v1/csp-reports"
    assert not any("unsafe-eval" in one or "*" in one or "http" in one for one in policy.values())


async def test_styles_are_those_of_the_build(client: httpx.AsyncClient) -> None:
    """Sheets that the page makes itself have the answer's nonce, which is another one each time."""
    seen = set()
    for _ in range(3):
        answer = await client.get("/")
        nonce = re.search(r'nonce="([\w-]{20,})"', answer.text)
        assert nonce is not None
        assert policy_of(answer)["style-src"] == f"'self' 'nonce-{nonce[1]}'"
        seen.add(nonce[1])
    assert len(seen) == 3


async def test_a_page_without_a_place_for_a_nonce_makes_its_styles_freely(folder: Path) -> None:
    """Else it could make none."""
    (folder / "index.html").write_text("<!doctype html><p>x")
    async with serving(folder) as client:
        assert policy_of(await client.get("/"))["style-src"] == "'self' 'unsafe-inline'"


async def test_what_never_changes_is_kept(client: httpx.AsyncClient) -> None:
    """A name with a hash is kept for a year, another one asked for each time, by its tag."""
    script = await client.get(f"/{SCRIPT}")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "connect-src 'self'" in script.headers["content-security-policy"]  # of a worker
    for path in ("/assets/plain.js", "/favicon.svg"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-cache"
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await client.get(path, headers={"If-None-Match": '"x"'})
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("br;q=x", None),
    ],
)
async def test_files_are_sent_as_they_lie_there(
    client: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    """Encoded before, where somebody takes that; each encoding has a tag of its own."""
    tags = []
    for path in (f"/{SCRIPT}", f"/{STYLE}"):
        async with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        wanted = encoding if path == f"/{SCRIPT}" else None
        assert answer.headers.get("content-encoding") == wanted
        assert answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) == len(raw)
        tags.append(answer.headers["etag"])
    plain = await client.get(f"/{SCRIPT}", headers={"Accept-Encoding": "identity"})
    assert (plain.headers["etag"] == tags[0]) == (encoding is None)
    assert plain.text == "let a = 1"


@pytest.mark.parametrize(
    "beside",
    [gzip.compress(b"let a = 2", mtime=0), b"no gzip", b""],
    ids=["another", "broken", "empty"],
)
async def test_a_file_is_what_lay_there_whatever_is_beside(folder: Path, beside: bytes) -> None:
    """A `.gz` of something else does not change what is sent to those who ask for it plain."""
    (folder / f"{SCRIPT}.gz").write_bytes(beside)
    async with serving(folder) as client:
        plain = await client.get(f"/{SCRIPT}", headers={"Accept-Encoding": "identity"})
    assert plain.text == "let a = 1"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/link.txt",
        "/.env",
        "/assets/./../.env",
        "/dist/../../secret.txt",
    ],
)
async def test_no_address_leads_out_of_the_folder(client: httpx.AsyncClient, path: str) -> None:
    """Nor to what is hidden in it, nor along a link out of it."""
    request = client.build_request("GET", "http://review/")
    request.url = httpx.URL("http://review", raw_path=path.encode())
    answer = await client.send(request)
    assert "secret" not in answer.text.lower()
    assert "SECRET" not in answer.text
    assert ('id="root"' in answer.text) == (answer.status_code == 200)


async def test_files_of_another_build_are_not_there(client: httpx.AsyncClient) -> None:
    """A page of before finds out; it is not given the page in place of a script."""
    answer = await client.get("/assets/index-00000000.js")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1", "/v1/queues", "/v1/no/such"])
async def test_the_api_is_the_apis(client: httpx.AsyncClient, path: str) -> None:
    """Whatever is below its address, it answers."""
    assert (await client.get(path)).text == "the API"


async def test_the_console_is_read_alone(client: httpx.AsyncClient) -> None:
    """HEAD is GET without the body; nothing else is taken."""
    for path in ("/", f"/{SCRIPT}"):
        whole, head = await client.get(path), await client.head(path)
        assert head.content == b""
        assert head.headers["content-length"] == whole.headers["content-length"]
    answer = await client.post("/", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_without_a_console_the_page_says_how_to_make_one() -> None:
    """At `/`; at any other address of the console there is nothing."""
    async with serving(None) as client:
        page, other = await client.get("/"), await client.get("/signup")
    assert (page.status_code, other.status_code) == (200, 404)
    assert "COOP_REVIEW_CONSOLE" in page.text
    assert "review_console" in Settings.model_fields
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_a_folder_without_a_console_is_refused(tmp_path: Path) -> None:
    """At the start, with the reason."""
    with pytest.raises(NoConsole, match=r"no index\.html"):
        read_console(str(tmp_path))
    with pytest.raises(NoConsole):
        read_console(str(tmp_path / "nowhere"))


def test_a_build_is_known_by_its_files(folder: Path) -> None:
    """The same files are the same build; another byte is another one."""
    before = read_console(str(folder)).build
    assert read_console(str(folder)).build == before
    (folder / SCRIPT).write_text("let a = 2")
    assert read_console(str(folder)).build != before


def reports(kind: str, sent: Any) -> dict[str, Any]:
    return {"json": sent, "headers": {"content-type": kind}}


@pytest.mark.engines
async def test_reports_are_counted_by_their_directive(http: Any) -> None:
    """In both forms that browsers send, by anyone; whatever directive is not known is `other`."""

    def counted(directive: str) -> float:
        labels = {"directive": directive}
        return REGISTRY.get_sample_value("coop_review_csp_reports_total", labels) or 0

    before = {name: counted(name) for name in ("script-src-elem", "img-src", "other")}
    old = {"csp-report": {"violated-directive": "img-src 'self'", "blocked-uri": "https://x/y?z"}}
    new = [
        {"type": "csp-violation", "body": {"effectiveDirective": "script-src-elem"}},
        {"type": "csp-violation", "body": {"effectiveDirective": "no-such-directive\n"}},
    ]
    for kind, sent in (("application/csp-report", old), ("application/reports+json", new)):
        answer = await http.post("/v1/csp-reports", **reports(kind, sent))
        assert answer.status_code == 204, answer.text
    for name, count in before.items():
        assert counted(name) == count + 1


@pytest.mark.engines
@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/csp-report", b"[]", 422),
        ("application/csp-report", b"{", 422),
        ("application/reports+json", b"{}", 422),
        ("application/reports+json", b"[1]", 422),
        ("application/reports+json", b"[" + b"{}," * 20 + b"{}]", 422),
        ("application/reports+json", b"[" * 20_000, 422),
        ("application/csp-report", b" " * 33_000, 413),
    ],
)
async def test_what_is_no_report_is_refused(
    http: Any, kind: str, content: bytes, status: int
) -> None:
    """With a problem, like anything else."""
    answer = await http.post("/v1/csp-reports", content=content, headers={"content-type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_reports_are_limited() -> None:
    """As many as the burst at once, then at the rate."""
    now = [0.0]
    left = CspReports(ReportLimits(rate=2, burst=3), clock=lambda: now[0])
    for _ in range(3):
        left.take()
    with pytest.raises(TooManyAttempts):
        left.take()
    now[0] = 0.5
    left.take()
    with pytest.raises(TooManyAttempts):
        left.take()
