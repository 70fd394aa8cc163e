"""What a query of Prometheus asks for: metrics, their labels, and the values of those.

It reads the part of the language that our queries are written in, and knows no more of it than
what is needed to compare them with the catalogue; that they are queries at all, promtool says.

Guarantees: a metric, a label of a selector or of a grouping, that does not exist, is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TARGET_LABELS = frozenset({"job", "instance"})
"""What Prometheus adds to every sample. `job` is a role's name among all processes."""

STANDARD: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "process_cpu_seconds_total": frozenset(),
    "process_resident_memory_bytes": frozenset(),
    "process_start_time_seconds": frozenset(),
    "process_open_fds": frozenset(),
}
"""Metrics that Prometheus and its client make, without declaration of ours."""

ALERTS = {"ALERTS": frozenset({"alertname", "alertstate", "severity"})}
"""What Prometheus says of its own alerts."""

_SERIES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
_METRIC = re.compile(r"(?<![\w:$\"])([a-z_][\w:]*|ALERTS)(?=\s*[{\[)\s]|$)(?!\s*\()")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r"\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*\"((?:[^\"\\]|\\.)*)\"\s*(?:,|$)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_AGGREGATES = {"sum", "avg", "max", "min", "count", "quantile", "topk"}
_JOINS = {"by", "without", "on", "ignoring", "group_left", "group_right", "or", "and", "unless"}
_WORDS = frozenset(_AGGREGATES | _JOINS | {"bool", "offset"})


@dataclass(frozen=True)
class Matcher:
    """A selector's condition on a label."""

    metric: str
    label: str
    operator: str
    value: str

    def literals(self) -> tuple[str, ...]:
        """The values that it names, where it names them whole."""
        if "$" in self.value or not self.value:
            return ()
        if self.operator in ("=", "!="):
            return (self.value,)
        parts = self.value.split("|")
        return tuple(part for part in parts if re.fullmatch(r"[\w-]+", part))


def series(kinds: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, frozenset[str]]:
    """The series' names with their labels, of metrics by name: kind and labels."""
    found = dict(STANDARD) | ALERTS
    for name, (kind, labels) in kinds.items():
        for suffix in _SERIES[kind]:
            found[name + suffix] = frozenset(labels) | ({"le"} if suffix == "_bucket" else set())
    return found


def metrics(expression: str) -> set[str]:
    """The names of the series that are asked for."""
    plain = re.sub(r"\"(?:[^\"\\]|\\.)*\"", '""', _GROUPING.sub(" ", expression))
    plain = re.sub(r"\{[^}]*\}", "{}", plain)
    plain = re.sub(r"\[[^\]]*\]", "[]", plain)
    plain = re.sub(r"\boffset\s+\w+", "", plain)
    return {name for name in _METRIC.findall(plain) if name not in _WORDS}


def matchers(expression: str) -> Iterator[Matcher]:
    """Every condition of every selector. Raises ValueError for one that cannot be read."""
    for metric, inside in _SELECTOR.findall(expression):
        rest = inside
        while rest.strip():
            found = _MATCHER.match(rest)
            if found is None:
                raise ValueError(f"cannot be read: {metric}{{{inside}}}")
            yield Matcher(metric, found[1], found[2], found[3])
            rest = rest[found.end() :]


def grouped(expression: str) -> set[str]:
    """The labels that something is grouped, joined or matched by."""
    return {
        label.strip()
        for inside in _GROUPING.findall(expression)
        for label in inside.split(",")
        if label.strip()
    }


def problems(expression: str, known: Mapping[str, frozenset[str]]) -> list[str]:
    """What it names and nothing has, in words; empty for a query that can be answered."""
    asked = metrics(expression)
    found = [f"no metric {name}" for name in sorted(asked - set(known))]
    for matcher in matchers(expression):
        has = known.get(matcher.metric, frozenset()) | TARGET_LABELS
        if matcher.metric in known and matcher.label not in has:
            found.append(f"{matcher.metric} has no label {matcher.label}")
    has = TARGET_LABELS.union(*(known.get(name, frozenset()) for name in asked))
    found += [f"no label {label} to group by" for label in sorted(grouped(expression) - has)]
    if not asked:
        found.append("asks for nothing")
    return found
