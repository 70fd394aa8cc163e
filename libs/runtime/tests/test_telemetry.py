"""Trace context: what goes on from one hop to the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.process import telemetry

FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """No exporter, before and after."""
    telemetry.configure("test", endpoint=None, ratio=1)
    yield
    telemetry.shutdown()


def test_a_trace_goes_on_under_a_new_span() -> None:
    """The trace id and the sampling flag stay, the span id is new."""
    made = telemetry.traceparent_for_request(PARENT)
    assert FORM.fullmatch(made)
    assert made[3:35] == "a" * 32
    assert made[36:52] != "b" * 16
    assert made.endswith("-01")
    assert telemetry.traceparent_for_request(PARENT[:-1] + "0").endswith("-00")


@pytest.mark.parametrize(
    "broken",
    [
        None, b"", "nonsense", PARENT.upper(), "ff" + PARENT[2:], PARENT[:-1], PARENT + "x",
        f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'a' * 32}-{'0' * 16}-01", b"\xff" * 55,
    ],
)  # fmt: skip
def test_a_broken_header_begins_a_new_trace(broken: str | bytes | None) -> None:
    """What is no traceparent is ignored."""
    assert telemetry.parse(broken) is None
    made = telemetry.traceparent_for_request(broken)
    assert FORM.fullmatch(made)
    assert made[3:35] != "a" * 32


def test_a_later_version_is_read() -> None:
    """A header of a later version carries its ids in the same places."""
    context = telemetry.parse("01-" + PARENT[3:] + "-more")
    assert context is not None
    assert context.trace_id == int("a" * 32, 16)


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 1))
def test_format_and_parse_are_inverse(trace_id: int, span_id: int, flags: int) -> None:
    """Any valid context survives its header."""
    context = telemetry.parse(telemetry.format_traceparent(trace_id, span_id, flags))
    assert context is not None
    assert (context.trace_id, context.span_id, context.trace_flags) == (trace_id, span_id, flags)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": PARENT},
        {"traceparent": PARENT.encode()},
        [(b"host", b"a"), (b"Traceparent", PARENT.encode())],
        [("traceparent", PARENT)],
    ],
)
def test_headers_make_the_trace_current(headers: telemetry.AnyHeaders) -> None:
    """Kafka's and ASGI's headers alike; after the block the trace is gone."""
    with telemetry.attached(headers):
        assert telemetry.current_traceparent() == PARENT
    assert telemetry.current_traceparent()[3:35] != "a" * 32


def test_without_the_header_the_current_trace_stays() -> None:
    """Attaching headers without a trace changes nothing."""
    with telemetry.attached({"traceparent": PARENT}), telemetry.attached({}):
        assert telemetry.current_traceparent() == PARENT


def test_a_span_continues_the_attached_trace() -> None:
    """A span made within is of the same trace, also when nothing is exported."""
    with (
        telemetry.attached({"traceparent": PARENT}),
        telemetry.tracer("a").start_as_current_span("work"),
    ):
        assert telemetry.current_traceparent()[3:35] == "a" * 32


async def test_tasks_do_not_share_a_trace() -> None:
    """Two tasks at once each keep their own."""

    async def work(digit: str) -> str:
        with telemetry.attached({"traceparent": f"00-{digit * 32}-{'b' * 16}-00"}):
            await asyncio.sleep(0)
            return telemetry.current_traceparent()

    found = await asyncio.gather(work("1"), work("2"))
    assert [made[3] for made in found] == ["1", "2"]


def test_nothing_is_sampled_without_an_exporter() -> None:
    """New traces are flagged as not recorded when nobody records them."""
    assert not telemetry.exporting()
    assert not telemetry.is_sampled(telemetry.traceparent_for_request())
    assert telemetry.is_sampled(PARENT)


def test_the_ratio_decides_for_new_traces() -> None:
    """With an exporter about the given share of new traces is flagged, and spans agree."""
    telemetry.configure("test", endpoint="http://127.0.0.1:1", ratio=0.25)
    assert telemetry.exporting()
    made = [telemetry.traceparent_for_request() for _ in range(2000)]
    share = sum(map(telemetry.is_sampled, made)) / len(made)
    assert 0.18 < share < 0.32
    telemetry.configure("test", endpoint="http://127.0.0.1:1", ratio=0)
    assert not any(telemetry.is_sampled(telemetry.traceparent_for_request()) for _ in range(100))
