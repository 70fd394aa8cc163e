"""`coop rules test`: cases that hold, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from coop_cli.app import EXIT_FAILED, app

GOOD = """
itemTypes:
  - name: Post
    kind: CONTENT
    fields:
      - {name: text, type: STRING, required: true}
      - {name: likes, type: NUMBER}
textBanks:
  - {name: Bad words, type: STRING, strings: [viagra, casino]}
rules:
  - name: Bad words
    itemTypes: [Post]
    actions: [Whatever]
    conditionSet:
      conjunction: AND
      conditions:
        - input: {type: CONTENT_COOP_INPUT, name: All text}
          signal: TEXT_MATCHING_CONTAINS_TEXT
          matchingValues: {textBanks: [Bad words]}
        - input: {type: CONTENT_FIELD, contentType: Post, name: likes}
          comparator: LESS_THAN
          threshold: 10
  - name: Hate
    itemTypes: [Post]
    conditionSet:
      conjunction: OR
      conditions:
        - input: {type: CONTENT_COOP_INPUT, name: All text}
          signal: OPEN_AI_HATE_TEXT_MODEL
          comparator: GREATER_THAN
          threshold: 0.8
cases:
  - name: a bad word
    item: {type: Post, data: {text: "cheap Viagra", likes: "3"}}
    signals: {OPEN_AI_HATE_TEXT_MODEL: 0.1}
    passes: [Bad words]
  - name: liked
    item: {type: Post, data: {text: "cheap Viagra", likes: 30}}
    unknown: [Hate]
  - name: no answer
    item: {type: Post, data: {text: hello}}
    signals: {OPEN_AI_HATE_TEXT_MODEL: {error: timed out}}
    unknown: [Hate]
  - name: hate
    item: {type: Post, data: {text: hello}}
    signals: {OPEN_AI_HATE_TEXT_MODEL: 0.9}
    passes: [Hate]
  - name: one rule
    item: {type: Post, data: {text: casino, likes: 1}}
    rules: [Bad words]
    passes: [Bad words]
"""


def run(tmp_path: Path, text: str) -> Result:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    return CliRunner().invoke(app, ["rules", "test", str(path)])


def test_cases_that_hold(tmp_path: Path) -> None:
    """Items are coerced as on their way in, signals say what the case says; exit code 0."""
    result = run(tmp_path, GOOD)
    assert result.output == "5 of 5 passed\n"
    assert result.exit_code == 0


def test_a_case_that_does_not_hold_says_why(tmp_path: Path) -> None:
    """What differs is shown with every condition's finding; exit code 1."""
    result = run(tmp_path, GOOD.replace("unknown: [Hate]", "passes: [Bad words]", 1))
    assert result.exit_code == EXIT_FAILED
    assert "FAILED liked" in result.output
    assert "- Bad words passes\n" in result.output
    assert "+ Bad words does not pass\n" in result.output
    assert "~ All text TEXT_MATCHING_CONTAINS_TEXT [bank Bad words]\n" in result.output
    assert "✗ likes LESS_THAN 10: is 30" in result.output
    assert "- Hate does not pass" in result.output
    assert "+ Hate cannot be decided" in result.output
    assert "4 of 5 passed" in result.output
    result = run(tmp_path, GOOD.replace("passes: [Bad words]", "passes: []", 1))
    assert (
        '✓ All text TEXT_MATCHING_CONTAINS_TEXT [bank Bad words]: found "viagra"' in result.output
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("textBanks: [Bad words]", "textBanks: [Other]", "there is no text bank called Other"),
        ("threshold: 10", "threshold: many", "/conditionSet/conditions/1/threshold"),
        ("passes: [Bad words]", "passes: [Good words]", "no rule for items of type Post"),
        ("item: {type: Post", "item: {type: Pots", "there is no item type called Pots"),
        ("likes: 30", "likes: many", "/item/data/likes"),
        ("  - name: hate\n", "  - name: hate\n    pass: []\n", "unknown field `pass`"),
        ("rules: [Bad words]", "signals: {ZENTROPI_LABELER: 1}", "no rule asks for ZENTROPI"),
        ("kind: CONTENT", "kind: THING", "Invalid enum value 'THING'"),
        ("cases:", "cases: 3\nother:", "Expected `array`"),
        ("  - name: Hate\n", "  - name: Bad words\n", "there are two of Bad words"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """A fault in the file, in a rule or in an item is named; exit code 1."""
    result = run(tmp_path, GOOD.replace(old, new, 1))
    assert result.exit_code == EXIT_FAILED
    assert said in result.output


def test_documents_in_files_of_their_own(tmp_path: Path) -> None:
    """Rules, banks and item types may be in a pulled folder, or in files that are named."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "item-types").mkdir()
    (tmp_path / "item-types" / "post.yaml").write_text(
        "id: t1\nrevision: 1\nname: Post\nkind: CONTENT\nversion: v\n"
        "fields:\n  - {name: text, type: STRING}\n"
    )
    (tmp_path / "rules" / "spam.yaml").write_text(
        "id: r1\nrevision: 4\nname: Spam\nstatus: DRAFT\nitemTypes: [Post]\nactions: [Remove]\n"
        "conditionSet:\n  conjunction: AND\n  conditions:\n"
        "    - input: {type: CONTENT_FIELD, contentType: Post, name: text}\n"
        "      comparator: EQUALS\n      threshold: spam\n"
    )
    cases = "cases:\n  - name: c\n    item: {type: Post, data: {text: spam}}\n    passes: [Spam]\n"
    assert run(tmp_path, "folder: .\n" + cases).exit_code == 0
    named = "itemTypes: [item-types/post.yaml]\nrules: [rules/spam.yaml]\n"
    assert run(tmp_path, named + cases).output == "1 of 1 passed\n"
