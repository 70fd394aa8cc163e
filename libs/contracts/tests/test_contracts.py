"""Contracts hold: files match the code, old and new read each other, nothing is orphaned."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from coop_contracts import export
from coop_contracts.compatibility import breaking_changes
from coop_contracts.config import DOCUMENT_TYPES, Kind
from coop_contracts.event import EVENT_TYPES, Event, encode
from coop_contracts.topic import all_topics

ROOT = Path(__file__).resolve().parents[3]
FROZEN = ROOT / "libs/contracts/frozen"

EVENTS = pytest.mark.parametrize("event_type", EVENT_TYPES, ids=export.tag_of)


def frozen_schema(event_type: type[Event]) -> dict[str, Any]:
    """The schema of version 1, as it was when it was published."""
    found: dict[str, Any] = json.loads(
        (FROZEN / f"{export.tag_of(event_type)}.v1.schema.json").read_text()
    )
    return found


def example(event_type: type[Event]) -> Event:
    """The event's example, decoded."""
    return msgspec.json.decode(json.dumps(export.example_of(event_type)), type=event_type)


def test_generated_files_are_what_the_code_says() -> None:
    """Schemas, AsyncAPI and catalogue in the repository are those of today's code."""
    assert export.differing(ROOT) == []


def test_a_generated_file_that_drifted_is_found(tmp_path: Path) -> None:
    """A generated file that was edited by hand, or is missing, is named."""
    for path, text in export.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    drifted = Path("docs/events.md")
    (tmp_path / drifted).write_text("edited")
    assert export.differing(tmp_path) == [drifted]


@EVENTS
def test_a_reader_of_the_frozen_schema_reads_todays_bytes(event_type: type[Event]) -> None:
    """Bytes encoded today are valid under the schema that was frozen."""
    event = example(event_type)
    jsonschema.validate(json.loads(encode(event)), frozen_schema(event_type))


@EVENTS
def test_todays_reader_reads_the_frozen_bytes(event_type: type[Event]) -> None:
    """The frozen example decodes today, and nothing that it said is lost."""
    frozen = (FROZEN / f"{export.tag_of(event_type)}.v1.example.json").read_bytes()
    again = json.loads(encode(msgspec.json.decode(frozen, type=event_type)))
    said = json.loads(frozen)
    assert _without_defaults(said, again) == said


def _without_defaults(said: Any, again: Any) -> Any:
    """`again`, with the defaults that encoding may omit filled in from `said`."""
    if isinstance(said, dict) and isinstance(again, dict):
        defaults: tuple[Any, ...] = (False, None, "original", 1)
        return {
            key: _without_defaults(value, again[key])
            if key in again
            else (value if value in defaults else "lost")
            for key, value in said.items()
        }
    if isinstance(said, list) and isinstance(again, list):
        return [_without_defaults(a, b) for a, b in zip(said, again, strict=True)]
    return again


@EVENTS
def test_todays_schema_does_not_break_the_frozen_one(event_type: type[Event]) -> None:
    """Since version 1 nothing was removed, became required, or changed its type."""
    assert breaking_changes(frozen_schema(event_type), export.schema_of(event_type)) == []


@EVENTS
def test_a_field_from_the_future_is_ignored(event_type: type[Event]) -> None:
    """Today's reader reads an event that a newer producer added a field to."""
    newer = export.example_of(event_type) | {"addedLater": {"nested": [1, 2]}}
    event = msgspec.json.decode(json.dumps(newer), type=event_type)
    assert event == example(event_type)


def _definition(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"]["ActionRequested"]
    return found


def test_a_deliberately_broken_schema_is_refused() -> None:
    """Removing, requiring, retyping a field or widening an enumeration is each named."""
    old = frozen_schema(next(t for t in EVENT_TYPES if export.tag_of(t) == "action-requested"))
    broken = copy.deepcopy(old)
    definition = _definition(broken)
    del definition["properties"]["actorNote"]
    definition["required"].append("parameters")
    definition["required"].remove("executionId")
    definition["properties"]["configRevision"] = {"type": "string"}
    source = definition["properties"]["source"]
    source["enum"] = [*source["enum"][1:], "TELEPATHY"]
    del broken["$defs"]["ItemRef"]["properties"]["typeId"]
    found = "\n".join(breaking_changes(old, broken))
    for place, reason in (
        ("$.actorNote", "was removed"),
        ("$.parameters", "became required"),
        ("$.executionId", "no longer required"),
        ("$.configRevision", "type changed"),
        ("$.source", "was removed; old data has it"),
        ("$.source", "'TELEPATHY' was added"),
        ("$.item.typeId", "was removed"),
    ):
        assert any(line.startswith(place) and reason in line for line in found.splitlines()), place


def test_adding_an_optional_field_is_allowed() -> None:
    """A new field with a default breaks nobody."""
    old = frozen_schema(next(t for t in EVENT_TYPES if export.tag_of(t) == "action-requested"))
    new = copy.deepcopy(old)
    _definition(new)["properties"]["priority"] = {"type": "integer", "default": 0}
    assert breaking_changes(old, new) == []


def test_every_event_has_one_topic_and_every_topic_its_event() -> None:
    """No event is without a topic, no topic without an event, and names agree on both sides."""
    topics = all_topics()
    assert {topic.event for topic in topics} == {export.tag_of(t) for t in EVENT_TYPES}
    assert len({topic.topic for topic in topics}) == len(topics)
    for topic in topics:
        assert topic.event_type.topic == topic.topic  # type: ignore[attr-defined]


def test_every_topic_names_services_that_exist() -> None:
    """Owners, producers and consumers are folders under services/, or `outside`."""
    services = {path.name for path in (ROOT / "services").iterdir() if path.is_dir()}
    for topic in all_topics():
        assert {topic.owner, *topic.producers} <= services | {"outside"}
        assert set(topic.consumers) <= services | {"outside"}


def test_every_kind_of_document_has_its_struct() -> None:
    """Each kind of configuration document can be read."""
    assert set(DOCUMENT_TYPES) == set(Kind)
