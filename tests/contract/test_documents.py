"""The documents tell the truth where a machine can tell.

Walks every Markdown file of the repository. What a document names (a file, a module, a test, a
setting, a command) has to be there, so that a move or a new name is followed by the documents.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.routing import APIRoute

from coop_local.demo.attach import CLI_SETTINGS
from coop_review_api.process.application import build
from tests import settings_catalogue, slice_picture

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"\bcoop_[a-z_]+(?:\.[A-Za-z_]+)+\b")
IMPORT = re.compile(r"^from (coop_[a-z_.]+) import ([A-Za-z_]+)", re.MULTILINE)
FILE = re.compile(r"^(?:cli|deploy|docs|examples|libs|services|tests)/[\w./-]*[\w/]$")
MODULE = re.compile(r"(?<!\w)[a-z]\w*\.py\b")
SETTING = re.compile(r"\bCOOP_[A-Z_]*[A-Z]\b(?![_*…])")
TEST = re.compile(r"`(test_[a-z_0-9]+\.py)(?:::(test_[a-z_0-9]+))?`")
REQUEST = re.compile(r"^((?:[A-Z]{3,6}\\?\|?)*) ?(/v1/[^\s?,]*)")
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if path.is_dir())
_NOT_OURS = {".venv", ".coop", ".git", ".pytest_cache", "node_modules"}
# What the recipes of CONTRIBUTING.md make: it is not there.
_MADE_UP = re.compile(r"kudos|tally|saved-repl|comment-count")
# Written from the code, or made of tables.
_MADE = {"docs/events.md", "docs/metrics.md"}


def _documents() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.md") if not _NOT_OURS & set(path.relative_to(ROOT).parts)
    )


DOCUMENTS = _documents()
RECORDS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)
each_record = pytest.mark.parametrize("record", RECORDS, ids=[path.stem for path in RECORDS])
each_service = pytest.mark.parametrize("service", SERVICES, ids=[one.name for one in SERVICES])


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _code_of(document: Path) -> list[str]:
    """What stands in backticks, outside blocks."""
    found = CODE.findall(FENCE.sub("", _text(document)))
    if document.name == "CONTRIBUTING.md":
        return [code for code in found if not _MADE_UP.search(code)]
    return found


def _anchors(document: Path) -> set[str]:
    """The anchors of headings, as they are made of them: lower case, spaces to hyphens."""
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(_text(document)))
    return {title.replace(" ", "-") for title in plain}


def _sources() -> Iterator[Path]:
    for path in ROOT.rglob("*.py"):
        if "src" in path.parts and not _NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


@cache
def _settings() -> frozenset[str]:
    """Every name that some code takes from the environment: fields of settings, names spelt out."""
    found: set[str] = set()
    # The requests that the console gives to copy read what the user guide tells to set.
    samples = ROOT / "services/review-console/src/settings/sample.ts"
    for path in [*_sources(), *ROOT.rglob("tests/**/*.py"), ROOT / "Makefile", samples]:
        text = _text(path)
        found |= set(SETTING.findall(text))
        if path.name == "settings.py":
            fields = re.findall(r"^    ([a-z_]+): ", text, re.MULTILINE)
            found |= {f"COOP_{name.upper()}" for name in fields}
    return frozenset(found)


@cache
def _modules() -> frozenset[str]:
    return frozenset(
        path.name
        for path in ROOT.rglob("*.py")
        if not _NOT_OURS & set(path.relative_to(ROOT).parts)
    )


def _is_there(dotted: str) -> bool:
    """Whether it is a module, or something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def test_the_metric_catalogue_is_what_the_code_declares() -> None:
    """docs/metrics.md names every metric; in a process of its own, free of other tests' metrics."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tests import metric_catalogue as c; sys.stdout.write(c.text())",
    ]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert made.stdout == _text(ROOT / "docs/metrics.md")


def test_the_reference_of_settings_is_what_the_code_declares() -> None:
    """docs/operations/settings.md names every setting of every process."""
    assert settings_catalogue.text() == _text(ROOT / "docs/operations/settings.md")


@each_document
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """No link to a file, or to a heading of one, is broken; pictures are links too."""
    broken = []
    for link in LINK.findall(FENCE.sub("", _text(document))):
        target, _, anchor = link.partition("#")
        there = (document.parent / target) if target else document
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(link)
    assert broken == []


@each_document
def test_what_documents_name_is_in_the_code(document: Path) -> None:
    """Modules, what is in them, files and tests that stand in backticks exist."""
    missing = []
    for code in _code_of(document):
        missing += [dotted for dotted in DOTTED.findall(code) if not _is_there(dotted)]
        missing += [name for name in MODULE.findall(code) if name not in _modules()]
        if FILE.match(code) and not (ROOT / code).exists():
            missing.append(code)
    for module, name in IMPORT.findall(_text(document)):
        if not _is_there(f"{module}.{name}"):
            missing.append(f"{module}.{name}")
    assert missing == []


def test_tests_that_documents_name_exist() -> None:
    """A test that a document names as the proof of something is there, under that name."""
    tests: dict[str, list[str]] = {}
    for path in ROOT.rglob("test_*.py"):
        if ".venv" not in path.parts:
            tests.setdefault(path.name, []).append(_text(path))
    missing = []
    for document in DOCUMENTS:
        for file, test in TEST.findall(_text(document)):
            if not any(f"def {test}(" in text if test else True for text in tests.get(file, [])):
                missing.append(f"{document.name}: {file}::{test}")
    assert missing == []


@each_document
def test_settings_that_documents_name_are_read(document: Path) -> None:
    """A variable that a document tells people to set is read by some code."""
    assert sorted(set(SETTING.findall(_text(document))) - _settings()) == []


@cache
def _routes() -> frozenset[tuple[str, str]]:
    """Method and path of every route of review-api; parameters without their names."""
    app = build(cast("Any", None))  # the context is for those who are called
    return frozenset(
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    )


def _spelt_out(path: str) -> list[str]:
    """`/a[/{id}]` is two paths, `/a/b|c` as well."""
    short, bracket, rest = path.partition("[")
    paths = [short, short + rest.replace("]", "")] if bracket else [path]
    found = []
    for one in paths:
        parts = [part.split("|") for part in re.sub(r"\{[^}]*\}", "{}", one).split("/")]
        found += ["/".join(chosen) for chosen in product(*parts)]
    return found


@each_document
def test_requests_that_documents_show_are_routes(document: Path) -> None:
    """`POST /v1/…` is a route of review-api; a path that ends in `…` begins one."""
    unknown = []
    for code in _code_of(document):
        shown = REQUEST.match(code.replace("\\|", "|"))
        if shown is None:
            continue
        methods = [method for method in shown[1].split("|") if method]
        for path in _spelt_out(shown[2]):
            fitting = {
                method
                for method, route in _routes()
                if route == path or (path.endswith("…") and route.startswith(path[:-1]))
            }
            if not fitting or not set(methods) <= fitting:
                unknown.append(code)
    assert unknown == []


@each_document
def test_commands_that_documents_show_exist(document: Path) -> None:
    """`make …` names a target, `make bench ONLY=…` a benchmark."""
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))
    shown = "\n".join([*FENCE.findall(_text(document)), *_code_of(document)])
    assert set(re.findall(r"^(?:\S+=\S+ )?make ([a-z]+)", shown, re.MULTILINE)) <= targets
    named = set(re.findall(r"\bmake bench ONLY=(\w+)", shown)) - {"name"}
    assert [one for one in named if not (ROOT / f"tests/bench/bench_{one}.py").exists()] == []


@each_document
def test_lines_can_be_read_in_a_terminal(document: Path) -> None:
    """Prose is wrapped at 100 columns; tables, blocks and links are as long as they are."""
    if str(document.relative_to(ROOT)) in _MADE:
        return
    prose = re.sub(r"^    .*$", "", FENCE.sub("", _text(document)), flags=re.MULTILINE)
    assert [line for line in prose.splitlines() if len(line) > 100 and "|" not in line] == []


@each_record
def test_records_of_decisions_have_one_form(record: Path) -> None:
    """Title, status, and four sections in one order; the decision first in one line."""
    text = _text(record)
    assert re.match(rf"# {record.stem[:4]} \S[^\n]*[^.\n]\n\nStatus: (accepted|superseded)", text)
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert sections == ["Context", "Decision", "Consequences", "Enforced by"]
    assert _decision_of(record).endswith(".")


def _decision_of(record: Path) -> str:
    found = re.search(r"## Decision\n\n\*\*(.+?)\*\*\n", _text(record), re.DOTALL)
    assert found is not None, "the decision is not said in one line first"
    return " ".join(found[1].split())


def test_the_index_of_decisions_is_what_the_records_say() -> None:
    """Every record has its row, in order, with its title and its line; no number is left out."""
    rows = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (.+) \| (.+?) \|$",
        _text(ROOT / "docs/decisions/README.md"),
        re.MULTILINE,
    )
    expected = [
        (record.stem[:4], record.name, _text(record).split("\n")[0][7:], _decision_of(record))
        for record in RECORDS
    ]
    assert [row[:4] for row in rows] == expected
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))


@each_service
def test_every_service_has_a_readme_of_one_screen(service: Path) -> None:
    """What it consumes, emits, owns, and how it fails; short enough to be read."""
    text = _text(service / "README.md").lower()
    for word in ("consumes", "emits", "owns", "fails"):
        assert word in text, f"{service.name} does not say what it {word}"
    assert len(text.splitlines()) <= 120, service.name


@each_service
def test_a_readme_has_a_map_of_its_service(service: Path) -> None:
    """Every module or folder of the package is named under "Inside", and nothing that is gone."""
    _, _, inside = _text(service / "README.md").partition("\n## Inside\n")
    named = set(re.findall(r"`([a-z_]+)(?:/|\.py)?`", inside.partition("\n## ")[0]))
    if not (service / "pyproject.toml").exists():  # the console
        named |= set(re.findall(r"`([a-z-]+)/`", inside.partition("\n## ")[0]))
        folders = {path.name for path in (service / "src").iterdir() if path.is_dir()}
        assert folders - named - {"testing"} == set(), "not on the map"
        return
    (package,) = (service / "src").glob("coop_*")
    there = {
        path.stem
        for path in package.iterdir()
        if path.stem not in ("__init__", "__main__", "__pycache__")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert there - named == set(), "not on the map"
    picture = _text(ROOT / f"docs/images/inside-{service.name}.svg")
    assert set(MODULE.findall(picture)) - _modules() == set(), "in the picture, and gone"


def test_the_picture_of_review_api_has_its_floors() -> None:
    """Slices stand in the picture in the order that the import contract enforces."""
    assert _text(slice_picture.PATH) == slice_picture.picture(), "run `make contracts`"


def test_what_removes_an_organisation_is_in_the_stacks_own_file() -> None:
    """Every setting that `coop org remove` needs, as its README says, is in `.coop/cli.env`."""
    told = _text(ROOT / "cli/README.md").partition("- **remove**")[2].partition("- **export**")[0]
    needed = set(re.findall(r"COOP_[A-Z_]+", told))
    assert {
        "COOP_DISPATCH_URL",
        "COOP_HASH_URL",
        "COOP_NCMEC_URL",
        "COOP_OBJECT_STORE",
    } <= needed
    assert needed <= set(CLI_SETTINGS)


def test_every_benchmark_has_its_row() -> None:
    """docs/benchmarks.md has a row of each benchmark's own, with what it gave or that nobody has
    measured it yet, and none of one that is gone."""
    there = {path.stem.removeprefix("bench_") for path in (ROOT / "tests/bench").glob("bench_*.py")}
    rows = re.findall(
        r"^\| `make bench ONLY=(\w+)`[^|]*\|[^|]+\|([^|]*)\|",
        _text(ROOT / "docs/benchmarks.md"),
        re.M,
    )
    assert sorted(name for name, _ in rows) == sorted(there)
    assert [name for name, figures in rows if not figures.strip()] == []


def test_no_file_names_an_address_of_a_package_index() -> None:
    """The lock is committed without download addresses."""
    lines = _text(ROOT / "requirements.lock").splitlines()
    assert [line for line in lines if "://" in line or line.startswith("--")] == []
