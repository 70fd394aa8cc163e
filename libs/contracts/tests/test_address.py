"""Addresses: what counts as the public internet, and how an address may be spelt.

The cases of whoever names an address (an item's URL) and of whoever sends to it (the egress guard)
are one table; where the two verdicts differ, both are told.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.address import (
    Address,
    is_numeric_host,
    is_public,
    parse_address,
    parse_spelt_ipv4,
)

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::7f00:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
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
NAMED_BUT_NOT_SENT_TO = [
    "168.63.129.16",  # a cloud's own
    "192.88.99.1",  # a relay
    "64:ff9b::8.8.8.8",  # translated
    "64:ff9b::808:808",
    "::8.8.8.8",
    "5f00::1",
    "fec0::1",
]
# What Python's copy of the registries says of these depends on its release.
NOT_SENT_TO = ["192.0.0.192", "64:ff9b:1::1", "2002:808:808::", "3fff::1"]


def parsed(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_the_public_internet_is_refused(text: str) -> None:
    """Private, loopback, link-local, metadata, documentation and multicast addresses pass neither
    verdict, and no IPv6 address that carries one."""
    assert not is_public(parsed(text), strictly=False)
    assert not is_public(parsed(text), strictly=True)


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_passes(text: str) -> None:
    """Global unicast addresses pass both."""
    assert is_public(parsed(text), strictly=False)
    assert is_public(parsed(text), strictly=True)


@pytest.mark.parametrize("text", NAMED_BUT_NOT_SENT_TO)
def test_what_may_be_named_is_not_always_sent_to(text: str) -> None:
    """Where the verdicts differ: what translates, relays, is unassigned or a cloud's own."""
    assert is_public(parsed(text), strictly=False)
    assert not is_public(parsed(text), strictly=True)


@pytest.mark.parametrize("text", NOT_SENT_TO)
def test_what_is_sent_to_does_not_depend_on_python(text: str) -> None:
    """The strict verdict has a list of its own."""
    assert not is_public(parsed(text), strictly=True)


@given(ADDRESSES)
def test_nothing_the_standard_library_calls_local_passes(address: Address) -> None:
    """Either verdict is at least as strict as Python's, and the strict one as the loose one."""
    if is_public(address, strictly=True):
        plain = parsed(str(address))
        assert not plain.is_reserved
        assert not plain.is_loopback
        assert is_public(address, strictly=False)
    if is_public(address, strictly=False):
        plain = parsed(str(address))
        assert plain.is_global
        assert not plain.is_multicast


@given(ADDRESSES)
def test_a_mapped_address_is_judged_like_the_address(address: Address) -> None:
    """`::ffff:a.b.c.d` is `a.b.c.d` to either verdict."""
    if isinstance(address, ipaddress.IPv4Address):
        mapped = ipaddress.IPv6Address(f"::ffff:{address}")
        for strictly in (False, True):
            assert is_public(mapped, strictly=strictly) == is_public(address, strictly=strictly)


SPELT = {
    "127.0.0.1": "127.0.0.1",
    "127.1": "127.0.0.1",
    "127.0.1": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "0x7f000001": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "0177.0.0.1": "127.0.0.1",
    "017700000001": "127.0.0.1",
    "127.0.0.0x1": "127.0.0.1",
    "0": "0.0.0.0",
    "0xa9fea9fe": "169.254.169.254",
    "134744072": "8.8.8.8",
}
MISSPELT = [
    "256.256.256.256",
    "1.2.3.4.5",
    "0x100000000",
    "4294967296",
    "08.0.0.1",
    "foo.0x",
    "127..1",
    "1" * 65,
]


@pytest.mark.parametrize("host", SPELT)
def test_every_spelling_of_an_address_is_read(host: str) -> None:
    """Decimal, octal, hexadecimal and shortened IPv4 addresses are addresses, and no host names."""
    assert str(parse_spelt_ipv4(host)) == SPELT[host]
    assert is_numeric_host(host)
    assert is_numeric_host(host + ".")


@pytest.mark.parametrize("host", MISSPELT)
def test_a_wrong_address_is_not_a_name_either(host: str) -> None:
    """What ends in a number and is no address is nothing."""
    assert parse_spelt_ipv4(host) is None
    assert is_numeric_host(host)


@pytest.mark.parametrize("host", ["example.com", "a1.example", "0x7f.example", "1.example", "x"])
def test_names_are_not_taken_for_addresses(host: str) -> None:
    """A label of digits anywhere but in the end is a name."""
    assert not is_numeric_host(host)
    assert parse_address(host) is None
    assert parse_spelt_ipv4(host) is None


@given(st.ip_addresses(v=4), st.integers(1, 4), st.sampled_from(["dec", "hex", "oct"]))
def test_fewer_parts_and_other_bases_change_nothing(
    address: ipaddress.IPv4Address, parts: int, base: str
) -> None:
    """Whatever the spelling, it is the address."""
    octets = list(address.packed)
    numbers = [*octets[: parts - 1], int.from_bytes(bytes(octets[parts - 1 :]), "big")]
    spellings: dict[str, Callable[[int], str]] = {
        "dec": str,
        "hex": hex,
        "oct": lambda n: f"0{n:o}" if n else "0",
    }
    assert parse_spelt_ipv4(".".join(spellings[base](n) for n in numbers)) == address
