"""Who may be asked, and how answers are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coop_ncmec_reporter.ncmec import NcmecClient, check_address

from .conftest import AskedNcmec

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("url", "outside", "allowed"),
    [
        ("http://127.0.0.1:8087/ispws", False, True),
        ("http://localhost:8087/ispws", False, True),
        ("https://exttest.cybertip.org/ispws", False, False),
        ("https://report.cybertip.org/ispws", False, False),
        ("https://REPORT.CYBERTIP.ORG./ispws", False, False),
        ("https://example.com/ispws", False, False),
        ("https://exttest.cybertip.org/ispws", True, True),
        ("http://exttest.cybertip.org/ispws", True, False),
        ("exttest.cybertip.org", True, False),
        ("", False, False),
    ],
)
def test_another_machine_is_asked_on_the_operators_word_only(
    url: str, outside: bool, allowed: bool
) -> None:
    """NCMEC's hosts, and any other: never by accident, never without TLS."""
    if allowed:
        check_address(url, outside=outside)
        return
    with pytest.raises(ValueError, match=r"."):
        check_address(url, outside=outside)
    with pytest.raises(ValueError, match=r"."):
        NcmecClient(url, username="a", password="b", outside=outside)


async def test_a_test_that_reaches_for_ncmec_ends() -> None:
    """Even with the operator's word: the name is not looked up, whoever asks for it."""
    client = NcmecClient(
        "https://exttest.cybertip.org/ispws", username="a", password="b", outside=True
    )
    with pytest.raises(AskedNcmec):
        await client.status()
    await client.aclose()


def test_no_code_of_the_demonstration_names_ncmecs_hosts() -> None:
    """The guard, and the name that documents give their schema, are all there is of them; nothing
    starts with `COOP_NCMEC_OUTSIDE`."""
    names = re.compile(r"cybertip\.org|missingkids\.org|ncmec\.org")
    found = {
        str(path.relative_to(ROOT))
        for folder in ("libs", "services", "deploy", "cli", "examples")
        for path in (ROOT / folder).rglob("src/**/*.py")
        if names.search(path.read_text(encoding="utf-8"))
    }
    reporter = "services/ncmec-reporter/src/coop_ncmec_reporter"
    assert found == {f"{reporter}/ncmec.py", f"{reporter}/tree.py"}
    roster = (ROOT / "deploy/local/src/coop_local/roster.py").read_text(encoding="utf-8")
    assert '"COOP_NCMEC_OUTSIDE": "false"' in roster
