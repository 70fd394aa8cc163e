"""The documents tell the truth where a machine can tell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if path.is_dir())


def test_the_metric_catalogue_is_what_the_code_declares() -> None:
    """docs/metrics.md names every metric; in a process of its own, free of other tests' metrics."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tests import metric_catalogue as c; sys.stdout.write(c.text())",
    ]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert made.stdout == (ROOT / "docs/metrics.md").read_text(encoding="utf-8")


def test_links_between_documents_lead_somewhere() -> None:
    """No link in a Markdown file of the repository is broken."""
    documents = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/*/README.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_make_target_of_the_readme_exists() -> None:
    """A command that the README shows can be run."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named - {"and"} <= targets


def test_every_service_has_a_readme_of_one_screen() -> None:
    """What it consumes, emits, owns, and how it fails; short enough to be read."""
    for service in SERVICES:
        text = (service / "README.md").read_text(encoding="utf-8").lower()
        for word in ("consumes", "emits", "owns", "fails"):
            assert word in text, f"{service.name} does not say what it {word}"
        assert len(text.splitlines()) <= 120, service.name


def test_no_file_names_an_address_of_a_package_index() -> None:
    """The lock is committed without download addresses."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if "://" in line or line.startswith("--")] == []
