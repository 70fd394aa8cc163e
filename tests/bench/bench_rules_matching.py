"""What finding many keywords and patterns in one text costs, without the rest of the engine.

Guarantees: every text is new in every run (lazily built automata look forty times faster on
repeated ones); CPU time, so that other work on the machine does not count.
Must not: be tuned to the matchers: words, keywords and regexes are random, of the shapes that the
other rules benchmarks use; every tenth text holds a keyword.

With COOP_BENCH_MESSAGES, a file of real messages (one a line; what comes before a tab is a label),
it also says how often variants find more in them than whole words do.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import string
import threading
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from coop_contracts.config import Geometry, Location, Point
from coop_rules.matching.geo import Areas
from coop_rules.matching.similarity import Similarity
from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.signal.signal import Matching
from tests.bench.result import show

_RUNS = 5
_TEXTS = 500  # a run
_CHARACTERS = 500
_COMMON = tuple(
    """
    ass bastard bitch boob bomb burn butt casino clown cock coke crap cum damn dick die dumb escort
    fag fail fuck gay gun hate hell heroin hoe idiot kill lick loan loser mail meth moron nazi nude
    piss porn prick prize rape rolex scam sex shit slut spic stupid tit viagra weed whore win
    """.split()  # noqa: SIM905 - one word a line would be a page
)


class _Words:
    """Random words, texts, keywords and regexes of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._vocabulary = [self.word(2, 9) for _ in range(20_000)]

    def word(self, shortest: int, longest: int) -> str:
        length = self.random.randint(shortest, longest)
        return "".join(self.random.choices(string.ascii_lowercase, k=length))

    def texts(self, keywords: Sequence[str]) -> list[str]:
        found = []
        for index in range(_TEXTS):
            words = self.random.choices(self._vocabulary, k=_CHARACTERS // 5)
            if index % 10 == 0:
                words.insert(self.random.randint(0, 30), self.random.choice(keywords).upper())
            found.append(" ".join(words)[:_CHARACTERS])
        return found

    def keywords(self, count: int) -> list[str]:
        return sorted({self.word(4, 12) for _ in range(count * 2)})[::2][:count]

    def regexes(self, count: int) -> list[str]:
        shapes: list[Callable[[], str]] = [
            lambda: rf"\b{self.word(4, 4)}\w*\s+\d{{2,4}}",
            lambda: rf"{self.word(3, 3)}(ing|ed|s)?\W+{self.word(3, 3)}",
            lambda: rf"(?:{self.word(4, 4)}|{self.word(5, 5)}).{{0,20}}{self.word(3, 3)}",
            lambda: rf"{self.word(3, 3)}[0-9]+{self.word(1, 1)}",
        ]
        return [self.random.choice(shapes)() for _ in range(count)]


def _sets(matching: Matching, strings: Sequence[str], size: int) -> list[PatternSet]:
    return [PatternSet(matching, strings[at : at + size]) for at in range(0, len(strings), size)]


def _cost(ask: Callable[[str], Any], texts: Callable[[], Sequence[str]]) -> list[float]:
    """Microseconds of CPU a text, in each run; the first warms up and does not count."""
    runs = []
    for _ in range(_RUNS + 1):
        fresh = texts()
        began = time.process_time()
        for text in fresh:
            ask(text)
        runs.append((time.process_time() - began) / len(fresh) * 1e6)
    return runs[1:]


class _Pause:
    """How long another thread of the process stood still, at most, in seconds."""

    def __enter__(self) -> _Pause:
        self.longest = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()
        self._began = time.perf_counter()
        return self

    def _tick(self) -> None:
        last = time.perf_counter()
        while not self._done.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last - 0.001)
            last = now

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._done.set()
        self._thread.join()


def _line(
    name: str, matching: Matching, strings: Sequence[str], *, size: int, bound: str, seed: int
) -> None:
    """One matcher, of sets of `size` strings each."""
    words = _Words(seed)
    cache = ScannerCache()
    with _Pause() as pause:
        scanner = cache.scanner(_sets(matching, strings, size))
    plain = [re.sub(r"\W|\\.", "", one) for one in strings]
    runs = _cost(scanner.scan, lambda: words.texts(plain))
    show(
        f"rules_matching_{name}",
        runs,
        unit="µs/text of 500 characters",
        bound=bound,
        compared_to={
            "compile_seconds": round(pause.seconds, 3),
            "longest_pause_ms": round(pause.longest * 1e3, 1),
            "automata": scanner.parts,
        },
    )


def _change(name: str, matching: Matching, strings: Sequence[str]) -> None:
    """A bank of which one entry changes: until it is live, and until it is as fast as before."""
    words = _Words(9)
    cache = ScannerCache()
    with _Pause() as first:
        before = cache.scanner([PatternSet(matching, strings)])
    waits, pauses, pieced, whole = [], [], [], []
    for run in range(_RUNS):
        changed = PatternSet(matching, [*strings[1:], f"{strings[0]}q{run}"])
        with _Pause() as pause:
            began = time.perf_counter()
            scanner = cache.scanner([changed])
            waits.append((time.perf_counter() - began) * 1e3)
            cache.settle(60)
        pauses.append(pause.longest * 1e3)
        cost = _cost(scanner.scan, lambda: words.texts(["word"]))
        whole.append(statistics.median(cost))
        pieced.append(scanner.parts)
    show(
        f"rules_matching_change_{name}",
        waits,
        unit="ms until live",
        bound="< 1000, pauses < 100",
        compared_to={
            "first_time_ms": round(first.seconds * 1e3),
            "longest_pause_ms": round(max(*pauses, first.longest * 1e3), 1),
            "µs_per_text_after": round(statistics.median(whole), 1),
            "automata_before_and_after": [before.parts, max(pieced)],
        },
    )


def _explosive() -> None:
    """A pattern made to explode, by a plain one, on a long text made for it."""
    cache = ScannerCache()
    ratios = []
    for run in range(_RUNS):
        text = "a" * (100_000 + run) + "!"
        costs = []
        for pattern in (r"(a+)+$", r"a+b"):
            scanner = cache.scanner([PatternSet(Matching.REGEX, [pattern])])
            scanner.scan("a!")
            began = time.process_time()
            for at in range(20):
                scanner.scan(text + "b" * (at % 2))
            costs.append(time.process_time() - began)
        ratios.append(costs[0] / costs[1])
    show("rules_matching_explosive", ratios, unit="times a plain pattern", bound="<= 2")


def _others() -> None:
    """Similarity and areas."""
    words = _Words(5)
    phrases = [" ".join(words.keywords(3)) for _ in range(100)]
    similarity = Similarity(phrases)
    show(
        "rules_matching_similarity_100",
        _cost(similarity.score, lambda: words.texts(phrases)[:50]),
        unit="µs/text of 500 characters",
        bound="none",
    )
    source = words.random
    areas = Areas(
        [
            Location(
                id=str(index),
                geometry=Geometry(
                    center=Point(lat=source.uniform(-70, 70), lng=source.uniform(-180, 180)),
                    radius=source.choice([1.0, 10.0, 100.0]),
                ),
            )
            for index in range(10_000)
        ]
    )
    digits = "0123456789bcdefghjkmnpqrstuvwxyz"
    show(
        "rules_matching_areas_10000",
        _cost(areas.find, lambda: ["".join(source.choices(digits, k=8)) for _ in range(_TEXTS)]),
        unit="µs/geohash",
        bound="none",
    )


_COOP_LETTERS = str.maketrans("013457$€@(!¡|l+", "oieas7seaciiiit")


def _messages(path: Path) -> None:
    """How many real messages variants, whole words, and Coop's own matching of variants find."""
    lines = path.read_text("utf-8", "replace").splitlines()
    messages = [line.rpartition("\t")[2] for line in lines]
    cache = ScannerCache()
    variants = cache.scanner([PatternSet(Matching.VARIANT, [one]) for one in _COMMON])
    words = cache.scanner([PatternSet(Matching.WORD, [one]) for one in _COMMON])
    coop = [
        re.compile(
            r"(^|\s)"
            + "".join(
                f"{re.escape(letter)}{{{len(list(same))},}}"
                for letter, same in groupby(one.translate(_COOP_LETTERS))
            )
        )
        for one in _COMMON
    ]
    found = whole = more = missed = by_coop = 0
    for message in messages:
        of_variants, of_words = variants.scan(message).keys(), words.scan(message).keys()
        found += len(of_variants)
        whole += len(of_words)
        more += len(of_variants - of_words)
        missed += len(of_words - of_variants)
        like_coop = message.lower().translate(_COOP_LETTERS)
        by_coop += sum(
            index not in of_words and pattern.search(like_coop) is not None
            for index, pattern in enumerate(coop)
        )
    show(
        "rules_matching_messages",
        [more / len(messages) * 1000],
        unit="finds beyond whole words in 1,000 messages",
        bound="none",
        compared_to={
            "coops_matching": round(by_coop / len(messages) * 1000, 1),
            "whole_words": round(whole / len(messages) * 1000, 1),
            "whole_words_missed": missed,
            "messages": len(messages),
            "keywords": len(_COMMON),
        },
    )


def run() -> None:
    """Prints every line."""
    words = _Words(1)
    keywords, regexes = words.keywords(100_000), words.regexes(1_000)
    words.random.shuffle(keywords)
    word, regex = Matching.WORD, Matching.REGEX
    _line("words_10000", word, keywords[:10_000], size=10_000, bound="< 20", seed=2)
    _line("words_10000_in_400_sets", word, keywords[:10_000], size=25, bound="none", seed=3)
    _line("words_100000", word, keywords, size=100_000, bound="none", seed=4)
    _line("regexes_1000", regex, regexes, size=1, bound="< 60", seed=6)
    _line("variants_1000", Matching.VARIANT, keywords[:1000], size=1000, bound="none", seed=7)
    _explosive()
    _change("words_10000", word, keywords[:10_000])
    _change("words_100000", word, keywords)
    _change("regexes_1000", regex, regexes)
    _change("regexes_10000", regex, words.regexes(10_000))
    _others()
    path = os.environ.get("COOP_BENCH_MESSAGES")
    if path:
        _messages(Path(path))


def main() -> None:
    run()


if __name__ == "__main__":
    main()
