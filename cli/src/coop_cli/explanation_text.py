"""The explanation of a submission as a tree of text.

    item post-1 (Post), submitted …
    FAST evaluation under revision 12
      ✓ Spam (revision 7, LIVE)
          ✓ AND
            ✓ All text contains one of … : found "spam"
        → Delete: delivered at the first attempt

Marks: ✓ passed, ✗ did not, · had no value, ? could not be decided, ~ was not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MARKS: Mapping[str, str] = {
    "PASSED": "✓",
    "FAILED": "✗",
    "INAPPLICABLE": "·",
    "ERRORED": "?",
    "SKIPPED": "~",
}
_OUTCOMES = {True: "✓", False: "✗", None: "?"}


def explanation_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of an answer of `GET /v1/submissions/{id}/explanation`."""
    item = found["item"]
    type_name = found.get("itemTypeName") or item["typeId"]
    yield f"submission {found['submissionId']}"
    submitted = found.get("submitted")
    when = f", submitted {submitted['time']}" if submitted else ", its data is no longer kept"
    yield f"item {item['id']} ({type_name}){when}"
    if not found["evaluations"]:
        yield "no rule passed, and none was undecided: nothing is recorded"
    for evaluation in found["evaluations"]:
        yield ""
        yield from _evaluation(evaluation)


def _evaluation(evaluation: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{evaluation['lane']} evaluation of {evaluation['evaluatedAt']}"
        f" under revision {evaluation['configRevision']}"
    )
    if not evaluation["rules"]:
        yield "  no rule passed"
    for rule in evaluation["rules"]:
        yield from _rule(rule, evaluation["executions"])
    if not evaluation["sampled"]:
        yield "  every other rule did not pass"


def _rule(rule: Mapping[str, Any], executions: list[Mapping[str, Any]]) -> Iterator[str]:
    mark = _OUTCOMES[rule["passed"]]
    limited = ", did not act: beyond its limits" if rule.get("limited") else ""
    yield (
        f"  {mark} {rule['name']} (rule {rule['id']}, revision {rule['revision']},"
        f" {rule['status']}){limited}"
    )
    policies = [one.get("name") or one["id"] for one in rule.get("policies") or ()]
    if policies:
        yield f"      policies: {', '.join(policies)}"
    if rule.get("conditions"):
        yield from _node(rule["conditions"], "      ")
    for problem in rule.get("problems") or ():
        yield f"      {problem['pointer'] or '/'}: {problem['reason']}"
    for execution in executions:
        if rule["id"] in execution["ruleIds"]:
            yield f"    → {_execution(execution)}"


def _node(node: Mapping[str, Any], indent: str) -> Iterator[str]:
    mark = MARKS.get(node["outcome"], node["outcome"])
    if node.get("conjunction"):
        yield f"{indent}{mark} {node['conjunction']}"
        for child in node.get("conditions") or ():
            yield from _node(child, indent + "  ")
        return
    said = node.get("says") or node.get("id") or ""
    found = node.get("found") or node.get("error") or ""
    yield f"{indent}{mark} {said}" + (f": {found}" if found else "")
    for value in node.get("signals") or ():
        had = value.get("error") or value.get("score")
        yield f"{indent}    {value['signal']}: {had}"


def _execution(execution: Mapping[str, Any]) -> str:
    name = execution["action"].get("name") or execution["action"]["id"]
    match execution["state"]:
        case "DELIVERED":
            return f"{name}: delivered at {execution['time']} (attempt {execution['attempts']})"
        case "DEAD":
            status = f"HTTP {execution['status']}" if execution.get("status") else ""
            why = execution.get("error") or status
            return f"{name}: given up after {execution['attempts']} attempts: {why}"
        case "REVIEW":
            return f"{name}: review job {execution.get('jobId') or '(none any more)'}"
    return f"{name}: nothing heard of it yet"
