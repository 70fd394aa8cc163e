"""Log lines: one JSON object each, whoever wrote them, without secrets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.process import log, metric, telemetry


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """JSON logs of the service `test`; the process's logging as it was, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    log.configure("test", level="INFO", form="json")
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_our_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, service, logger, event and fields; below the level nothing."""
    log.logger("coop.here").info("happened", count=1, nothing=None, what={"a": [1, object]})
    log.logger("coop.here").debug("unseen")
    (line,) = lines(capsys)
    assert line["event"] == "happened"
    assert (line["service"], line["logger"], line["level"]) == ("test", "coop.here", "info")
    assert line["time"].endswith("Z")
    assert line["count"] == 1
    assert line["what"]["a"][1] == "<class 'object'>"


def test_a_librarys_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The standard library's records come out in the same form."""
    logging.getLogger("sqlalchemy.pool").warning("lost %s", "it")
    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["level"]) == (
        "lost it",
        "sqlalchemy.pool",
        "warning",
    )
    assert line["service"] == "test"


@pytest.mark.parametrize("ours", [True, False])
def test_an_exception_is_in_the_line(capsys: pytest.CaptureFixture[str], ours: bool) -> None:
    """The traceback is one field of the one line."""
    try:
        raise ValueError("broke")
    except ValueError:
        (log.logger("a") if ours else logging.getLogger("a")).exception("failed")
    (line,) = lines(capsys)
    assert "ValueError: broke" in line["exception"]
    assert "Traceback" in line["exception"]


def test_the_trace_is_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Within a trace its ids are there, for libraries' lines too; outside they are not."""
    with telemetry.attached({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
        log.logger("a").info("in")
        logging.getLogger("b").warning("in")
    log.logger("a").info("out")
    first, second, third = lines(capsys)
    assert first["trace_id"] == second["trace_id"] == "a" * 32
    assert first["span_id"] == "b" * 16
    assert "trace_id" not in third


@pytest.mark.parametrize(
    "key",
    ["password", "db_password", "secret", "client-secret", "access_token", "Authorization",
     "x-api-key", "X_API_KEY", "cookie", "Set-Cookie", "private_key", "credentials"],
)  # fmt: skip
def test_secrets_are_redacted(capsys: pytest.CaptureFixture[str], key: str) -> None:
    """The value of such a key never gets out, at any depth, as mapping or as header pairs."""
    log.logger("a").info(
        "x",
        **{key: "hunter2"},
        deep={"list": [{key: {"more": "hunter2"}}]},
        pairs=[(key, "hunter2"), (key.encode(), b"hunter2")],
    )
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert out.count("[redacted]") == 4


def test_a_line_that_cannot_be_written_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stdout loses the line, counts it, and does not break the caller."""

    class Closed:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

    before = metric.LOG_LINES_LOST._value.get()
    monkeypatch.setattr(sys, "stdout", Closed())
    log.logger("a").info("lost")
    logging.getLogger("a").warning("lost")
    assert metric.LOG_LINES_LOST._value.get() == before + 2


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(alphabet="abcdefgh", min_size=1), json_like))
def test_any_value_can_be_logged(fields: dict[str, Any]) -> None:
    """Whatever a field holds, the line is made."""
    written: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "_write", written.append)
        log.logger("a").info("x", **fields)
    assert len(written) == 1
    assert json.loads(written[0])["event"] == "x"


def test_a_surrogate_or_endless_nesting_does_not_break_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Text that is no Unicode and a value that contains itself still make a line."""
    endless: dict[str, Any] = {}
    endless["again"] = endless
    log.logger("a").info("x", bad="\ud800", endless=endless, large=2**80, odd={(1, 2): 3})
    (line,) = lines(capsys)
    assert line["event"] == "x"


def test_warnings_become_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Python's warnings are logged, not printed."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = lines(capsys)
    assert line["logger"] == "py.warnings"


def test_the_console_form_is_for_people() -> None:
    """The console form is one readable line, with the same redaction."""
    program = (
        "from coop_runtime.process import log; log.configure('t', form='console'); "
        "log.logger('a').info('hello', password='hunter2')"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert "hello" in out
    assert "hunter2" not in out
    assert out.count("\n") == 1
