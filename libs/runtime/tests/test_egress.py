"""The egress guard against hostile names, addresses and servers, on local ones."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

import httpx
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coop_runtime.egress.guard import EgressGuard, EgressLimits, EgressRefused, ResponseTooLarge

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """A local HTTP server that answers as told, and counts."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self.port = 0
        self.answer: Answer = self.ok

    async def ok(self, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await self.answer(head, writer)
                await writer.drain()
        writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    open_: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_[task] = writer
        await server.serve(reader, writer)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in open_.values():
            writer.transport.abort()
        await asyncio.gather(*open_)
        await listener.wait_closed()


class Names:
    """A resolver that answers as told, and counts."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.calls = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.calls += 1
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return self.answers[host]


LOOPBACK = ["127.0.0.0/8"]


def guard(*, allow: Sequence[str] = LOOPBACK, names: Names | None = None) -> EgressGuard:
    return EgressGuard(allow, resolver=names or Names(hook_example=["127.0.0.1"]))


def client(of: EgressGuard, *, timeout: float = 5, max_body: int = 10_000) -> httpx.AsyncClient:
    return of.client(timeout=timeout, max_body=max_body)


async def test_an_allowed_request_arrives_with_its_name() -> None:
    """The connection goes to the address, the Host header stays with the name."""
    async with serving() as server, client(guard()) as http:
        answer = await http.post(f"http://hook.example:{server.port}/path?q=1", content=b"")
        assert answer.text == "ok"
        assert server.heads[0].startswith(b"POST /path?q=1 HTTP/1.1\r\n")
        assert f"Host: hook.example:{server.port}\r\n".encode() in server.heads[0]


async def test_connections_are_kept_and_the_name_is_resolved_once() -> None:
    """A hundred requests to one endpoint cost one connection and one look-up."""
    names = Names(hook_example=["127.0.0.1"])
    async with serving() as server, client(guard(names=names)) as http:
        for _ in range(100):
            await http.post(f"http://hook.example:{server.port}/", content=b"x" * 0)
        assert server.connections == 1
        assert names.calls == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://localhost.example/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1:8080/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://１２７.０.０.１/",
        "http://user@public.example/",
        "http://user:password@public.example/",
        "ftp://public.example/",
        "file:///etc/passwd",
        "gopher://public.example/",
        "http://mixed.example/",
        "http://mapped.example/",
        "http://v6.example/",
    ],
)
async def test_what_leads_inside_is_refused(url: str) -> None:
    """Literals, disguises, credentials, other schemes, names with one bad address among good."""
    names = Names(
        localhost_example=["127.0.0.1"],
        public_example=["8.8.8.8"],
        mixed_example=["8.8.8.8", "10.0.0.1"],
        mapped_example=["::ffff:10.0.0.1"],
        v6_example=["fe80::1%eth0"],
    )
    async with client(guard(allow=[], names=names)) as http:
        with pytest.raises((EgressRefused, httpx.UnsupportedProtocol, httpx.InvalidURL)):
            await http.get(url)


def test_a_url_is_checked_when_it_is_saved() -> None:
    """Without resolving: forms and literals are judged, names pass until they are used."""
    judge = guard(allow=["10.0.0.0/8"])
    judge.check("https://hooks.example/path")
    judge.check("http://10.1.2.3/")
    judge.check("https://bücher.example/")
    for url in ("http://127.0.0.1/", "http://u@a.example/", "ftp://a.example", "a", "", "http://"):
        with pytest.raises(EgressRefused):
            judge.check(url)


HOSTILE = (
    *("127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0"),
    *("0x7f000001", "0x7f.1", "0X7F.0.0.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001"),
    *("00000177.0.0.1", "127.0.0.1:80", "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1"),
    *("10.0.0.1", "10.1", "0xa000001", "172.16.0.1", "192.168.1.1", "192.168.257", "100.64.0.1"),
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "168.63.129.16"),
    *("198.18.0.1", "192.0.2.1", "203.0.113.7", "240.0.0.1", "192.88.99.1"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]"),
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]"),
    *("[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain"),
    *("ip6-loopback", "printer.local", "metadata.google.internal", "metadata", "router.home.arpa"),
    *("１２７.０.０.１", "%31%32%37.0.0.1", "local\u00adhost", "①②⑦.0.0.1", "127。0。0。1"),
)


@pytest.mark.parametrize("host", HOSTILE)
def test_no_spelling_of_an_inner_address_is_saved(host: str) -> None:
    """Private, loopback, link-local, reserved: in any spelling, without resolving anything."""
    with pytest.raises(EgressRefused):
        guard(allow=[]).check(f"http://{host}/hook")


def test_local_names_are_left_to_what_the_operator_allows() -> None:
    """Where something inside is allowed, a name may lead there; the connection judges."""
    guard(allow=["127.0.0.0/8"]).check("http://localhost:8082/")
    guard(allow=["::1"]).check("http://localhost:8082/")
    guard(allow=["platform.internal"]).check("http://platform.internal/")
    guard(allow=["10.0.0.0/8"]).check("http://platform.internal/")
    for allow, host in (("10.0.0.0/8", "localhost"), ("other.internal", "platform.internal")):
        with pytest.raises(EgressRefused):
            guard(allow=[allow]).check(f"http://{host}/")


async def test_a_refusal_does_not_show_the_inner_address() -> None:
    """The error names the host the customer typed, not what it resolves to inside."""
    async with client(guard(allow=[], names=Names(a_example=["10.11.12.13"]))) as http:
        with pytest.raises(EgressRefused) as refused:
            await http.get("http://a.example/")
    assert "10.11.12.13" not in str(refused.value)
    assert refused.value.reason == "address"


async def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    """Rebinding: the answer is asked for once, checked, and that very address is connected to."""

    class Rebinding(Names):
        async def __call__(self, host: str, port: int) -> Sequence[str]:
            self.calls += 1
            return ["127.0.0.1"] if self.calls % 2 else ["10.0.0.1"]

    names = Rebinding()
    async with serving() as server, client(guard(names=names)) as http:
        url = f"http://evil.example:{server.port}/"
        assert (await http.get(url, headers={"connection": "close"})).text == "ok"
        assert names.calls == 1
        # The kept connection is gone; the next look-up answers with the inside address.
        with pytest.raises(EgressRefused):
            await http.get(url)
        assert names.calls == 2


async def test_an_allowed_host_may_lead_anywhere_and_no_other_name() -> None:
    """The operator's exact host name is trusted with what it resolves to."""
    names = Names(hooks_internal=["127.0.0.1"], other_internal=["127.0.0.1"])
    async with (
        serving() as server,
        client(guard(allow=["hooks.internal"], names=names)) as http,
    ):
        assert (await http.get(f"http://hooks.internal:{server.port}/")).text == "ok"
        with pytest.raises(EgressRefused):
            await http.get(f"http://other.internal:{server.port}/")


async def test_another_host_header_is_refused() -> None:
    """A custom header cannot point a virtual host elsewhere."""
    async with serving() as server, client(guard()) as http:
        with pytest.raises(EgressRefused):
            await http.get(f"http://hook.example:{server.port}/", headers={"host": "inside"})
        assert server.connections == 0


async def test_a_redirect_is_an_answer_not_a_way() -> None:
    """A redirect is returned as it is, nothing follows it."""

    async def redirect(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
        )

    async with serving() as server, client(guard()) as http:
        server.answer = redirect
        assert (await http.get(f"http://hook.example:{server.port}/")).status_code == 302
        with pytest.raises(EgressRefused):
            await http.get(f"http://hook.example:{server.port}/", follow_redirects=True)


async def test_an_endless_answer_is_cut() -> None:
    """A gigabyte without a length costs max_body and no more."""
    written = 0

    async def endless(_head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing() and written < 1_000_000_000:
            writer.write(b"x" * 100_000)
            written += 100_000
            await writer.drain()

    async with serving() as server, client(guard(), max_body=1_000_000) as http:
        server.answer = endless
        with pytest.raises(ResponseTooLarge):
            await http.get(f"http://hook.example:{server.port}/")
    assert written < 50_000_000


async def test_an_announced_gigabyte_is_not_read() -> None:
    """A content-length over the limit ends the exchange at the head."""

    async def huge(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")

    async with serving() as server, client(guard()) as http:
        server.answer = huge
        with pytest.raises(ResponseTooLarge):
            await http.get(f"http://hook.example:{server.port}/")


async def test_a_compressed_answer_is_refused() -> None:
    """A few bytes that unpack to gigabytes are never unpacked."""

    async def bomb(_head: bytes, writer: asyncio.StreamWriter) -> None:
        body = gzip.compress(b"\0" * 5_000_000)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)

    async with serving() as server, client(guard()) as http:
        server.answer = bomb
        with pytest.raises(httpx.RemoteProtocolError, match="compressed"):
            await http.get(f"http://hook.example:{server.port}/")
        assert "accept-encoding: identity" in server.heads[0].decode().lower()


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"])
async def test_a_slow_answer_ends_at_the_deadline(part: bytes) -> None:
    """Silence, or a byte now and then: the whole exchange has one deadline."""

    async def drip(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(part)
        while not writer.is_closing():
            writer.write(b"x" if part else b"H")
            await writer.drain()
            await asyncio.sleep(0.2)

    async with serving() as server, client(guard(), timeout=0.5) as http:
        server.answer = drip
        began = time.monotonic()
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://hook.example:{server.port}/")
        assert time.monotonic() - began < 2


async def test_a_resolver_that_hangs_ends_at_the_deadline() -> None:
    """No answer from the resolver is a timeout of the connection."""

    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    hurried = EgressGuard([], resolver=hang, limits=EgressLimits(resolve_timeout=0.05))
    async with hurried.client(timeout=5, max_body=1) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get("http://a.example/")


async def test_an_unknown_name_is_the_other_sides_failure() -> None:
    """A name that does not resolve may do so later: a transport error, not a refusal."""
    async with client(guard(names=Names())) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://nowhere.example/")


async def test_the_next_address_is_tried() -> None:
    """When the first address of a name does not take the connection, the next one is asked."""
    names = Names(two_example=["127.0.0.2", "127.0.0.1"])
    async with serving() as server, client(guard(names=names)) as http:
        assert (await http.get(f"http://two.example:{server.port}/")).text == "ok"


async def test_cookies_are_not_kept() -> None:
    """What one answer sets does not travel with the next request."""

    async def cookie(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")

    async with serving() as server, client(guard()) as http:
        server.answer = cookie
        for _ in range(2):
            await http.get(f"http://hook.example:{server.port}/")
        assert b"cookie" not in server.heads[1].lower()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve names behind the guard's back."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving() as server, client(guard()) as http:
        assert (await http.get(f"http://hook.example:{server.port}/")).text == "ok"


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `name`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "key.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    """TLS names the host, not the address, and a certificate for another name is refused."""
    server_context, trust = _certificate(tmp_path, "hook.example")
    asked: list[str | None] = []
    server_context.sni_callback = lambda _socket, name, _context: asked.append(name)
    names = Names(hook_example=["127.0.0.1"], other_example=["127.0.0.1"])
    guarded = guard(names=names)
    async with (
        serving(server_context) as server,
        guarded.client(timeout=5, max_body=100, ssl_context=trust) as http,
    ):
        assert (await http.get(f"https://hook.example:{server.port}/")).text == "ok"
        # The same address and port: a connection opened for one name must not serve another.
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await http.get(f"https://other.example:{server.port}/")
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await http.get(
                f"https://other.example:{server.port}/",
                extensions={"sni_hostname": "hook.example"},
            )
    assert asked == ["hook.example", "other.example", "other.example"]


@pytest.mark.parametrize(
    "test",
    [
        test_an_allowed_request_arrives_with_its_name,
        test_connections_are_kept_and_the_name_is_resolved_once,
        test_a_name_that_changes_its_answer_gains_nothing,
        test_an_endless_answer_is_cut,
        test_an_announced_gigabyte_is_not_read,
        test_the_next_address_is_tried,
    ],
)
def test_the_same_on_uvloop(test: Callable[[], Coroutine[None, None, None]]) -> None:
    """Services run on uvloop, whose transports differ from asyncio's."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


def test_certificates_on_uvloop(tmp_path: Path) -> None:
    """uvloop's TLS is its own: names are checked there too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_the_certificate_is_checked_against_the_name(tmp_path))
