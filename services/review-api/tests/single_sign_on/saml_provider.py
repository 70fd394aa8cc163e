"""pysaml2's identity provider, which signs with the C library xmlsec: for the tests of single
sign-on, and as a program, by which it is a page on loopback for a browser.

    python saml_provider.py          prints its address; ends with its standard input

    GET  /metadata                   what an administrator pastes into Coop
    GET  /application                a form: what Coop says is to be entered at the provider
    GET  /sso?SAMLRequest=…          a page on which anybody is whoever they type
    POST /sso                        a page that sends the answer to where the application is

Guarantees: as with Okta, an answer goes to the address and names the audience that were entered,
whatever a request asks for.
"""

from __future__ import annotations

import html
import sys
import tempfile
import threading
import warnings
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def _sign(backend: Any, statement: Any, node_name: str, key_file: str, node_id: str) -> str:
    """pysaml2's way to have something signed, by the library xmlsec rather than its command."""
    data = statement if isinstance(statement, bytes) else str(statement).encode()
    root = etree.fromstring(data)
    (found,) = root.xpath("//*[@ID=$id]", id=node_id)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
    context.register_id(found, "ID")
    context.sign(found.find(_SIGNATURE))
    return str(etree.tostring(root).decode())


class SamlProvider:
    """A provider at that origin, with a key of its own in the folder."""

    def __init__(self, folder: Path, origin: str) -> None:
        # Its makers import what is deprecated: here, so that whoever asks for it may let that be.
        from saml2 import metadata, sigver

        sigver.CryptoBackendXmlSec1.sign_statement = _sign
        metadata.algorithm_support_in_metadata = lambda command: []
        self._folder = folder
        self.origin = origin
        self.entity_id = f"{origin}/idp"
        _write_key(folder)

    def _configured(self, **more: Any) -> Any:
        from saml2 import BINDING_HTTP_REDIRECT
        from saml2.config import IdPConfig

        endpoints = {"single_sign_on_service": [(f"{self.origin}/sso", BINDING_HTTP_REDIRECT)]}
        idp = {
            "endpoints": endpoints,
            "policy": {"default": {"lifetime": {"minutes": 5}}},
            "name_id_format": [EMAIL],
        }
        return IdPConfig().load(
            {
                "entityid": self.entity_id,
                "xmlsec_binary": "/bin/true",  # must be there, and is not called
                "service": {"idp": idp},
                "key_file": str(self._folder / "key.pem"),
                "cert_file": str(self._folder / "cert.pem"),
                **more,
            }
        )

    def metadata(self) -> str:
        """What it says of itself."""
        from saml2.metadata import entity_descriptor

        return str(entity_descriptor(self._configured()))

    def server(self, theirs: str) -> Any:
        """pysaml2's server, which knows the service provider of that metadata."""
        from saml2.server import Server

        return Server(config=self._configured(metadata={"inline": [theirs]}))

    def respond(self, server: Any, email: str, signs: frozenset[str], **to: Any) -> bytes:
        """A signed answer; `to`: in_response_to, destination, sp_entity_id."""
        from saml2.saml import NameID
        from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

        response = server.create_authn_response(
            {"mail": email},
            userid=email,
            name_id=NameID(format=EMAIL, text=email),
            authn={"class_ref": PASSWORD},
            sign_assertion="assertion" in signs,
            sign_response="response" in signs,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **to,
        )
        return str(response).encode()


def _write_key(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pysaml2")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))


def _service_provider(acs: str, audience: str) -> str:
    """What pysaml2 wants to know of the application, of the two that an administrator enters."""
    return f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
        entityID="{html.escape(audience)}"><SPSSODescriptor
        protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService
        Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" index="0"
        Location="{html.escape(acs)}"/></SPSSODescriptor></EntityDescriptor>"""


def _page(body: str) -> str:
    return f"<!doctype html><title>Provider</title><h1>Provider</h1>{body}"


def _hidden(**fields: str) -> str:
    return "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )


_APPLICATION = _page(
    '<form method="post"><label>Single sign-on URL <input name="acs"></label>'
    '<label>Audience URI <input name="audience"></label><button>Save</button></form>'
)


class _Pages(BaseHTTPRequestHandler):
    provider: SamlProvider
    application: tuple[str, str] = ("", "")

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/metadata":
            self._say(self.provider.metadata(), "application/samlmetadata+xml")
        elif url.path == "/application":
            self._say(_APPLICATION)
        elif url.path == "/sso":
            kept = _hidden(**query)
            field = '<label>Address <input name="email"></label><button>Continue</button>'
            self._say(_page(f'<form method="post" action="/sso">{kept}{field}</form>'))
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(sent).items()}
        if self.path == "/application":
            type(self).application = (form["acs"], form["audience"])
            self._say(_page("<p>Saved</p>"))
            return
        from saml2 import BINDING_HTTP_REDIRECT

        acs, audience = self.application
        server = self.provider.server(_service_provider(acs, audience))
        request = server.parse_authn_request(form["SAMLRequest"], BINDING_HTTP_REDIRECT)
        answer = self.provider.respond(
            server,
            form["email"],
            frozenset({"assertion"}),
            in_response_to=request.message.id,
            destination=acs,
            sp_entity_id=audience,
        )
        kept = _hidden(SAMLResponse=b64encode(answer).decode(), RelayState=form["RelayState"])
        self._say(
            _page(
                f'<form method="post" action="{html.escape(acs)}">{kept}</form>'
                "<script>document.forms[0].submit()</script>"
            )
        )

    def _say(self, text: str, kind: str = "text/html; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        """Nothing: the test that started it says what is wrong."""


def main() -> None:
    """Serve until nobody holds the other end of the standard input any more."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        _Pages.provider = SamlProvider(Path(folder), f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(_Pages.provider.origin, flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
