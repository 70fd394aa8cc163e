"""What an operator allows beyond the public internet, and what is a host name."""

from __future__ import annotations

import ipaddress

import pytest

from coop_runtime.egress.allow_list import AllowList, is_host_name


@pytest.mark.parametrize("host", ["example.com", "a1.example", "0x7f.example", "1.example", "x"])
def test_names_are_names(host: str) -> None:
    """A label of digits may be part of one."""
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
