"""The headers that go out."""

from __future__ import annotations

import pytest

from coop_action_dispatcher.header import InvalidHeaders, fixed_headers, parse_headers


def test_own_headers_cannot_replace_ours_or_the_framing() -> None:
    """Signatures, destination and framing are never the action's to set."""
    own = parse_headers(
        '{"X-Team": "a", "Coop-Signature": "x", "WEBHOOK-ID": "x", "Host": "evil",'
        ' "Content-Length": "0", "transfer-encoding": "chunked", "Content-Type": "text/html"}'
    )
    assert own == {"x-team": "a"}
    sent = dict(fixed_headers(own))
    assert b"coop-signature" not in sent
    assert sent[b"content-type"] == b"application/json"


@pytest.mark.parametrize(
    "plain",
    [
        '{"X-A": "secret\\r\\nX-B: 1"}',
        '{"X-A": "secret\\u0000"}',
        '{"X-A": "secret\\u4e2d"}',
        '{"X A": "secret"}',
        '{"": "secret"}',
        '{"X-A": 1}',
        '["secret"]',
        "secret",
    ],
)
def test_invalid_headers_are_refused_without_quoting_them(plain: str) -> None:
    """What could split or break the request is an error that does not show the value."""
    with pytest.raises(InvalidHeaders) as caught:
        parse_headers(plain)
    assert "secret" not in str(caught.value)


def test_an_empty_value_is_a_value() -> None:
    """A header may be empty."""
    assert parse_headers('{"X-A": ""}') == {"x-a": ""}
