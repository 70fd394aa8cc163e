"""The stand-in keeps the interface's rules, and does what is planned."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from coop_ncmec_simulator.app import Simulator

from .conftest import NOW, REFERENCE, REPORT, USERS, Caller, caller_of, details, value


async def test_a_report_is_opened_filled_and_filed_once(caller: Caller) -> None:
    """Submit, upload, fileinfo, finish; afterwards nothing can be done to it."""
    report_id = await caller.opened()
    content = bytes(range(256)) * 1000 + b"\r\n--half a mark"
    uploaded = await caller.upload(report_id, content)
    file_id = value(uploaded, "fileId")
    assert len(file_id) == 32
    assert value(uploaded, "hash") == hashlib.md5(content).hexdigest()
    described = await caller.post("fileinfo", details(report_id, file_id))
    assert value(described, "responseCode") == "0"
    finished = await caller.form("finish", report_id)
    assert f"<files><fileId>{file_id}</fileId></files>" in finished.text
    for again in (
        await caller.form("finish", report_id),
        await caller.form("retract", report_id),
        await caller.upload(report_id, b"x"),
        await caller.post("fileinfo", details(report_id, file_id)),
    ):
        assert (again.status_code, value(again, "responseCode")) == (400, "5102")
    (filed,) = caller.simulator.reports.finished()[REFERENCE]
    assert [one.size for one in filed.files.values()] == [len(content)]


async def test_a_retracted_report_is_gone(caller: Caller) -> None:
    """And says so."""
    report_id = await caller.opened()
    assert value(await caller.form("retract", report_id), "responseCode") == "0"
    assert value(await caller.form("retract", report_id), "responseCode") == "5101"
    assert value(await caller.form("finish", report_id), "responseCode") == "5101"


async def test_strangers_are_refused(caller: Caller) -> None:
    """A wrong password is 401 without a body; another's report is not to be changed."""
    report_id = await caller.opened()
    wrong = await caller.client.get("/ispws/status", auth=("esp", "wrong"))
    assert (wrong.status_code, wrong.content) == (401, b"")
    assert wrong.headers["www-authenticate"].startswith("Basic")
    other = await caller.form("finish", report_id, auth=("other", "password"))
    assert (other.status_code, value(other, "responseCode")) == (403, "3300")
    assert value(await caller.client.get("/ispws/status"), "responseDescription").startswith(
        "Remote User : esp"
    )


async def test_what_is_no_document_is_refused(caller: Caller) -> None:
    """Malformed, another root, a form without a file, a report that is none."""
    report_id = await caller.opened()
    broken = await caller.post("submit", REPORT[:100])
    assert (broken.status_code, value(broken, "responseCode")) == (400, "4110")
    other = await caller.post("submit", "<victim/>")
    assert value(other, "responseCode") == "4100"
    assert value(await caller.form("upload", report_id), "responseCode") == "4200"
    assert value(await caller.form("finish", 1), "responseCode") == "5001"
    missing = await caller.post("fileinfo", details(report_id, "0" * 32))
    assert value(missing, "responseCode") == "5002"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("2026-05-01T00:00:00Z", "2026-06-01T11:59:59Z"),  # past for one of the two clocks only
        ("2026-05-01T00:00:00Z", "2026-05-01T00:00:00"),
        ("<email>safety@example.com</email>", ""),
        ("safety@example.com", "safety"),
        ("<espIdentifier>42</espIdentifier>", f"<espIdentifier>{'4' * 256}</espIdentifier>"),
        (
            "<espIdentifier>42</espIdentifier>",
            "<espIdentifier>42</espIdentifier><profileUrl>https://e.com/a b</profileUrl>",
        ),
    ],
    ids=["future", "no-zone", "no-email", "no-address", "long", "blank"],
)
async def test_the_documentations_rules_are_kept(caller: Caller, part: str, other: str) -> None:
    """What the schema lets pass and the documentation does not."""
    answers = [await caller_of(caller.simulator).post("submit", REPORT.replace(part, other))]
    answers.append(await caller_of(caller.simulator).post("submit", REPORT.replace(part, other)))
    codes = {value(one, "responseCode") for one in answers}
    assert "4100" in codes


async def test_a_lenient_stand_in_keeps_the_schema_alone() -> None:
    """How strictly the real one keeps the rules is not known."""
    caller = caller_of(Simulator(users=USERS, strict=False, clock=lambda: NOW))
    answer = await caller.post("submit", REPORT.replace("safety@example.com", "safety"))
    assert value(answer, "responseCode") == "0"


async def test_the_schema_is_kept(caller: Caller) -> None:
    """Two addresses of a file, or elements in another order, are refused, with the place."""
    report_id = await caller.opened()
    file_id = value(await caller.upload(report_id, b"x"), "fileId")
    event = "<ipCaptureEvent><ipAddress>192.0.2.7</ipAddress></ipCaptureEvent>"
    for more in (event * 2, f"{event}<industryClassification>A1</industryClassification>"):
        answer = await caller.post("fileinfo", details(report_id, file_id, more))
        assert (answer.status_code, value(answer, "responseCode")) == (400, "4100")
        assert "[1,1] - " in answer.text
    served = await caller.client.get("/ispws/xsd")
    assert b"reportDoneResponse" in served.content


@pytest.mark.parametrize(("hours", "left"), [(23.9, "0"), (24.1, "5001")], ids=["day", "after"])
async def test_an_open_report_ends_after_a_day(caller: Caller, hours: float, left: str) -> None:
    """24 hours after it was opened."""
    report_id = await caller.opened()
    caller.simulator.advance(hours * 3600)
    assert value(await caller.form("finish", report_id), "responseCode") == left


async def test_a_change_keeps_a_report_open_for_an_hour(caller: Caller) -> None:
    """Whichever is later."""
    report_id = await caller.opened()
    caller.simulator.advance(23.5 * 3600)
    await caller.upload(report_id, b"x")
    caller.simulator.advance(0.9 * 3600)
    assert value(await caller.upload(report_id, b"y"), "responseCode") == "0"
    caller.simulator.advance(1.1 * 3600)
    assert value(await caller.form("finish", report_id), "responseCode") == "5001"


async def test_two_servers_with_two_clocks(caller: Caller) -> None:
    """Without the cookie calls go to one and the other; what one opened the other learns later."""
    caller.client.cookies.clear()
    dates = set()
    for _ in range(2):
        answer = await caller.client.get("/ispws/status")
        caller.client.cookies.clear()
        dates.add(parsedate_to_datetime(answer.headers["date"]))
    assert max(dates) - min(dates) == timedelta(seconds=19)

    slow = caller_of(Simulator(users=USERS, replication=2, clock=lambda: NOW))
    report_id = await slow.opened()
    assert value(await slow.upload(report_id, b"x"), "responseCode") == "0"
    slow.client.cookies.clear()
    assert value(await slow.upload(report_id, b"x"), "responseCode") == "5001"
    slow.client.cookies.clear()
    slow.simulator.advance(2)
    assert value(await slow.upload(report_id, b"x"), "responseCode") == "0"


async def test_faults_come_as_planned(caller: Caller) -> None:
    """Before the effect or after it, at the call that was named, and are in the journal."""
    report_id = await caller.opened()
    await caller.plan(
        {"endpoint": "upload", "nth": 1, "do": "html"},
        {"endpoint": "upload", "nth": 2, "when": "after", "do": "wrong-hash"},
        {"endpoint": "upload", "nth": 3, "when": "after", "do": "truncate"},
        {"endpoint": "upload", "nth": 4, "do": "unauthorized"},
        {"endpoint": "upload", "nth": 5, "do": "code", "code": 1110},
        {"endpoint": "upload", "nth": 6, "when": "after", "do": "drop"},
        {"endpoint": "finish", "nth": 1, "do": "expire"},
    )
    html = await caller.upload(report_id, b"x")
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html")
    assert value(await caller.upload(report_id, b"x"), "hash") == "0" * 32
    assert not (await caller.upload(report_id, b"x")).text.endswith(">\n")
    assert (await caller.upload(report_id, b"x")).status_code == 401
    server = await caller.upload(report_id, b"x")
    assert (server.status_code, value(server, "responseCode")) == (500, "1110")
    with pytest.raises((httpx.TransportError, ConnectionResetError)):
        await caller.upload(report_id, b"x")
    assert len(caller.simulator.reports.all[report_id].files) == 3
    assert value(await caller.form("finish", report_id), "responseCode") == "5001"
    journal = (await caller.client.get("/_sim/journal")).json()
    faults = [one["fault"] for one in journal if one["endpoint"] == "upload"]
    assert faults[1] == "wrong-hash after"
    assert [one["effect"] for one in journal if one["endpoint"] == "upload"] == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]


async def test_refusals_of_old_came_with_200() -> None:
    """In the old manner the code alone says it."""
    caller = caller_of(
        Simulator(users=USERS, manner="legacy", clock=lambda: datetime(2026, 6, 1, tzinfo=UTC))
    )
    answer = await caller.form("finish", 1)
    assert (answer.status_code, value(answer, "responseCode")) == (200, "5001")


def test_it_listens_on_loopback_and_nowhere_else() -> None:
    """Another address is refused before anything starts."""
    ended = subprocess.run(
        [sys.executable, "-m", "coop_ncmec_simulator"],
        env={"COOP_NCMEC_SIMULATOR_HOST": "0.0.0.0", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "COOP_NCMEC_SIMULATOR_HOST" in ended.stderr
