"""Writes the contracts as files for other languages and tools: JSON Schemas, AsyncAPI, a catalogue.

    python -m coop_contracts.export            writes them
    python -m coop_contracts.export --check    exits 1 if a file differs from the code

Guarantees: the output depends on the code alone (sorted keys, no dates), so that CI can compare.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from coop_contracts import cybertip, dispatch, hash_bank, lookup
from coop_contracts.call import ROOT, Call, Problem
from coop_contracts.event import EVENT_TYPES, Event
from coop_contracts.topic import DEAD_LETTER_SUFFIX, Topic, all_topics

_ROOT = Path(__file__).resolve().parents[4]
_SCHEMAS = Path("libs/contracts/schemas")
_ASYNCAPI = Path("docs/asyncapi.json")
_CATALOGUE = Path("docs/events.md")

HEADERS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event-id": {"type": "string", "description": "UUIDv7, the same as eventId"},
        "event-type": {"type": "string"},
        "schema-version": {"type": "string"},
        "traceparent": {"type": "string", "description": "W3C Trace Context"},
    },
    "required": ["event-id", "event-type", "schema-version"],
}


def tag_of(event_type: type[Event]) -> str:
    """The event's name on the wire, such as `item-submitted`."""
    return str(event_type.__struct_config__.tag)


def schema_of(event_type: type[Event]) -> dict[str, Any]:
    """The event's JSON Schema (draft 2020-12), self-contained."""
    schema = msgspec.json.schema(event_type)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": tag_of(event_type),
        **schema,
    }


def example_of(event_type: type[Event]) -> Any:
    """The event's example, as JSON data."""
    text = (
        resources.files("coop_contracts")
        .joinpath("examples", f"{tag_of(event_type)}.json")
        .read_text(encoding="utf-8")
    )
    return json.loads(text)


APIS: Mapping[str, Mapping[str, Call[Any, Any]]] = {
    "dispatch": dispatch.CALLS,
    "lookup": lookup.CALLS,
    "hash-bank": hash_bank.CALLS,
    "cybertip": cybertip.CALLS,
}
"""The calls between services, by the API that answers them."""


def api_schema(api: str) -> dict[str, Any]:
    """The calls of an internal API with their JSON Schemas, self-contained."""
    kinds: list[type] = [Problem]
    for call in APIS[api].values():
        kinds += [call.asks, call.answers]
    _, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": api,
        "root": ROOT,
        "calls": {
            name: {
                "method": call.method,
                "path": call.path,
                "status": call.status,
                "asks": {"$ref": f"#/$defs/{call.asks.__name__}"},
                "answers": {"$ref": f"#/$defs/{call.answers.__name__}"},
            }
            for name, call in APIS[api].items()
        },
        "problem": {"$ref": f"#/$defs/{Problem.__name__}"},
        "$defs": components,
    }


def api_examples(api: str) -> dict[str, Any]:
    """Of each call what is asked and what is answered, as JSON data."""
    text = resources.files("coop_contracts").joinpath("examples", f"{api}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0.0 document of all topics."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for event_type in EVENT_TYPES:
        name = tag_of(event_type)
        body, components = msgspec.json.schema_components(
            [event_type], ref_template="#/components/schemas/{name}"
        )
        schemas.update(components)
        messages[name] = {
            "name": name,
            "contentType": "application/json",
            "summary": (event_type.__doc__ or "").strip().splitlines()[0],
            "headers": {"$ref": "#/components/schemas/Headers"},
            "payload": body[0],
            "examples": [{"name": "example", "payload": example_of(event_type)}],
        }
    schemas["Headers"] = HEADERS_SCHEMA
    for topic in all_topics():
        channels[topic.topic] = {
            "address": topic.topic,
            "description": topic.description,
            "messages": {topic.event: {"$ref": f"#/components/messages/{topic.event}"}},
            "bindings": {"kafka": {"topic": topic.topic, "partitions": topic.partitions}},
        }
        for direction, services in (("send", topic.producers), ("receive", topic.consumers)):
            for service in services:
                operations[f"{service}.{direction}.{topic.event}"] = {
                    "action": direction,
                    "summary": f"{service} {direction}s {topic.event}",
                    "channel": {"$ref": f"#/channels/{topic.topic}"},
                }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Coop events",
            "version": "1.0.0",
            "description": "Every topic of Coop, who writes it and who reads it.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _row(topic: Topic) -> str:
    cells = (
        f"`{topic.topic}`",
        f"`{topic.event}`",
        f"`{topic.key}`",
        str(topic.partitions),
        topic.retention,
        ", ".join(topic.producers),
        ", ".join(topic.consumers),
    )
    return "| " + " | ".join(cells) + " |"


def catalogue() -> str:
    """The event catalogue as Markdown."""
    lines = [
        "# Event catalogue",
        "",
        "Written by `make contracts` from the code; the tests compare. JSON, camelCase; headers",
        "carry the event id, type, version and `traceparent`. What cannot be handled goes to",
        f"`<topic>{DEAD_LETTER_SUFFIX}`. The key decides the order.",
        "",
        "| topic | event | key | partitions | retention | producers | consumers |",
        "|---|---|---|---|---|---|---|",
        *[_row(topic) for topic in all_topics()],
    ]
    for topic in all_topics():
        event_type = topic.event_type
        lines += [
            "",
            f"## {topic.event}",
            "",
            " ".join((event_type.__doc__ or "").split()),
            "",
            topic.description,
            "",
            "| field | required | type |",
            "|---|---|---|",
        ]
        hints = msgspec.structs.fields(event_type)
        for field in hints:
            kind = str(getattr(field.type, "__name__", field.type)).replace("|", "or")
            kind = kind.replace("coop_contracts.event.", "").replace("typing.", "")
            lines.append(
                f"| `{field.encode_name}` | {'yes' if field.required else 'no'} | {kind} |"
            )
    return "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """Every generated file: its path below the repository's root, and its text."""
    written = {_SCHEMAS / f"{tag_of(t)}.schema.json": _json(schema_of(t)) for t in EVENT_TYPES}
    for api in APIS:
        written[_SCHEMAS / f"{api}.schema.json"] = _json(api_schema(api))
    written[_ASYNCAPI] = _json(asyncapi())
    written[_CATALOGUE] = catalogue()
    return written


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def differing(root: Path) -> list[Path]:
    """The generated files below `root` that are not what the code says."""
    return [
        path
        for path, text in files().items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Writes or checks the files; returns the exit code."""
    changed = differing(_ROOT)
    if "--check" in arguments:
        for path in changed:
            sys.stderr.write(f"{path} is not what the code says; run `make contracts`\n")
        return 1 if changed else 0
    for path in changed:
        target = _ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files()[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
