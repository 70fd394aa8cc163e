"""A folder of rule files: one YAML file a document, by kind.

    rules/spam-links.yaml   text-banks/…   location-banks/…   item-types/… (to read only)

Guarantees: a document stays in the file that it is in, whatever it is called; writing replaces a
file in whole or not at all; what is not a YAML file is left alone.
Must not: read outside the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coop_cli.rule_file import FileKind
from coop_cli.yaml_text import YamlError, read_yaml, write_yaml

_SLUG = 60  # characters of a file's name


class FileError(ValueError):
    """A file that cannot be used: the message has its path and the reason."""


@dataclass(frozen=True)
class RuleFile:
    """One document's file. `id` and `revision` are those of the last pull, None in a new one."""

    path: Path
    kind: FileKind
    data: Mapping[str, Any]
    text: str

    @property
    def name(self) -> str:
        return str(self.data.get("name", ""))

    @property
    def id(self) -> str | None:
        found = self.data.get("id")
        return None if found is None else str(found)

    @property
    def revision(self) -> int | None:
        found = self.data.get("revision")
        return found if isinstance(found, int) else None


def read_folder(folder: Path, kind: FileKind) -> list[RuleFile]:
    """The files of a kind, by path. Raises FileError."""
    place = folder / kind
    if not place.is_dir():
        return []
    return [read_rule_file(path, kind) for path in sorted(place.glob("*.yaml"))]


def read_rule_file(path: Path, kind: FileKind) -> RuleFile:
    """One file. Raises FileError."""
    try:
        text = path.read_text(encoding="utf-8")
        data = read_yaml(text)
    except (OSError, UnicodeDecodeError, YamlError) as error:
        raise FileError(f"{path}: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise FileError(f"{path}: must be an object with a name")
    return RuleFile(path, kind, data, text)


def write_file(path: Path, data: Mapping[str, Any]) -> bool:
    """Write the file, if it is not the same already; whether it was written."""
    raw = write_yaml(data).encode()
    if path.exists() and path.read_bytes() == raw:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(raw)
    os.replace(beside, path)
    return True


def free_path(folder: Path, kind: FileKind, name: str, document_id: str, taken: set[Path]) -> Path:
    """A path for a new file that no other document has."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG].strip("-") or "unnamed"
    for candidate in _candidates(slug, document_id):
        path = folder / kind / f"{candidate}.yaml"
        if path not in taken:
            return path
    raise FileError(f"{folder / kind}: no name left for {name}")


def _candidates(slug: str, document_id: str) -> Iterator[str]:
    tail = re.sub(r"[^a-z0-9]", "", document_id.lower())
    yield slug
    yield f"{slug}-{tail[-8:]}"
    yield f"{slug}-{tail}"
