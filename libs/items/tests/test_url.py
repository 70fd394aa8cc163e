"""Which hosts a URL may have: no spelling of a private address passes."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_items.refusal import Refused
from coop_items.url import check_url

PRIVATE = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "%31%32%37.0.0.1",
    "１２７.０.０.１",
    "127。0。0。1",
    "ⓛocalhost",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[fe80::1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:7f00:1::]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "user:pw@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1:8080",
    "[::1]:8080",
    "loc\u00adalhost",
]

PUBLIC = [
    "example.com",
    "EXAMPLE.com:8443",
    "example.com.",
    "user:pw@example.com",
    "8.8.8.8",
    "134744072",
    "[2606:4700:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::8.8.8.8]",
    "bücher.example",
    "xn--bcher-kva.example",
    "localhost.example.com",
    "a_b.example.com",
    "1.example.com",
    "intranet",
]

MALFORMED = [
    "",
    "http://exa mple.com/",
    "http://example.com/a b",
    "http://example.com/\nx",
    "http://\u3000/",
    *[
        "example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http:example.com",
        "http:///x",
        "http://",
        "http://.",
        "http://a..b/",
        "http://example.com\\@127.0.0.1/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://0x100000000/",
        "http://08.0.0.1/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
        "http://[zz]/",
        "http://[::1]x/",
        "http://%ff/",
        "http://a%00b/",
        "http://a<b/",
    ],
]


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("scheme", ["http", "HTTPS"])
def test_private_hosts_are_refused(host: str, scheme: str) -> None:
    """Loopback, private, link-local, unspecified and multicast hosts are refused however spelt."""
    with pytest.raises(Refused, match="private"):
        check_url(f"{scheme}://{host}/x.png?y#z")


@pytest.mark.parametrize("host", PRIVATE)
def test_an_operator_may_allow_private_hosts(host: str) -> None:
    """With private hosts allowed the same URLs pass, as on a developer's machine."""
    url = f"http://{host}/x.png"
    assert check_url(url, allow_private_hosts=True) == url


@pytest.mark.parametrize("host", PUBLIC)
def test_public_hosts_pass(host: str) -> None:
    """Public names and addresses pass unchanged."""
    assert check_url(f"https://{host}/x") == f"https://{host}/x"
    assert check_url(f"https://{host}") == f"https://{host}"


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_url_is_refused(url: str) -> None:
    """What parsers disagree about, or no parser reads, is refused even where hosts are free."""
    with pytest.raises(Refused):
        check_url(url, allow_private_hosts=True)


@given(st.ip_addresses(v=4), st.integers(1, 4), st.sampled_from(["dec", "hex", "oct"]))
def test_every_spelling_of_an_ipv4_address_is_judged_like_the_address(
    address: ipaddress.IPv4Address, parts: int, base: str
) -> None:
    """Fewer parts, octal or hexadecimal change nothing about an address."""
    octets = list(address.packed)
    numbers = [*octets[: parts - 1], int.from_bytes(bytes(octets[parts - 1 :]), "big")]
    spell = {"dec": str, "hex": hex, "oct": lambda n: f"0{n:o}" if n else "0"}[base]
    url = f"http://{'.'.join(spell(n) for n in numbers)}/"
    mapped = f"http://[::ffff:{address}]/"
    for spelling in (url, mapped):
        if address.is_global and not address.is_multicast:
            assert check_url(spelling) == spelling
        else:
            with pytest.raises(Refused):
                check_url(spelling)
