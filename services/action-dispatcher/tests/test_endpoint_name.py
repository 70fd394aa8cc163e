"""How endpoints are named."""

from __future__ import annotations

import pytest

from coop_action_dispatcher.arrival import Undeliverable
from coop_action_dispatcher.endpoint_name import endpoint_of


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://platform.example/a?token=s", "https://platform.example:443 #61716f61"),
        ("http://platform.example/b", "http://platform.example:80 #9812b0b9"),
        ("https://user:pw@Platform.example:8443/", "https://platform.example:8443"),
        ("http://[::1]:9/", "http://::1:9"),
    ],
)
def test_an_endpoint_shows_its_origin_alone(url: str, endpoint: str) -> None:
    """Path, query and credentials are not in an endpoint's name, except as a hash."""
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    "url", ["", "platform.example", "ftp://a/", "http://", "http://a:99999/", "http://[1/", None]
)
def test_what_is_no_url_is_undeliverable(url: str | None) -> None:
    """A callback URL that cannot be requested ends the delivery with a reason."""
    with pytest.raises(Undeliverable):
        endpoint_of(url)
