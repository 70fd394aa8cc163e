"""Which hosts a URL may have: no spelling of a private address passes."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.address import is_public
from coop_items.refusal import NotAnItemValue
from coop_items.url import check_url

# Which addresses are private, and every spelling of one, is the address's own test.
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
    "0x7f.1",
    "0",
    "%31%32%37.0.0.1",
    "１２７.０.０.１",
    "127。0。0。1",
    "ⓛocalhost",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[fe80::1%25eth0]",
    "[2606:4700:4700::1111%25eth0]",
    "user:pw@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1:8080",
    "[::1]:8080",
    "loc\u00adalhost",
    "localhost..",
    "127.0.0.1..",
    "127.0\n.0.1",
    "local\thost",
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
    "http://\u3000/",
    "http://exa\u2028mple.com/",
    "http:",
    "http:\\\\",
    "http://../",
    *[
        "example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http://.",
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
def test_private_hosts_are_refused_unless_the_operator_allows_them(host: str) -> None:
    """However spelt; with private hosts allowed the same URLs pass, as on a developer's machine."""
    for scheme in ("http:", "HTTPS:"):
        for slashes in ("//", "", "/", "\\", "\\/", "///"):
            with pytest.raises(NotAnItemValue, match="private"):
                check_url(f"{scheme}{slashes}{host}/x.png?y#z")
    url = f"http://{host}/x.png"
    kept = url.replace("\n", "").replace("\t", "")
    assert check_url(url, allow_private_hosts=True) == kept


@pytest.mark.parametrize("host", PUBLIC)
def test_public_hosts_pass(host: str) -> None:
    """Public names and addresses pass unchanged."""
    assert check_url(f"https://{host}/x") == f"https://{host}/x"
    assert check_url(f"https://{host}") == f"https://{host}"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.com/a b?c d", "https://example.com/a b?c d"),
        (" https://example.com/\n", "https://example.com/"),
        ("https://exam\nple.com/a\tb", "https://example.com/ab"),
        ("http:example.com", "http://example.com"),
        ("http:/example.com/x", "http://example.com/x"),
        ("http:///example.com", "http://example.com"),
        ("https:\\\\example.com\\a?b\\c", "https://example.com/a?b\\c"),
        ("https://example.com\\@127.0.0.1/", "https://example.com/@127.0.0.1/"),
        ("https://example.com/\x01\x7f", "https://example.com/%01%7F"),
        ("https://example..com", "https://example..com"),
    ],
)
def test_what_browsers_read_is_kept_as_they_read_it(url: str, kept: str) -> None:
    """Everybody behind reads the same host and path, whatever parser they have."""
    assert check_url(url) == kept
    assert check_url(kept) == kept


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_url_is_refused(url: str) -> None:
    """What parsers disagree about, or no parser reads, is refused even where hosts are free."""
    with pytest.raises(NotAnItemValue):
        check_url(url, allow_private_hosts=True)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_a_host_is_judged_like_the_address_that_it_is(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """By the verdict for whoever names an address; what leaves us is judged again by the guard."""
    if isinstance(address, ipaddress.IPv4Address):
        hosts = [str(address), str(int(address)), hex(int(address)), f"[::ffff:{address}]"]
    else:
        hosts = [f"[{address}]", f"[{address.exploded}]"]
    for host in hosts:
        url = f"http://{host}/"
        if is_public(address, strictly=False):
            assert check_url(url) == url
        else:
            with pytest.raises(NotAnItemValue, match="private"):
                check_url(url)
