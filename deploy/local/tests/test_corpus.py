"""A corpus of one's own: which columns are taken, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from coop_local.demo.corpus import CorpusError, CorpusMessage, default_corpus, read, taken


def test_columns_are_found_by_their_usual_names(tmp_path: Path) -> None:
    """In capitals and behind a byte order mark, too; what is taken and what is not is said."""
    path = tmp_path / "mine.csv"
    path.write_text("\ufeffID,Message,Category\n1,hello,ham\n", encoding="utf-8")
    assert read(path) == [CorpusMessage("hello", "ham")]
    assert taken(path) == (
        "mine.csv: the text is the column Message, the label Category; not used: ID."
    )
    path.write_text("text,body\nhello,other\n", encoding="utf-8")
    assert read(path) == [CorpusMessage("hello", "")]
    assert taken(path).endswith("the column text, and no column is a label; not used: body.")


def test_a_file_without_a_text_says_what_it_has(tmp_path: Path) -> None:
    """The names that would do, and those that are there."""
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    for ask in (read, taken):
        with pytest.raises(CorpusError, match=r"named text, message.*it has a, b"):
            ask(path)


def test_the_corpus_of_the_product_says_its_form() -> None:
    """Lines of a label, a tab and a text."""
    assert "a label, a tab, and the text" in taken(default_corpus())
