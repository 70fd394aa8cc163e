"""Names of classes: one means one thing within a package."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(
    path
    for path in ROOT.glob("*/*/src/coop_*")
    if path.is_dir() and (path / "__init__.py").exists()
)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_class_name_means_one_thing(package: Path) -> None:
    """No two public classes of a package share a name: who searches for one finds one."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in sorted(package.rglob("*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(module.relative_to(package)))
    assert {name: where for name, where in found.items() if len(where) > 1} == {}
