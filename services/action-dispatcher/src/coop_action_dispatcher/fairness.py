"""Whose turn it is: organisations in turn, and the endpoints of each in turn.

Guarantees: pure; with more work than slots, every organisation that has work gets as much as any
other, and within it every endpoint; who begins changes from pass to pass.
Must not: count slots; what is chosen may still find none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence


def turns(
    due: Mapping[int, Sequence[int]], org_of: Mapping[int, str], start: int
) -> Iterator[tuple[int, int]]:
    """The deliveries of `due` (by endpoint, each in its order) as (endpoint, delivery), in turn.

    `start` says who begins: any number that changes.
    """
    by_org: dict[str, deque[tuple[int, Iterator[int]]]] = {}
    for endpoint_id, deliveries in due.items():
        by_org.setdefault(org_of[endpoint_id], deque()).append((endpoint_id, iter(deliveries)))
    orgs = deque(by_org.values())
    orgs.rotate(-start)
    for endpoints in orgs:
        endpoints.rotate(-start)
    while orgs:
        endpoints = orgs.popleft()
        while endpoints:
            endpoint_id, rest = endpoints.popleft()
            delivery = next(rest, None)
            if delivery is None:
                continue
            yield endpoint_id, delivery
            endpoints.append((endpoint_id, rest))
            break
        if endpoints:
            orgs.append(endpoints)
