"""Addresses and host names: what counts as the public internet."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.egress.address import (
    AllowList,
    is_host_name,
    is_numeric_host,
    is_public,
    parse_address,
)

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001:829::200e",
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_the_public_internet_is_refused(text: str) -> None:
    """Private, loopback, link-local, metadata, translated and reserved addresses do not pass."""
    address = parse_address(text)
    assert address is not None
    assert not is_public(address)


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_passes(text: str) -> None:
    """Global unicast addresses pass."""
    address = parse_address(text)
    assert address is not None
    assert is_public(address)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_the_standard_library_calls_local_passes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Our list is at least as strict as Python's."""
    if is_public(address):
        plain = parse_address(str(address))
        assert plain is not None
        assert plain.is_global
        assert not plain.is_multicast
        assert not plain.is_reserved
        assert not plain.is_loopback


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "0177.0.0.1", "1.2.3.4.5",
     "127.0.0.0x1", "foo.0x", "127.1.", "4294967296"],
)  # fmt: skip
def test_addresses_in_disguise_are_seen(host: str) -> None:
    """Decimal, octal, hexadecimal and shortened IPv4 addresses are no host names."""
    assert is_numeric_host(host)


@pytest.mark.parametrize("host", ["example.com", "a1.example", "0x7f.example", "1.example", "x"])
def test_names_are_not_taken_for_addresses(host: str) -> None:
    """A label of digits anywhere but in the end is a name."""
    assert not is_numeric_host(host)
    assert is_host_name(host)


@pytest.mark.parametrize("host", ["", "a b", "a..b", ".a", "é.example", "a/b", "a\x00", "x" * 254])
def test_what_is_no_name_is_refused(host: str) -> None:
    """Only ASCII labels make a name here; IDNA encoding happened before."""
    assert not is_host_name(host)


def test_an_allow_list_takes_networks_addresses_and_names() -> None:
    """Each kind of entry allows what it names and nothing beside it."""
    allow = AllowList(["127.0.0.0/8", "10.1.2.3", "fd00::/8", " Hooks.Internal. "])
    assert allow.has_address(ipaddress.ip_address("127.9.9.9"))
    assert allow.has_address(ipaddress.ip_address("10.1.2.3"))
    assert allow.has_address(ipaddress.ip_address("fd00::1"))
    assert not allow.has_address(ipaddress.ip_address("10.1.2.4"))
    assert not allow.has_address(ipaddress.ip_address("::1"))
    assert allow.has_host("hooks.internal")
    assert allow.has_host("HOOKS.internal.")
    assert not allow.has_host("x.hooks.internal")


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "*.internal", "http://a", "2130706433"])
def test_an_allow_list_refuses_what_it_does_not_understand(entry: str) -> None:
    """A mistyped entry is an error at start, not a hole or a surprise later."""
    with pytest.raises(ValueError, match="neither"):
        AllowList([entry])
