"""All hashes of a process: what is added is found at once, what goes is found no more."""

from __future__ import annotations

import asyncio
import random

from coop_hma_bridge.book import HashBook
from coop_hma_bridge.entry import ACTIVE, DISABLED, REMOVED, Algorithm, Change
from coop_hma_bridge.segment import words_of


def pdq(number: int) -> bytes:
    return random.Random(number).randbytes(32)


def md5(number: int) -> bytes:
    return random.Random(-number - 1).randbytes(16)


def change(
    number: int, *, entry: int, state: int = ACTIVE, algorithm: Algorithm = "pdq", bank: int = 1
) -> Change:
    found = pdq(entry) if algorithm == "pdq" else md5(entry)
    return Change(number, entry, bank, algorithm, found, state)


def entries(book: HashBook, number: int) -> list[int]:
    return [match.entry_id for match in book.near(pdq(number))]


async def test_added_disabled_removed_and_added_again() -> None:
    """Each state counts from the moment it is applied; twice is once."""
    book = HashBook()
    book.apply([change(1, entry=1), change(2, entry=2, bank=7), change(1, entry=1)])
    assert entries(book, 1) == [1]
    assert book.near(pdq(2))[0].bank == 7
    for state in (DISABLED, REMOVED):
        book.apply([change(3, entry=1, state=state)] * 2)
        assert entries(book, 1) == []
        assert len(book) == 1
        book.apply([change(4, entry=1)])
        assert entries(book, 1) == [1]
    assert len(book) == 2


async def test_the_last_of_a_batch_counts() -> None:
    """Added and removed again within one batch of changes, and the other way."""
    book = HashBook()
    book.apply([change(1, entry=1), change(2, entry=1, state=REMOVED)])
    assert entries(book, 1) == []
    book.apply([change(3, entry=2, state=REMOVED), change(4, entry=2)])
    assert entries(book, 2) == [2]


async def test_nearest_first() -> None:
    """Matches come by their distance."""
    book = HashBook()
    one = pdq(1)
    near = bytes([one[0] ^ 0b111]) + one[1:]
    book.apply([change(3, entry=1), Change(1, 5, 1, "pdq", near, ACTIVE), change(2, entry=6)])
    assert [(m.entry_id, m.distance) for m in book.near(one)] == [(1, 0), (5, 3)]


async def test_a_fold_changes_no_answer() -> None:
    """While the tail is folded in, and after it: the same entries are found, also those that were
    touched meanwhile, and none that went."""
    book = HashBook(tail=200)
    for begin in range(0, 3000, 100):
        book.apply([change(begin + n, entry=begin + n + 1) for n in range(100)])
        book.fold_if_long()
        gone = begin + 1
        book.apply([change(begin + 100, entry=gone, state=REMOVED)])
        assert entries(book, gone) == []
        assert entries(book, begin + 2) == [begin + 2]
    await book.settle()
    assert book.tail <= 200
    for entry in range(1, 3001):
        assert entries(book, entry) == ([] if entry % 100 == 1 else [entry])
    book.apply([change(3101, entry=1)])
    assert entries(book, 1) == [1]


async def test_what_was_loaded_can_change() -> None:
    """Entries of the start are found, disabled, and found again; an entry that was disabled at the
    start, and so is not there, is added when it is enabled."""
    book = HashBook(tail=10)
    loaded = [entry for entry in range(1, 101) if entry != 50]
    book.load_pdq(words_of(b"".join(map(pdq, loaded))), [1] * 99, loaded)
    assert all(entries(book, entry) == [entry] for entry in loaded)
    book.apply([change(1, entry=7, state=DISABLED), change(2, entry=50)])
    assert entries(book, 7) == []
    assert entries(book, 50) == [50]
    book.apply([change(3, entry=7)])
    assert entries(book, 7) == [7]
    assert len(book) == 100


async def test_md5_is_exact() -> None:
    """Files are found by their MD5, in every bank that has it, before and after it is sorted in."""
    book = HashBook(tail=50)
    loaded = list(range(1, 31))
    book.load_md5(words_of(b"".join(map(md5, loaded)), 2), [1] * 30, loaded)
    for entry in range(31, 200):
        book.apply([change(entry, entry=entry, algorithm="md5")])
    book.apply([Change(300, 300, 2, "md5", md5(5), ACTIVE)])
    assert sorted(m.bank for m in book.exact(md5(5))) == [1, 2]
    assert all(book.exact(md5(entry)) for entry in range(1, 200))
    assert book.exact(bytes(16)) == []
    book.apply([change(301, entry=5, state=REMOVED, algorithm="md5")])
    assert [m.bank for m in book.exact(md5(5))] == [2]


async def test_any_order_of_changes_ends_alike() -> None:
    """A book that followed everything and one that was loaded at the end give the same answers."""
    chance = random.Random(5)
    followed = HashBook(tail=20)
    states: dict[int, int] = {}
    for number in range(2000):
        entry = min(chance.randint(1, 40 + number // 10), max(states, default=0) + 1)  # ids rise
        states[entry] = chance.choice([ACTIVE, ACTIVE, DISABLED, REMOVED])
        followed.apply([change(number, entry=entry, state=states[entry])])
        followed.fold_if_long()
    await followed.settle()
    alive = [entry for entry, state in sorted(states.items()) if state == ACTIVE]
    loaded = HashBook()
    loaded.load_pdq(words_of(b"".join(map(pdq, alive))), [1] * len(alive), alive)
    assert len(followed) == len(loaded) == len(alive)
    for entry in states:
        assert entries(followed, entry) == entries(loaded, entry)


async def test_changes_are_taken_in_a_thread() -> None:
    """While twenty thousand are, and folds are made, everything that was there before is found at
    any moment, by PDQ and by MD5."""
    book = HashBook(tail=500)
    loaded = list(range(1, 2001))
    book.load_pdq(words_of(b"".join(map(pdq, loaded))), [1] * 2000, loaded)
    book.load_md5(words_of(b"".join(map(md5, loaded)), 2), [1] * 2000, loaded)
    changes = [
        change(entry, entry=entry, algorithm="md5" if entry % 2 else "pdq")
        for entry in range(2001, 12_001)
    ]
    asked = 0
    for begin in range(0, len(changes), 500):
        applying = asyncio.create_task(asyncio.to_thread(book.apply, changes[begin : begin + 500]))
        while not applying.done():
            entry = 1 + asked % 2000
            assert entries(book, entry) == [entry]
            assert [m.entry_id for m in book.exact(md5(entry))] == [entry]
            asked += 1
            await asyncio.sleep(0)
        await applying
        book.fold_if_long()
    await book.settle()
    assert asked > 20
    assert len(book) == 14_000
    assert entries(book, 12_000) == [12_000]
    assert [m.entry_id for m in book.exact(md5(11_999))] == [11_999]


def test_ids_are_as_large_as_the_databases() -> None:
    """An id beyond 32 bits is found, and changed, as any other."""
    large = 2**40 + 7
    book = HashBook(tail=10)
    book.apply([change(1, entry=3), change(2, entry=large), change(3, entry=large + 1)])
    book.load_md5(words_of(md5(5), 2), [1], [large])
    assert entries(book, large) == [large]
    assert [m.entry_id for m in book.exact(md5(5))] == [large]
    book.apply([change(4, entry=large, state=REMOVED)])
    assert entries(book, large) == []
