"""The queue store: review jobs as rows in PostgreSQL, their order in Redis.

    store.py   what services call: place, claim, extend, release, skip, close, move, look up
    reading.py what others may read of the tables in statements of their own
    order.py   the order in Redis; told after a commit, rebuilt from the rows at any time

Guarantees: `docs/decisions/0008-queue-store.md` and the README of this package.
Must not: know about rules, decisions or HTTP; who calls it decides where a job goes and why.
"""
