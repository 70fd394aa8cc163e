"""What is held, what is under way and what may be committed."""

from __future__ import annotations

import threading

from coop_runtime.kafka.partition import HeldPartitions, TopicPartition

P0 = TopicPartition("t", 0)


def held() -> tuple[HeldPartitions, int]:
    partitions = HeldPartitions()
    partitions.assign([P0])
    generation = partitions.generation(P0)
    assert generation is not None
    return partitions, generation


def test_an_offset_is_handed_out_once() -> None:
    """A settled offset is to be committed once, and again only if that failed."""
    partitions, generation = held()
    assert partitions.enter(P0, generation)
    partitions.leave(P0, generation, 5)
    assert partitions.take_committable() == {P0: 5}
    assert partitions.take_committable() == {}
    partitions.commit_failed([P0])
    assert partitions.take_committable() == {P0: 5}


def test_closing_lets_what_is_under_way_settle() -> None:
    """A closing partition begins nothing, waits for what runs, and still yields its offset."""
    partitions, generation = held()
    assert partitions.enter(P0, generation)
    partitions.close([P0])
    assert not partitions.enter(P0, generation)
    assert not partitions.wait_settled([P0], 0)
    timer = threading.Timer(0.01, partitions.leave, (P0, generation, 9))
    timer.start()
    assert partitions.wait_settled([P0], 5)
    timer.join()
    assert partitions.take_committable([P0]) == {P0: 9}


def test_a_former_generation_moves_nothing() -> None:
    """What settles of a former assignment counts for nothing in the new one."""
    partitions, generation = held()
    assert partitions.enter(P0, generation)
    partitions.release([P0])
    partitions.assign([P0])
    partitions.leave(P0, generation, 9)
    assert partitions.take_committable() == {}
    assert not partitions.enter(P0, generation)


def test_joined_says_whether_the_group_knows_us() -> None:
    """An assignment of nothing is one too; a lost one is none."""
    partitions = HeldPartitions()
    assert not partitions.joined
    partitions.assign([])
    assert partitions.joined
    partitions.lose([])
    assert not partitions.joined
